"""A token is taken for true only where its issuer's key, its audience and its dates say so."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk
from pydantic import ValidationError

from {{ cookiecutter.package_name }}.scaffold.errors import AuthenticationError, RightsUnknown
from {{ cookiecutter.package_name }}.scaffold.serving.tokens import Tokens, TokensRule

from tests.scaffold.governance.rights import AUDIENCE, Issuer, Service, serving

ISSUER = Issuer()
PAIR = jwk.generate_key("RSA", 2048, {"kid": "rsa"})
OTHER = Issuer()


@pytest.fixture
def published() -> Iterator[Service]:
    """Where the issuer publishes its keys."""
    with serving() as service:
        service.answer = ISSUER.keys
        yield service


def rule(keys: str, **fields: Any) -> TokensRule:
    return TokensRule(issuer=ISSUER.url, audience=AUDIENCE, keys=keys, **fields)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Verifies tokens of ISSUER, whose keys are in a file."""
    keys = {"keys": [*ISSUER.keys["keys"], PAIR.as_dict(private=False)]}
    (tmp_path / "keys.json").write_text(json.dumps(keys), "utf-8")
    return Tokens(rule("keys.json"), tmp_path)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: object) -> str:
    return encoded(json.dumps(value).encode())


def unsigned(algorithm: str) -> str:
    said = {"iss": ISSUER.url, "aud": AUDIENCE, "exp": int(time.time()) + 600, "sub": "zoe", "groups": ["hr"]}
    return f"{part({'alg': algorithm, 'kid': 'first'})}.{part(said)}."


def by_public_key(kid: str) -> str:
    """Signed with the public key as if it were a shared secret (CVE-2016-5431)."""
    signed = f"{part({'alg': 'HS256', 'kid': kid})}.{ISSUER.token().split('.')[1]}"
    return f"{signed}.{encoded(hmac.digest(PAIR.as_pem(private=False), signed.encode(), 'sha256'))}"


def with_other_claims() -> str:
    head, _, signature = ISSUER.token().split(".")
    said = {"iss": ISSUER.url, "aud": AUDIENCE, "exp": int(time.time()) + 600, "sub": "anna", "groups": ["hr"]}
    return f"{head}.{part(said)}.{signature}"


FORGED: dict[str, Callable[[], str]] = {
    "signed by somebody else under the issuer's key's name": lambda: OTHER.token(),
    "key in the token itself": lambda: OTHER.token(header={"jwk": OTHER.keys["keys"][0]}),
    "claims exchanged": with_other_claims,
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "no signature": lambda: unsigned("ES256"),
    "signed with the public key": lambda: by_public_key("rsa"),
    "signed with the public key, other name": lambda: by_public_key("first"),
    "algorithm that is not accepted": lambda: ISSUER.token(header={"alg": "RS512", "kid": "rsa"}, key=PAIR),
    "another key's algorithm": lambda: ISSUER.token(header={"alg": "RS256", "kid": "first"}, key=PAIR),
    "unknown key": lambda: ISSUER.token(header={"kid": "third"}),
    "no key named": lambda: ISSUER.token(header={"kid": None}),
    "unknown critical header": lambda: ISSUER.token().replace(
        ISSUER.token().split(".")[0], part({"alg": "ES256", "kid": "first", "crit": ["x"], "x": 1})
    ),
    "other issuer": lambda: ISSUER.token(iss="https://login.evil.test"),
    "issuer that begins alike": lambda: ISSUER.token(iss=f"{ISSUER.url}.evil.test"),
    "list of issuers": lambda: ISSUER.token(iss=[ISSUER.url]),
    "no issuer": lambda: ISSUER.token(iss=None),
    "other audience": lambda: ISSUER.token(aud="payroll"),
    "other audiences": lambda: ISSUER.token(aud=["payroll", "wiki"]),
    "no audience": lambda: ISSUER.token(aud=None),
    "expired": lambda: ISSUER.token(exp=int(time.time()) - 31),
    "never expires": lambda: ISSUER.token(exp=None),
    "expires at no time": lambda: ISSUER.token(exp="tomorrow"),
    "not yet valid": lambda: ISSUER.token(nbf=int(time.time()) + 600),
    "names nobody": lambda: ISSUER.token(sub=None),
    "names a number": lambda: ISSUER.token(sub=7),
    "names a blank": lambda: ISSUER.token(sub=" "),
    "names a way up": lambda: ISSUER.token(sub=".."),
    "name with a line break": lambda: ISSUER.token(sub="anna\nben"),
    "name with a blank around it": lambda: ISSUER.token(sub="ben "),
    "endless name": lambda: ISSUER.token(sub="a" * 201),
    "no parts": lambda: "..",
    "no JSON": lambda: "YQ.YQ.YQ",
    "head of a list": lambda: f"{part([])}.{part({})}.YQ",
    "claims of a list": lambda: ISSUER.token().replace(ISSUER.token().split(".")[1], part([])),
    "encrypted": lambda: "a.b.c.d.e",
    "oversized": lambda: ISSUER.token(groups=["x" * 200_000]),
}


