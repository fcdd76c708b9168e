"""Nobody finds what they may not see, and everybody what they may: random triples against plain set logic."""

from __future__ import annotations

import random
from dataclasses import dataclass

from langchain_core.documents import Document

from {{ cookiecutter.package_name }}.scaffold.governance.principal import Principal
from {{ cookiecutter.package_name }}.scaffold.models.hashing import HashEmbeddings

from .conftest import Open

TRIPLES = 10_000
DOCUMENTS, CALLERS, QUERIES = 2_000, 30, 2
SEED = 20260301

GROUPS = ["hr", "HR", "hr ", "ops", "finance/eu", "größe", "日本", "a", "b", "c", "user:a", "everyone", "*", ""]
USERS = ["a", "b", "ann", "Ann", "o'neil", "group:a", "x;y", "*", "hr"]
WORDS = ["harbour", "berth", "crane", "gate", "lunch", "train", "hotel", "pilot", "anchor", "tide"]


@dataclass(frozen=True)
class Secret:
    """A document, and who may see it by the lists that were drawn for it."""

    id: str
    text: str
    allow: frozenset[str]
    deny: frozenset[str]

    def is_for(self, user: str, groups: frozenset[str]) -> bool:
        """The oracle: what access lists mean, written down without the code that is tested."""
        called = {"user:" + user} | {"group:" + group for group in groups}
        return not self.allow.isdisjoint(called) and self.deny.isdisjoint(called)


def draw_documents(draw: random.Random) -> list[Secret]:
    names = [f"group:{group}" for group in GROUPS] + [f"user:{user}" for user in USERS]
    return [
        Secret(
            id=f"{number}.md#0",
            text=" ".join(draw.choices(WORDS, k=draw.randint(1, 8))),
            allow=frozenset(draw.sample(names, draw.choice([0, 1, 1, 2, 3, 8]))),
            deny=frozenset(draw.sample(names, draw.choice([0, 0, 0, 1, 2, 5]))),
        )
        for number in range(DOCUMENTS)
    ]


def test_no_triple_leaks_and_none_is_hidden_wrongly(kind: str, open_kind: Open) -> None:
    draw = random.Random(SEED)
    secrets = draw_documents(draw)
    callers = [
        Principal(draw.choice([*USERS, "nobody"]), frozenset(draw.sample(GROUPS, draw.randint(0, 4))))
        for _ in range(CALLERS)
    ]
    queries = draw.sample(WORDS, QUERIES)
    store = open_kind(kind, embeddings=HashEmbeddings(16))
    store.add_documents(
        [
            Document(id=s.id, page_content=s.text, metadata={"allow": sorted(s.allow), "deny": sorted(s.deny)})
            for s in secrets
        ]
    )
    found: dict[tuple[int, int], set[str | None]] = {}
    leaked, hidden, seen = [], [], 0
    for _ in range(TRIPLES):
        who, what, asked = draw.randrange(CALLERS), draw.choice(secrets), draw.randrange(QUERIES)
        caller, query = callers[who], queries[asked]
        if (who, asked) not in found:
            found[who, asked] = {hit.document.id for hit in store.hits(query, caller, DOCUMENTS)}
        allowed = what.is_for(caller.id, caller.groups)
        seen += allowed
        if what.id in found[who, asked] and not allowed:
            leaked.append((caller, what, query))
        if what.id not in found[who, asked] and allowed:
            hidden.append((caller, what, query))
    assert (leaked, hidden) == ([], [])
    some = draw.sample(secrets, 200)
    for caller in callers:  # a citation is read by its id
        store.caller = caller
        by_id = {document.id for document in store.get_by_ids([secret.id for secret in some])}
        assert by_id == {secret.id for secret in some if secret.is_for(caller.id, caller.groups)}
    assert TRIPLES * 0.1 < seen < TRIPLES * 0.9, "both kinds of triples are tried"
