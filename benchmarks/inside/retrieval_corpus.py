"""Documents to measure with: text of documentation packages, and made-up text up to the size that is asked for.

Nothing is left to chance but by a fixed seed: the same packages and the same size give the same documents, in the same
folders, seen by the same people.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from acme_assistant.scaffold.governance.principal import Principal
from acme_assistant.scaffold.retrieval.documents import Raw
from acme_assistant.scaffold.retrieval.processing import process_batch
from acme_assistant.scaffold.retrieval.settings import RetrievalFile

SEED = 20260301
FOLDERS, GROUPS, USERS = 100, 40, 200
SUFFIXES = {".html": ".html", ".htm": ".html", ".txt": ".txt", ".rst": ".txt", ".pod": ".txt", ".md": ".md"}
CALLER = Principal("u0", frozenset({"g2", "g3"}))
"""Each folder is open to one, two or three of the groups: the caller sees about a tenth."""
EVERYBODY = Principal("u0", frozenset(f"g{number}" for number in range(GROUPS)))
"""One who sees everything."""
SAMPLED = 40
"""One document in so many is cut into passages beforehand, to know how many documents make the size."""
WORDS_OF_SYNTHETIC, PARAGRAPHS = 110, 25


@dataclass(frozen=True)
class Folder:
    """Who may see what lies in it."""

    name: str
    allow: tuple[str, ...]
    deny: tuple[str, ...]

    def seen_by(self, caller: Principal) -> bool:
        """Worked out here, so that the measured filter has something to be held against."""
        mine = {f"user:{caller.id}"} | {f"group:{group}" for group in caller.groups}
        return bool(mine & set(self.allow)) and not mine & set(self.deny)


def folders() -> list[Folder]:
    """The folders, with owners by lot."""
    lots = np.random.default_rng(SEED)
    made = []
    for number in range(FOLDERS):
        groups = lots.choice(GROUPS, size=1 + number % 3, replace=False)
        owner, denied = lots.integers(1, USERS, size=2)
        deny = (f"user:u{denied}",) if number % 4 == 0 else ()
        made.append(Folder(f"f{number:02}", (*(f"group:g{group}" for group in groups), f"user:u{owner}"), deny))
    return made


def write_rules(root: Path) -> None:
    """``data/access.yaml``."""
    rules = [{"path": f"{f.name}/**", "allow": list(f.allow), "deny": list(f.deny)} for f in folders()]
    (root / "data" / "access.yaml").write_text(yaml.safe_dump({"callers": {}, "rules": rules}), "utf-8")


def write_documents(folder: Path, packages: Path | None, chunks: int, settings: RetrievalFile) -> dict[str, int]:
    """Documents of about ``chunks`` passages below ``folder``; how many passages of each kind that should be."""
    about: dict[str, int] = defaultdict(int)
    lots = np.random.default_rng(SEED)
    number = 0
    for kind, name, data, passages in _packaged(packages, settings) if packages else ():
        if sum(about.values()) >= chunks:
            break
        about[kind] += passages
        _write(folder, lots, f"{number:06}-{name}", data)
        number += 1
    while (missing := chunks - sum(about.values())) > 0:
        data, passages = _made_up(lots, min(missing, PARAGRAPHS))
        about["synthetic"] += passages
        _write(folder, lots, f"{number:06}-synthetic.md", data)
        number += 1
    return dict(about)


def _write(folder: Path, lots: np.random.Generator, name: str, data: bytes) -> None:
    path = folder / f"f{lots.integers(FOLDERS):02}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _packaged(packages: Path, settings: RetrievalFile) -> Iterator[tuple[str, str, bytes, int]]:
    """Every text in the packages, by lot: kind, name, bytes, and about how many passages it has."""
    found = [(package.name, path) for package in sorted(packages.iterdir()) for path in _texts(package)]
    density = _density(found, packages / "density.json", settings)
    for position in np.random.default_rng(SEED).permutation(len(found)):
        package, path = found[position]
        data = path.read_bytes()
        kind = f"{package} {_suffix(path)}"
        if data.strip() and len(data) < settings.max_megabytes * 1_000_000:
            yield kind, f"{path.name.split('.')[0]}{_suffix(path)}", data, max(1, round(len(data) * density[kind]))


def _density(found: list[tuple[str, Path]], cache: Path, settings: RetrievalFile) -> dict[str, float]:
    """Passages a byte, by kind."""
    size = json.dumps(settings.chunking.model_dump())
    kept = json.loads(cache.read_text("utf-8")) if cache.exists() else {}
    if size not in kept:
        length, passages = defaultdict[str, int](int), defaultdict[str, int](int)
        taken: dict[str, int] = defaultdict(int)
        for package, path in found:
            kind = f"{package} {_suffix(path)}"
            taken[kind] += 1
            if taken[kind] % SAMPLED == 1 and (data := path.read_bytes()).strip():
                length[kind] += len(data)
                passages[kind] += len(process_batch([Raw(path.name, data, _suffix(path))], settings)[0].chunks)
        kept[size] = {kind: passages[kind] / length[kind] for kind in length}
        cache.write_text(json.dumps(kept), "utf-8")
    return dict(kept[size])


def _texts(package: Path) -> list[Path]:
    """The files of a package that hold text; pages that were made of sources which lie beside them are left out."""
    every = sorted(path for path in package.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    sources = any("_sources" in path.parts for path in every)
    return [path for path in every if not path.is_symlink() and not (sources and _suffix(path) == ".html")]


def _suffix(path: Path) -> str:
    return SUFFIXES[path.suffix]


def _vocabulary() -> tuple[list[str], np.ndarray]:
    """Words of two to four syllables; how often each occurs falls with its rank (Zipf)."""
    lots = np.random.default_rng(SEED)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "ol", "um")]
    picks = lots.integers(len(syllables), size=(60_000, 4))
    words = list(dict.fromkeys("".join(syllables[s] for s in row[: 2 + i % 3]) for i, row in enumerate(picks)))
    weights = 1 / np.arange(1, len(words) + 1)
    return words, np.cumsum(weights / weights.sum())


_words: list[tuple[list[str], np.ndarray]] = []


def _made_up(lots: np.random.Generator, paragraphs: int) -> tuple[bytes, int]:
    """A Markdown document of so many paragraphs, each of which makes one passage of about 900 characters."""
    if not _words:
        _words.append(_vocabulary())
    words, share = _words[0]
    drawn = np.searchsorted(share, lots.random((paragraphs, WORDS_OF_SYNTHETIC)))
    lines = [f"# {words[drawn[0, 0]]} {words[drawn[0, 1]]}", ""]
    for number, row in enumerate(drawn):
        lines += [f"## {number} {words[row[-1]]}", ""] if number % 5 == 4 else []
        lines += [" ".join(words[i] for i in row) + ".", ""]
    return "\n".join(lines).encode(), paragraphs
