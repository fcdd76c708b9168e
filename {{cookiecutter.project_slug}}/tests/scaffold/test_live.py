"""Files that change while the application runs: followed, put in use whole, and one version a request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.scaffold.config import File, load_yaml
from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError
from {{ cookiecutter.package_name }}.scaffold.live import READINGS, LastGood, Live


class Named(File):
    """A file with a name in it."""

    name: str


def follow(path: Path, live: Live | None = None) -> LastGood[Named]:
    return LastGood(lambda: [path], lambda: load_yaml(path, Named), path.name, live)


def swap(folder: Path, name: str) -> None:
    """Point ``..data`` to another folder at once, as the mount of a ConfigMap does."""
    (folder / "new").symlink_to(name)
    (folder / "new").replace(folder / "..data")


class Pair:
    """Two files that are one configuration, and what was told about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for version in ("1", "2", "3"):
            (folder / version).mkdir()
            for name in ("a.yaml", "b.yaml"):
                (folder / version / name).write_text(f"name: v{version}\n", "utf-8")
        swap(folder, "1")
        self.told: list[tuple[str, str]] = []
        self.live = Live(lambda name, outcome: self.told.append((name, outcome)))
        self.meanwhile: Callable[[], None] = lambda: None  # what happens between the readings of a and b
        self.a = LastGood(lambda: [self.path("a.yaml")], self._read_a, "a.yaml", self.live)
        self.b = follow(self.path("b.yaml"), self.live)

    def path(self, name: str) -> Path:
        return self.folder / "..data" / name

    def write(self, **names: str) -> None:
        for name, text in names.items():
            self.path(f"{name}.yaml").write_text(text, "utf-8")

    def read(self) -> tuple[str, str]:
        return self.a.get().name, self.b.get().name

    def _read_a(self) -> Named:
        read = load_yaml(self.path("a.yaml"), Named)
        self.meanwhile()
        return read


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_changed_file_is_followed_and_a_broken_one_leaves_the_last_good_value(tmp_path: Path) -> None:
    path = tmp_path / "named.yaml"
    path.write_text("name: one\n", "utf-8")
    followed = follow(path)
    assert (followed.get().name, followed.error) == ("one", None)
    path.write_text("name: another\n", "utf-8")
    assert (followed.get().name, followed.error) == ("another", None)
    path.write_text("nam: broken\n", "utf-8")
    assert followed.get().name == "another"
    assert "named.yaml:1: nam" in str(followed.error)
    path.write_text("name: mended again\n", "utf-8")
    assert (followed.get().name, followed.error) == ("mended again", None)


@pytest.mark.parametrize("half", ["name: [the firs", "na", "", "name: 'the"])
def test_a_file_that_is_half_written_waits_until_it_is_whole(tmp_path: Path, half: str) -> None:
    path = tmp_path / "named.yaml"
    path.write_text("name: one\n", "utf-8")
    followed = follow(path)
    path.write_text(half, "utf-8")
    assert followed.get().name == "one"
    path.unlink()
    assert followed.get().name == "one"
    path.write_text("name: the first and the rest\n", "utf-8")
    assert (followed.get().name, followed.error) == ("the first and the rest", None)


def test_a_swap_is_seen_whole(pair: Pair) -> None:
    assert pair.read() == ("v1", "v1")
    swap(pair.folder, "2")
    assert pair.read() == ("v2", "v2")
    assert pair.told == [("a.yaml", "followed"), ("b.yaml", "followed"), ("a.yaml", "loaded"), ("b.yaml", "loaded")]


def test_a_mistake_in_one_file_holds_back_the_other_until_it_is_mended(pair: Pair) -> None:
    pair.write(a="name: new\n", b="nam: new\n")
    assert pair.read() == ("v1", "v1")
    assert "b.yaml:1: nam: there is no such field" in str(pair.b.error)
    assert "It waits until this is mended" in str(pair.a.error)
    assert "b.yaml:1" in str(pair.a.error)
    assert pair.told[2:] == [("a.yaml", "refused"), ("b.yaml", "refused")]
    pair.write(b="name: mended\n")
    assert pair.read() == ("new", "mended")
    assert pair.live.errors() == {"a.yaml": None, "b.yaml": None}
    assert pair.told[4:] == [("a.yaml", "loaded"), ("b.yaml", "loaded")]


