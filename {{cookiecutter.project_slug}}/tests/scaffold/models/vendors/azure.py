"""Azure OpenAI: OpenAI's protocol at the path of a deployment, and content filters in every answer."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.scaffold.models.vendors.openai import FAILED_MIDWAY as FAILED_MIDWAY
from tests.scaffold.models.vendors.openai import REFUSED as OPENAI_REFUSED
from tests.scaffold.models.vendors.openai import STREAMED_AS as STREAMED_AS
from tests.scaffold.models.vendors.openai import chat, refused
from tests.scaffold.models.vendors.openai import pieces as openai_pieces
from tests.scaffold.models.vendors.openai import vectors as vectors
from tests.scaffold.models.vendors.openai import whole as whole
from tests.scaffold.models.vendors.wire import Asked, Reply, texts

PATH = re.compile(r"/openai/deployments/([^/]+)/(chat/completions|embeddings)\?api-version=.+")
REFUSED = {
    **OPENAI_REFUSED,
    "prompt_filter": refused(400, "The prompt triggered the content management policy.", "content_filter"),
}
FILTERED = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}


def asked(path: str, body: dict[str, Any]) -> Asked | None:
    if not (found := PATH.fullmatch(path)):
        return None
    return Asked(found[1], texts=texts(body["input"])) if found[2] == "embeddings" else chat(body, found[1])


def pieces(reply: Reply) -> list[bytes]:
    # The first piece tells what the filter made of the prompt, and has no choices.
    return [b"data: %b\n\n" % json.dumps(FILTERED).encode(), *openai_pieces(reply)]
