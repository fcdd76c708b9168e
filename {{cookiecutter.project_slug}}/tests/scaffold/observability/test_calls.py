"""Whose call it is travels with the work done for it."""

from __future__ import annotations

import asyncio

import pytest

from {{ cookiecutter.package_name }}.scaffold.observability import Call, calling, current_call, trace_id


async def test_tasks_and_threads_inherit_the_call_and_do_not_mix() -> None:
    async def serve(name: str) -> tuple[Call | None, Call | None]:
        with calling(Call(name, "api")):
            await asyncio.sleep(0)
            return current_call.get(), await asyncio.to_thread(current_call.get)

    calls = await asyncio.gather(*(serve(name) for name in ("jonas", "aisha")))
    assert calls == [(Call(name, "api"), Call(name, "api")) for name in ("jonas", "aisha")]
    assert current_call.get() is None


def test_a_call_ends_with_its_block_whatever_happens() -> None:
    with pytest.raises(RuntimeError), calling(Call("jonas", "cli")):
        raise RuntimeError
    assert current_call.get() is None


def test_without_a_span_every_trace_id_is_fresh() -> None:
    ids = {trace_id() for _ in range(10)}
    assert len(ids) == 10 and all(len(each) == 32 and int(each, 16) for each in ids)