def test_going_back_to_what_is_in_use_ends_the_warning(pair: Pair) -> None:
    pair.write(b="nam: new\n")
    assert pair.b.error
    assert pair.a.error is None
    pair.write(b="name: v1\n")
    assert pair.live.errors() == {"a.yaml": None, "b.yaml": None}


def test_every_version_is_held_to_the_checks_which_see_that_version(pair: Pair) -> None:
    def agree() -> None:
        if pair.a.get() != pair.b.get():
            raise ConfigurationError(f"{pair.a.get().name} is not {pair.b.get().name}.")

    pair.live.check(agree)
    pair.write(a="name: new\n")
    assert pair.read() == ("v1", "v1")
    assert pair.live.errors() == {"a.yaml": "new is not v1.", "b.yaml": None}
    pair.write(b="name: new\n")
    assert pair.read() == ("new", "new")
    with pytest.raises(ConfigurationError, match="at the start"):
        pair.live.check(lambda: (_ for _ in ()).throw(ConfigurationError("Wrong at the start.")))


def test_what_is_swapped_while_it_is_read_is_read_again(pair: Pair) -> None:
    swaps = iter(["3"])
    pair.meanwhile = lambda: swap(pair.folder, next(swaps, "3"))
    swap(pair.folder, "2")
    assert len({*pair.read()}) == 1
    pair.meanwhile = lambda: None
    assert pair.read() == ("v3", "v3")


def test_what_never_holds_still_leaves_the_last_good_version(pair: Pair) -> None:
    readings: list[str] = []

    def turn() -> None:
        readings.append("2" if len(readings) % 2 else "3")
        for version in ("1", "2", "3"):
            (pair.folder / version / "b.yaml").write_text(f"name: torn {len(readings)}\n", "utf-8")
        swap(pair.folder, readings[-1])

    pair.meanwhile = turn
    swap(pair.folder, "2")
    assert pair.live.values()["a.yaml"].name == "v1"
    assert len(readings) == READINGS
    assert pair.live._errors == {}


def test_while_one_thread_reads_the_others_go_on_with_what_is_in_use(pair: Pair) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def held_up() -> None:
        reading.set()
        go_on.wait()

    pair.meanwhile = held_up
    swap(pair.folder, "2")
    got: list[tuple[str, str]] = []
    thread = threading.Thread(target=lambda: got.append(pair.read()))
    thread.start()
    reading.wait()
    assert pair.read() == ("v1", "v1")
    go_on.set()
    thread.join()
    assert got == [("v2", "v2")]


async def test_inside_the_block_and_in_what_it_starts_there_is_one_version(pair: Pair) -> None:
    with pair.live.pinned():
        swap(pair.folder, "2")
        assert pair.read() == ("v1", "v1")
        assert await asyncio.to_thread(pair.read) == ("v1", "v1")
        assert await asyncio.create_task(asyncio.to_thread(pair.read)) == ("v1", "v1")
        with pair.live.pinned():
            assert pair.read() == ("v1", "v1")
        got: list[tuple[str, str]] = []
        other = threading.Thread(target=lambda: got.append(pair.read()))  # somebody else's request
        other.start()
        other.join()
        assert got == [("v2", "v2")]
    assert pair.read() == ("v2", "v2")


def test_what_lies_apart_takes_effect_whatever_is_wrong_elsewhere(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "switch.yaml"
    path.write_text("name: open\n", "utf-8")
    switch = follow(path, pair.live.apart())
    pair.write(b="nam: broken\n")
    assert pair.read() == ("v1", "v1")
    for block in (nullcontext(), pair.live.pinned()):
        path.write_text("name: open\n", "utf-8")
        with block:
            assert switch.get().name == "open"
            path.write_text("name: shut\n", "utf-8")
            assert switch.get().name == "shut"
    path.write_text("nam: shut\n", "utf-8")
    assert {name for name, error in pair.live.errors().items() if error} == {"b.yaml", "switch.yaml"}
