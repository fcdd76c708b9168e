"""What is Google's and Amazon's own: logins, addresses, and ways to say no."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from {{ cookiecutter.package_name }}.scaffold.errors import ConfigurationError, ModelError, ModelUnavailable
from {{ cookiecutter.package_name }}.scaffold.models.faults import unbilled
from {{ cookiecutter.package_name }}.scaffold.models.settings import ModelEntry

from tests.scaffold.models import clouds
from tests.scaffold.models.calls import WAYS, Way, astreamed, invoked, streamed
from tests.scaffold.models.conftest import POLICY, Open
from tests.scaffold.models.two import Steps
from tests.scaffold.models.vendors import KEY, MODEL, TOKEN, Vendor

VARIANTS = ["google", "vertex-ai", "bedrock"]
PATHS = {
    "google": f"/v1beta/models/{MODEL}:",
    "vertex-ai": f"/v1beta1/projects/acme/locations/europe-west1/publishers/google/models/{MODEL}:",
    "bedrock": f"/model/{MODEL}/",
}


class Refund(BaseModel):
    """A refund to grant."""

    text: str


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("way", WAYS)
async def test_the_file_decides_where_calls_go_and_nothing_else_does(
    variant: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE", "LANGSMITH_GATEWAY"):
        monkeypatch.setenv(name, "false" if variant == "vertex-ai" else "true")
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "AWS_REGION"):
        monkeypatch.setenv(name, "another")
    models = open_models(at(variant))
    await way(models.get("answer"), "Hello")
    models.embeddings().embed_query("Hello")

    assert [request.path.startswith(PATHS[variant]) for request in vendor.requests] == [True, True]
    for request in vendor.requests:
        login = {name: request.headers.get(name) for name in ("x-goog-api-key", "authorization")}
        if variant == "google":
            assert login == {"x-goog-api-key": KEY, "authorization": None}
        elif variant == "vertex-ai":
            assert login == {"x-goog-api-key": None, "authorization": f"Bearer {TOKEN}"}
        else:
            assert f"Credential={clouds.AWS_KEY}/" in str(login["authorization"])
            assert "/eu-central-1/bedrock/" in str(login["authorization"])


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"provider": "google"}, "https://generativelanguage.googleapis.com"),
        ({"project": "acme", "region": "europe-west1"}, "https://europe-west1-aiplatform.googleapis.com"),
        ({"project": "acme", "region": "global"}, "https://aiplatform.googleapis.com"),
        ({"project": "acme", "region": "eu"}, "https://aiplatform.eu.rep.googleapis.com"),
        ({"provider": "bedrock", "region": "eu-central-1"}, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
    ],
)
def test_a_cloud_is_called_in_the_region_that_the_file_names(fields: dict[str, str], address: str) -> None:
    assert ModelEntry.model_validate({"provider": "google", "model": MODEL, **fields}).address == address


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("provider: bedrock", "bedrock needs the region that serves the model, for example eu-central-1"),
        ("provider: google\n    project: acme", "google needs the region that serves the model"),
        ("provider: google\n    region: eu", "the Gemini API has no regions"),
        ("provider: openai\n    project: acme", "only google has projects"),
        ("provider: bedrock\n    region: evil.example/", "should match pattern"),
        ("provider: bedrock\n    region: eu-central-1\n    api_key_env: KEY", "takes no api_key_env here"),
    ],
)
def test_an_entry_that_names_no_place_of_a_cloud_is_an_error(wrong: str, said: str, open_models: Open) -> None:
    with pytest.raises(ConfigurationError, match=r"models.yaml:[2-5]: models.chosen.(region|project): ") as caught:
        open_models(f"models:\n  chosen:\n    {wrong}\n    model: {MODEL}\nroles:\n  answer: chosen\n")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "area"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "eu-central-1"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "eu"),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "global"),
        ("zai.glm-5.3", "eu-central-1"),
    ],
)
def test_a_profile_of_bedrock_computes_in_its_whole_area(
    model: str, area: str, at: Callable[..., str], root: Path, open_models: Open
) -> None:
    text = at("bedrock").replace(MODEL, model)
    policy = root / "governance" / "policy.yaml"
    policy.write_text(POLICY + "regions: [eu-west-3]\n", "utf-8")
    with pytest.raises(ConfigurationError, match=f"in the region {area} "):
        open_models(text)
    policy.write_text(f"{POLICY}regions: [{area}]\n", "utf-8")
    assert open_models(text).get("answer").invoke("Hello").text == "You wrote: Hello"


def test_a_model_of_bedrock_by_its_arn_is_an_error(at: Callable[..., str], open_models: Open) -> None:
    arn = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"
    with pytest.raises(ConfigurationError, match="model: name the model, or a profile"):
        open_models(at("bedrock").replace(MODEL, arn))


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_login_to_google_cloud_a_call_says_so(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds.log_out(monkeypatch)
    with pytest.raises(ModelError, match="needs a login of its cloud that works") as caught:
        await way(open_models(at("vertex-ai")).get("answer"), "Hello")
    assert unbilled(caught.value)
    assert not vendor.requests


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("AWS_PROFILE", "acme", "cannot use the AWS credentials"), ("AWS_PROFILE", "", "needs AWS credentials: set")],
)
def test_without_credentials_of_aws_the_role_is_unusable(
    name: str,
    value: str,
    said: str,
    at: Callable[..., str],
    open_models: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clouds.log_out(monkeypatch)
    if value:
        monkeypatch.setenv(name, value)
    models = open_models(at("bedrock"))
    assert said in str(models.unusable("answer"))
    assert said in str(models.unusable("embed"))


def test_a_key_of_bedrock_is_a_login_as_well(
    at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    clouds.log_out(monkeypatch)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bearer-of-loopback")
    assert open_models(at("bedrock")).unusable("answer") is None


@pytest.mark.parametrize("way", WAYS)
async def test_google_is_left_alone_for_as_long_as_it_asks(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.scaffold.models.vendors import google

    refused, steps = google.refused, Steps()
    monkeypatch.setattr(google, "refused", lambda status, said: refused(status, said, google.told_to_wait(3.5)))
    vendor.fault, vendor.recovers = 429, 1
    reply = await way(open_models(at("google", retries=1), pace=steps.pace).get("answer"), "Hello")
    assert reply.text == "You wrote: Hello"
    assert steps.waits == [3.5 + 0.5]  # and the pause before any first retry


@pytest.mark.parametrize(
    ("variant", "fault", "kind", "said", "free"),
    [
        ("google", "bad_key", ModelError, "did not accept the key; check the environment variable LOOPBACK_KEY", True),
        ("vertex-ai", 401, ModelError, "did not accept the key; check the login of this machine", True),
        ("bedrock", 403, ModelError, "refused access to this key (AccessDeniedException)", True),
        ("bedrock", "quota", ModelUnavailable, "throttles", True),
        ("bedrock", 424, ModelUnavailable, "has a fault of its own", False),
    ],
)
@pytest.mark.parametrize("way", WAYS)
async def test_a_refusal_in_the_clouds_own_words_is_understood(
    variant: str,
    fault: int | str,
    kind: type[ModelError],
    said: str,
    free: bool,
    way: Way,
    vendor: Vendor,
    at: Callable[..., str],
    open_models: Open,
) -> None:
    vendor.fault = fault
    with pytest.raises(ModelError) as caught:
        await way(open_models(at(variant)).get("answer"), "Hello")
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert unbilled(caught.value) is free


@pytest.mark.parametrize("way", [streamed, astreamed])
async def test_what_bedrock_throttles_in_the_midst_of_a_stream_may_be_charged(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.fault = "fails midway"
    with pytest.raises(ModelUnavailable, match="throttles") as caught:
        await way(open_models(at("bedrock")).get("answer"), "Hello")
    assert not unbilled(caught.value)


@pytest.mark.parametrize("way", WAYS)
async def test_a_prompt_that_google_blocks_has_an_answer_withheld(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.scaffold.models.vendors import google

    blocked = google.PROMPT_BLOCKED.model_dump_json(by_alias=True, exclude_none=True).encode()
    monkeypatch.setattr(google, "whole", lambda _: blocked)
    monkeypatch.setattr(google, "pieces", lambda _: [b"data: %b\n\n" % blocked])
    with pytest.raises(ModelError, match="withheld its answer"):
        await way(open_models(at("google")).get("answer"), "Hello")


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_guardrail_of_bedrock_says_instead_is_no_answer(
    way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.scaffold.models.vendors import bedrock

    monkeypatch.setattr(bedrock, "_reason", lambda _: "guardrail_intervened")
    with pytest.raises(ModelError, match="withheld its answer"):
        await way(open_models(at("bedrock")).get("answer"), "Hello")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("way", WAYS)
async def test_tools_are_called_through_every_control(
    variant: str, way: Way, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    vendor.tool = "Refund"
    reply = await way(open_models(at(variant)).get("answer").bind_tools([Refund]), "To jo@example.com")
    assert [(call["name"], call["args"]) for call in reply.tool_calls] == [("Refund", {"text": "To jo@example.com"})]
    assert "jo@example.com" not in vendor.received


@pytest.mark.parametrize("variant", VARIANTS)
async def test_personal_data_comes_back_in_a_stream_of_pieces(
    variant: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    reply = await astreamed(open_models(at(variant)).get("answer"), "I am jo@example.com")
    assert reply.text == "You wrote: I am jo@example.com"
    assert "jo@example.com" not in vendor.received


def test_structured_output_comes_from_bedrocks_tools(vendor: Vendor, at: Callable[..., str], open_models: Open) -> None:
    vendor.tool = "Refund"
    text = at("bedrock").replace(MODEL, "eu.anthropic.claude-haiku-4-5-20251001-v1:0")
    structured = open_models(text).get("answer").with_structured_output(Refund)
    assert structured.invoke("ten euros") == Refund(text="ten euros")
    choice = vendor.requests[0].body["toolConfig"]["toolChoice"]
    assert choice == {"tool": {"name": "Refund"}}


def test_structured_output_comes_from_googles_schemas(
    vendor: Vendor, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.scaffold.models.vendors.said", lambda text: Refund(text=text).model_dump_json())
    structured = open_models(at("google")).get("answer").with_structured_output(Refund)
    assert structured.invoke("ten euros") == Refund(text="ten euros")
    assert vendor.requests[0].body["generationConfig"]["responseMimeType"] == "application/json"


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
def test_gemini_embeddings_on_vertex_ai_come_one_by_one(
    model: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    embeddings = open_models(at("vertex-ai").replace(MODEL, model)).embeddings()
    assert embeddings.embed_documents(["one", "three"]) == [[3.0, 1.0], [5.0, 1.0]]
    assert len(vendor.requests) == 2


def test_texts_for_cohere_on_bedrock_go_together(vendor: Vendor, at: Callable[..., str], open_models: Open) -> None:
    embeddings = open_models(at("bedrock").replace(MODEL, "cohere.embed-multilingual-v3")).embeddings()
    assert embeddings.embed_documents(["one", "three"]) == [[3.0, 1.0], [5.0, 1.0]]
    assert [request.body["texts"] for request in vendor.requests] == [["one", "three"]]


@pytest.mark.parametrize("variant", VARIANTS)
async def test_parameters_arrive_under_the_clouds_names(
    variant: str, vendor: Vendor, at: Callable[..., str], open_models: Open
) -> None:
    given = "    parameters:\n      temperature: 0\n      max_tokens: 50\n  vectors:"
    await invoked(open_models(at(variant).replace("  vectors:", given)).get("answer"), "Hello")
    await invoked(open_models(at(variant)).get("answer"), "Hello")
    sent, plain = (
        request.body.get("generationConfig") or request.body.get("inferenceConfig") or {} for request in vendor.requests
    )
    assert sent["temperature"] == 0
    assert sent.get("maxOutputTokens", sent.get("maxTokens")) == 50
    assert "temperature" not in plain  # the vendor's own default


@pytest.mark.parametrize(("variant", "package"), [("google", "langchain_google_genai"), ("bedrock", "langchain_aws")])
def test_a_missing_package_names_its_extra(
    variant: str, package: str, at: Callable[..., str], open_models: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=f"make setup EXTRAS={variant}"):
        open_models(at(variant)).get("answer")
