"""Azure OpenAI: OpenAI's protocol at the path of a deployment, and content filters in every answer."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.scaffold.models.vendors import openai
from tests.scaffold.models.vendors.openai import FAILED_MIDWAY, STREAMED_AS, refused, vectors, whole
from tests.scaffold.models.vendors.wire import Asked, Reply

__all__ = ["FAILED_MIDWAY", "REFUSED", "STREAMED_AS", "asked", "pieces", "refused", "vectors", "whole"]

PATH = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)\?api-version=.+")
REFUSED = {
    **openai.REFUSED,
    "prompt_filter": refused(400, "The prompt triggered the content management policy.", "content_filter"),
}
FILTERED = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}


def asked(path: str, body: dict[str, Any]) -> Asked:
    found = PATH.fullmatch(path)
    assert found, path
    return openai.asked(path, body, found[1])


def pieces(reply: Reply) -> list[bytes]:
    # The first piece tells what the filter made of the prompt, and has no choices.
    return [b"data: %b\n\n" % json.dumps(FILTERED).encode(), *openai.pieces(reply)]
