"""Structured output: an answer that does not fit its schema is one clear error, whatever a parser makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import ValidationError

from ..errors import ModelUnreadable, ScaffoldError

PARSING = ("ValidationError", "OutputParserException", "LengthFinishReasonError")
"""Errors of those who read an answer by a schema, some in the vendors' own clients."""


def misfit(error: BaseException | None, who: str = "The model") -> ModelUnreadable:
    """The error that names the fields, and nothing of what was written into them."""
    seen = error
    while seen is not None and not isinstance(seen, ValidationError):
        seen = seen.__cause__ or seen.__context__
    if seen is None:
        said = "the schema: it is cut off, or in another form"
    else:
        fields = {".".join(map(str, each["loc"])) or "all of it" for each in seen.errors()}
        said = f"{seen.title}: wrong are {', '.join(sorted(fields))}"
    return ModelUnreadable(f"{who} sent an answer that does not fit {said}; ask again, or make the schema simpler.")


class Shaped(Runnable[Any, Any]):
    """A chain of a model and the parser of its answers.

    ``whole`` says that a stream gives the result in one: the parts that a parser finds readable on the way say nothing
    of the end, and of an end that does not fit it says nothing either.
    """

    def __init__(self, chain: Runnable[Any, Any], whole: bool) -> None:
        self._chain, self._whole = chain, whole

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """The result. Raises ``ModelUnreadable`` where there is none."""
        with _named():
            return _there(self._chain.invoke(input, config, **kwargs))

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        """As ``invoke``."""
        with _named():
            return _there(await self._chain.ainvoke(input, config, **kwargs))

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:  # noqa: A002
        """The result, or its growing parts."""
        if self._whole:
            yield self.invoke(input, config, **kwargs)
            return
        part = None
        with _named():
            for part in self._chain.stream(input, config, **kwargs):
                yield part
            _there(part)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:  # noqa: A002
        """As ``stream``."""
        if self._whole:
            yield await self.ainvoke(input, config, **kwargs)
            return
        part = None
        with _named():
            async for part in self._chain.astream(input, config, **kwargs):
                yield part
            _there(part)


def _there(result: Any) -> Any:
    """Some parsers give nothing where the model called no tool, or wrote what they cannot read."""
    if result is None:
        raise misfit(None)
    return result


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except ScaffoldError:
        raise
    except Exception as error:
        raise misfit(error) from error