def test_a_good_token_names_its_holder(tokens: Tokens) -> None:
    for token in (
        ISSUER.token(),
        ISSUER.token(aud=["payroll", AUDIENCE]),
        ISSUER.token(exp=int(time.time()) - 10),
        ISSUER.token(header={"x5t": "what this is, nobody here knows"}),
        ISSUER.token(header={"alg": "RS256", "kid": "rsa"}, key=PAIR),
    ):
        user, claims = tokens.holder(token)
        assert (user, claims["groups"]) == ("zoe", ["everyone"])


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_any_other_token_is_refused_without_being_explained(tokens: Tokens, forged: Callable[[], str]) -> None:
    with pytest.raises(AuthenticationError) as caught:
        tokens.holder(forged())
    assert str(caught.value) in (
        "This token is not accepted; sign in again, or ask the owner of the service.",
        "This token has expired; sign in again.",
    )


@given(st.one_of(st.text(), st.lists(st.text("abcAZ09-_=", max_size=40), min_size=3, max_size=3).map(".".join)))
def test_no_text_is_taken_for_a_token(text: str) -> None:
    verifier = Tokens(rule("keys.json"), Path("/nowhere"))
    verifier._held, verifier._read_at = jwk.KeySet.import_key_set(ISSUER.keys), time.monotonic()  # type: ignore[arg-type]
    with pytest.raises(AuthenticationError):
        verifier.holder(text)


@pytest.mark.parametrize(
    ("told", "locale"),
    [("de", "de"), ("de-DE", "de"), ("DE_at", "de"), ("deu", None), ("", None), (7, None), (None, None)],
)
def test_the_language_is_the_tokens(tokens: Tokens, told: Any, locale: str | None) -> None:
    assert tokens.locale(tokens.claims(ISSUER.token(locale=told))) == locale


def test_the_issuers_new_key_is_found_and_its_old_one_forgotten(published: Service, tmp_path: Path) -> None:
    clock, issuer = 0.0, Issuer(ISSUER.url)
    tokens = Tokens(rule(published.url), tmp_path, lambda: clock)
    published.answer = issuer.keys
    old = issuer.token()
    assert tokens.holder(old)[0] == "zoe"
    issuer.renew("second")
    published.answer, clock = issuer.keys, 10.0
    assert tokens.holder(issuer.token())[0] == "zoe"
    with pytest.raises(AuthenticationError):
        tokens.holder(old)


def test_however_many_tokens_name_an_unknown_key_the_issuer_is_asked_rarely(published: Service, tmp_path: Path) -> None:
    clock = 0.0
    tokens = Tokens(rule(published.url), tmp_path, lambda: clock)
    for _ in range(20):
        with pytest.raises(AuthenticationError):
            tokens.holder(ISSUER.token(header={"kid": "unknown"}))
    assert len(published.asked) == 1
    clock = 5.0
    with pytest.raises(AuthenticationError):
        tokens.holder(ISSUER.token(header={"kid": "unknown"}))
    assert len(published.asked) == 2


@pytest.mark.parametrize(
    ("fault", "answer"),
    [(500, {}), (None, b"<html>"), (None, []), (None, {}), (None, {"keys": []}), (None, {"keys": [7]})],
)
def test_keys_are_used_for_as_long_as_the_file_says_while_the_issuer_is_down(
    published: Service, tmp_path: Path, fault: int | None, answer: Any
) -> None:
    clock = 0.0
    tokens = Tokens(rule(published.url, keys_seconds=60), tmp_path, lambda: clock)
    assert tokens.holder(ISSUER.token())[0] == "zoe"
    published.fault, published.answer, clock = fault, answer, 59.9
    assert tokens.holder(ISSUER.token())[0] == "zoe"
    clock = 60.0
    for _ in range(2):
        with pytest.raises(RightsUnknown, match="try again later"):
            tokens.holder(ISSUER.token())
    assert len(published.asked) == 2
    published.fault, published.answer, clock = None, ISSUER.keys, 65.0
    assert tokens.holder(ISSUER.token())[0] == "zoe"


@pytest.mark.parametrize(
    "strange",
    [
        7,
        {},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": ["EC"]},
        {"kty": "RSA"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ],
)
def test_a_key_that_nobody_can_use_does_not_spoil_the_others(tmp_path: Path, strange: Any) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [strange, *ISSUER.keys["keys"]]}), "utf-8")
    assert Tokens(rule("keys.json"), tmp_path).holder(ISSUER.token())[0] == "zoe"


def test_without_any_keys_no_token_is_accepted(tmp_path: Path) -> None:
    for text in (None, "", "{}", "no json", '{"keys": 7}', '{"keys": ["x"]}', "[]"):
        if text is not None:
            (tmp_path / "keys.json").write_text(text, "utf-8")
        with pytest.raises(RightsUnknown):
            Tokens(rule("keys.json"), tmp_path).holder(ISSUER.token())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": ["none"]}, "RS256"),
        ({"algorithms": []}, "at least 1"),
        ({"keys": "http://login.acme.test/keys"}, "https"),
        ({"issuer": ""}, "at least 1"),
        ({"audience": ""}, "at least 1"),
    ],
)
def test_a_rule_under_which_anybody_could_sign_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TokensRule.model_validate({"issuer": ISSUER.url, "audience": AUDIENCE, "keys": "keys.json", **fields})
    assert said in str(caught.value)
