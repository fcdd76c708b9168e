"""Documents are read by processes that may die: what one does to its process, no other document feels."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
from collections.abc import Generator, Iterator
from typing import cast

import pytest

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.retrieval.documents import Raw
from {{ cookiecutter.package_name }}.scaffold.retrieval.processing import Pool, Processed, process_batch
from {{ cookiecutter.package_name }}.scaffold.retrieval.settings import Limits, RetrievalFile
from {{ cookiecutter.package_name }}.scaffold.retrieval.workers import Workers

from tests.scaffold.retrieval.files import docx, pdf

pytestmark = pytest.mark.skipif(os.name == "nt", reason="alarms and signals are POSIX's")

HALF = b"# The policy\n\nThe limit is 150 EUR and it is for all.\n\n## Hotels\n\n" + b"As the rest, so this. " * 200


def notes(count: int, name: str = "note") -> list[Raw]:
    return [Raw(f"{name}-{number}.md", HALF + b"%d" % number, ".md") for number in range(count)]


def test_each_document_comes_to_its_own_result_in_the_same_order() -> None:
    documents = [
        *notes(1),
        Raw("x.pdf", b"%PDF-1.7 nothing", ".pdf"),
        Raw("de.txt", "Die Grenze ist für alle da.".encode(), ".txt"),
    ]
    english, broken, german = process_batch(documents, RetrievalFile())
    assert (english.title, english.language, english.chunks[-1].section, english.problem) == (
        "The policy",
        "en",
        "Hotels",
        "",
    )
    assert broken.problem.startswith("x.pdf: ")
    assert (broken.chunks, len(broken.sha256)) == ((), 64)
    assert (german.language, german.chunks[0].text) == ("de", "Die Grenze ist für alle da.")


def test_a_fault_in_reading_costs_its_own_document_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TypeError("a fault\nof ours")

    monkeypatch.setattr("{{ cookiecutter.package_name }}.scaffold.retrieval.processing.split", fail)
    [first, second] = process_batch(notes(2), RetrievalFile())
    assert first.problem == "note-0.md: cannot be cut into passages (TypeError: a fault of ours)."
    assert second.problem.startswith("note-1.md: ")


def test_other_processes_say_the_same_as_this_one() -> None:
    batches = [[*notes(3), Raw("x.pdf", pdf(), ".pdf")], [], [Raw("bad.docx", b"PK", ".docx"), *notes(2, "other")]]
    with Pool(RetrievalFile(workers=2)) as pool:
        assert list(pool.run(batches)) == [process_batch(batch, RetrievalFile()) for batch in batches]


def test_only_a_few_batches_are_asked_for_ahead() -> None:
    asked = itertools.count()

    def endless() -> Iterator[list[Raw]]:
        for number in asked:
            yield [Raw(f"{number}.pdf", pdf(), ".pdf")]

    with Pool(RetrievalFile(workers=1)) as pool:
        results = cast("Generator[list[Processed], None, None]", pool.run(endless()))
        assert [next(results)[0].source for _ in range(3)] == ["0.pdf", "1.pdf", "2.pdf"]
        assert next(asked) <= 5
        results.close()
        assert [len(batch) for batch in pool.run([notes(2), notes(1)])] == [2, 1], "what was left undone is forgotten"


def test_small_syncs_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workers, "_start", lambda *_: pytest.fail("a process was started"))
    with Pool(RetrievalFile()) as pool:
        assert [len(batch) for batch in pool.run([notes(5), notes(1)])] == [5, 1]


LIMITED: dict[str, tuple[Raw, Limits, str]] = {
    "time": (
        Raw("a\nb.pdf", pdf(") Tj (" * 1_000_000), ".pdf"),
        Limits(seconds=2),
        "'a\\nb.pdf': takes longer than 2 seconds.",
    ),
    "memory": (
        Raw("big.txt", b"word and " * 2_000_000, ".txt"),
        Limits(memory_megabytes=100, characters=100_000_000),
        "big.txt: needs more memory than there is",
    ),
    "memory of a Word file": (
        Raw("big.docx", docx("<w:p><w:r><w:t>word</w:t></w:r></w:p>" * 700_000), ".docx"),
        Limits(memory_megabytes=100),
        "big.docx: needs more memory than there is",
    ),
}


@pytest.mark.parametrize("case", LIMITED, ids=str)
def test_a_document_that_takes_too_much_is_named_and_the_others_are_read(case: str) -> None:
    raw, limits, reason = LIMITED[case]
    if "memory" in case and sys.platform != "linux":
        pytest.skip("only Linux keeps to a limit of memory")
    with Pool(RetrievalFile(workers=1, limits=limits)) as pool:
        [[before, culprit, after], rest] = pool.run([[*notes(1), raw, *notes(1)], notes(1)])
    assert culprit.problem.startswith(reason)
    assert [before.problem, after.problem, rest[0].problem] == ["", "", ""]


def act(item: str) -> str:
    """What an item does to the process that works on it."""
    if item == "crash":
        os.abort()
    if item == "loop":
        sum(itertools.repeat(0))  # in C, where no exception reaches it
    return f"{item} done"


def tell(item: str, reason: str) -> str:
    return f"{item} {reason}"


CULPRITS = {
    "crash": "crash ends its process (signal SIGABRT)",
    "loop": "loop takes longer than 1 seconds",
}


@pytest.mark.parametrize("culprit", CULPRITS)
def test_only_the_item_that_ends_its_process_is_lost(culprit: str) -> None:
    workers = Workers(act, tell, most=2, seconds=1, megabytes=1000)
    try:
        results = list(workers.run([["a", culprit, "b"], ["c"], ["d", "e"]]))
    finally:
        workers.close()
    assert results == [["a done", CULPRITS[culprit], "b done"], ["c done"], ["d done", "e done"]]


def die_once(path: str) -> str:
    """Ends its process, the first time."""
    if not os.path.exists(path):  # noqa: PTH110
        with open(path, "w"):  # noqa: PTH123
            os.abort()
    return "done"


def test_an_item_whose_process_ended_is_tried_once_more(tmp_path: os.PathLike[str]) -> None:
    workers = Workers(die_once, tell, most=1, seconds=60, megabytes=1000)
    try:
        assert list(workers.run([[os.path.join(tmp_path, "mark")]])) == [["done"]]  # noqa: PTH118
    finally:
        workers.close()


class Unloadable:
    """Ends the process that gets it, before that has begun."""

    def __call__(self, item: str) -> str:
        return item

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (7,)


def test_where_no_process_can_be_started_that_is_said() -> None:
    workers = Workers(Unloadable(), tell, most=1, seconds=60, megabytes=1000)
    with pytest.raises(ConfigurationError, match=r"could not be started .*exit code 7.* set workers: 0"):
        list(workers.run([["a"]]))
    workers.close()


def test_ctrl_c_ends_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers(act, tell, most=1, seconds=60, megabytes=1000)
    results = workers.run([["a"], ["loop"]])
    assert next(results) == ["a done"]
    monkeypatch.setattr("multiprocessing.connection.wait", interrupted)
    [worker] = workers._workers
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert not worker.process.is_alive()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


RAY = importlib.util.find_spec("ray") is not None


@pytest.mark.skipif(RAY, reason="Ray is installed")
def test_without_ray_its_extra_is_named() -> None:
    with Pool(RetrievalFile(workers="ray")) as pool, pytest.raises(ConfigurationError, match="install the extra 'ray'"):
        list(pool.run([notes(1)]))


@pytest.mark.skipif(not RAY, reason="Ray is not installed (extra 'ray')")
def test_ray_says_the_same_as_this_process_and_names_who_ends_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    batches = [[*notes(3, str(number)), Raw("x.pdf", pdf(), ".pdf")] for number in range(5)]
    with Pool(RetrievalFile(workers="ray")) as pool:
        assert list(pool.run(batches)) == [process_batch(batch, RetrievalFile()) for batch in batches]
        assert sys.modules["ray"].util.get_node_ip_address() == "127.0.0.1", "it listens where others can reach it"
    slow: list[Processed]
    with Pool(RetrievalFile(workers="ray", limits=Limits(seconds=0.001))) as pool:
        [slow] = pool.run([[Raw("x.pdf", pdf(), ".pdf")]])
    assert slow[0].problem == "x.pdf: takes longer than 0.001 seconds."
