"""The embedded store: its folder, one process at a time; how words count. What all stores do is in ``stores/``."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from langchain_core.documents import Document

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Analyser, EdgeVectorStore

ANALYSER = Analyser(["en", "de"])
ANN = Principal("ann", frozenset({"hr"}))
BOB = Principal("bob")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index"


def opened(path: Path, caller: Principal | None, wait_seconds: float = 0) -> EdgeVectorStore:
    return EdgeVectorStore(path, HashEmbeddings(64), ANALYSER, caller, wait_seconds=wait_seconds)


def texts(documents: list[Document]) -> set[str]:
    return {document.page_content for document in documents}


def test_a_document_without_an_access_list_is_its_authors(path: Path) -> None:
    store = opened(path, ANN)
    [mine] = store.add_texts(["draft of mine"])
    [shared] = store.add_texts(["draft for bob"], [{"allow": ["user:bob"]}])
    [denied] = store.add_texts(["draft not for ann"], [{"allow": ["group:hr"], "deny": ["user:ann"]}])
    assert texts(store.similarity_search("draft", k=9)) == {"draft of mine"}
    assert texts(store.get_by_ids([mine, shared, denied])) == {"draft of mine"}
    store.close()
    theirs = opened(path, BOB)
    assert texts(theirs.similarity_search("draft", k=9)) == {"draft for bob"}
    assert texts(theirs.as_retriever().invoke("draft")) == {"draft for bob"}
    theirs.close()


def test_without_a_caller_nothing_is_returned(path: Path) -> None:
    store = opened(path, None)
    ids = store.add_texts(["a text", "another text"], [{"allow": ["group:hr"]}, {}])
    assert store.similarity_search("text") == store.get_by_ids(ids) == []
    assert store.hits("text", None, 5) == []
    assert texts([hit.document for hit in store.hits("text", ANN, 5)]) == {"a text"}
    store.close()


def test_access_lists_are_not_handed_out(path: Path) -> None:
    store = EdgeVectorStore.from_texts(
        ["a text"],
        HashEmbeddings(64),
        [{"allow": ["group:hr"], "kind": "note"}],
        path=path,
        analyser=ANALYSER,
        caller=ANN,
    )
    assert [document.metadata for document in store.similarity_search("text")] == [{"kind": "note"}]
    store.close()


def test_delete_without_ids_empties_the_store(path: Path) -> None:
    store = opened(path, ANN)
    store.add_texts(["one", "two"])
    assert store.delete()
    assert store.similarity_search("one") == []
    store.close()


def test_a_search_before_the_first_write_makes_nothing(path: Path) -> None:
    store = opened(path, ANN)
    assert store.similarity_search("text") == []
    assert store.sources() == {}
    assert store.delete(["x"])
    assert not path.exists()


QUERIES = ["", "  ", "?", "the of and", "\ud800", "a\0b", "x" * 4000, "'; DROP TABLE", "日本語"]


@pytest.mark.parametrize("query", QUERIES)
def test_odd_questions_are_no_mistakes(path: Path, query: str) -> None:
    store = opened(path, ANN)
    store.add_texts(["a text"])
    assert all(0 <= hit.score <= 1 and 0 <= hit.lexical <= 1 for hit in store.hits(query, ANN, 5))
    store.close()


def test_lexical_is_the_share_of_the_questions_words_and_rare_ones_count_more(path: Path) -> None:
    store = opened(path, ANN)
    store.add_texts([f"The harbour has berth {n}." for n in range(9)] + ["The harbour has cranes."])

    def lexical(query: str) -> float:
        return store.hits(query, ANN, 1)[0].lexical

    assert lexical("Harbours with a crane?") == pytest.approx(1)
    assert lexical("Which harbour has a casino?") == pytest.approx(0.027, abs=0.02)
    assert lexical("Which crane has a casino?") == pytest.approx(0.4, abs=0.1)
    assert lexical("Any casino?") == 0
    store.close()


LANGUAGES = [
    ("Die Mitarbeiter reichen ihre Reisekosten ein.", "de"),
    ("The employees hand in what they spent on the train.", "en"),
    ("L300 ERR 17", "en"),
    ("", "en"),
]


@pytest.mark.parametrize(("text", "language"), LANGUAGES)
def test_a_language_is_recognised_by_its_small_words(text: str, language: str) -> None:
    assert ANALYSER.recognise(text) == language


INFLECTIONS = [
    ("de", "Die Züge fahren täglich.", "Wann fährt der Zug?"),
    ("de", "Mitarbeiterinnen erhalten Zuschüsse.", "Zuschuss"),
    ("en", "Employees are travelling by train.", "travel of an employee"),
]


@pytest.mark.parametrize(("language", "text", "question"), INFLECTIONS)
def test_words_are_found_in_other_forms(path: Path, language: str, text: str, question: str) -> None:
    store = opened(path, ANN)
    store.add_texts([text], [{"language": language}])
    assert store.hits(question, ANN, 1)[0].bm25 > 0
    store.close()


SECOND = """
import sys
from pathlib import Path
from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings
from {{ cookiecutter.package_name }}.scaffold.retrieval.stores import Analyser, EdgeVectorStore
store = EdgeVectorStore(Path(sys.argv[1]), HashEmbeddings(64), Analyser(["en", "de"]), Principal("ann"), wait_seconds=float(sys.argv[2]))
print("ready", flush=True)
store.add_texts(["from the second"])
store._shard._open.flush()
print(len(store.similarity_search("second")), flush=True)
import os; os._exit(9)  # no destructor, no close
"""


def second(path: Path, wait_seconds: float) -> subprocess.Popen[str]:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", SECOND, str(path), str(wait_seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_second_process_is_told_who_has_the_index(path: Path) -> None:
    store = opened(path, ANN)
    store.add_texts(["from the first"])
    with store.hold():
        _, problem = second(path, 0).communicate(timeout=60)
    assert f"is in use by another process (number {os.getpid()}); it takes one at a time." in problem
    assert ConfigurationError.__name__ in problem
    store.close()


def test_a_second_process_waits_for_its_turn_and_what_it_wrote_outlives_its_crash(path: Path) -> None:
    store = opened(path, ANN)
    store.add_texts(["from the first"])
    with store.hold():
        waiting = second(path, 60)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "ready\n"
    store.close()
    output, problem = waiting.communicate(timeout=60)
    assert (output, waiting.returncode) == ("2\n", 9), problem
    assert texts(store.similarity_search("from", k=9)) == {"from the first", "from the second"}
    store.close()


def test_an_idle_store_is_kept_open_until_another_one_waits_for_it(path: Path) -> None:
    store = opened(path, ANN, wait_seconds=60)
    store.add_texts(["a text"])
    kept = store._shard._open
    store._shard.let_go()
    assert store._shard._open is kept
    other = opened(path, ANN, wait_seconds=60)
    for each in (other, store, other):  # in turns, without a word from us
        assert texts(each.similarity_search("text")) == {"a text"}
    other._shard.let_go()
    assert other._shard._open is not None, "nobody waits any longer"
    other.close()


def test_a_store_that_nobody_has_any_longer_is_let_go_of(path: Path) -> None:
    opened(path, ANN).add_texts(["a text"])
    gc.collect()
    other = opened(path, ANN, wait_seconds=0)
    assert texts(other.similarity_search("text")) == {"a text"}
    other.close()


def test_a_store_in_use_is_not_closed(path: Path) -> None:
    store = opened(path, ANN)
    store.add_texts(["a text"])
    with store.hold():
        store.close()
        assert texts(store.similarity_search("text")) == {"a text"}
    store.close()


def test_many_threads_search_while_others_write_and_close(path: Path) -> None:
    store, problems = opened(path, ANN), list[BaseException]()
    store.add_texts(["text 0"])

    def run(number: int) -> None:
        try:
            for turn in range(10):
                if number % 4 == 0:
                    store.add_texts([f"text {number} {turn}"])
                elif number % 4 == 1:
                    store.close()
                else:
                    assert store.similarity_search("text")
        except BaseException as problem:  # noqa: BLE001  handed to the test's own thread
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(store.similarity_search("text", k=50)) == 21
    store.close()
