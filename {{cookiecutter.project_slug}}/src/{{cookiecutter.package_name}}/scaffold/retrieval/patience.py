"""What has time waits for its rate: a call that its role has no room for now is put again when there is some."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import RateLimited

log = logging.getLogger(__name__)
T = TypeVar("T")

Wait = Callable[[float], None]


def in_time(call: Callable[[], T], wait: Wait = time.sleep) -> T:
    """What ``call`` answers, put again as often as its rate says when there is room. Raises whatever else it does."""
    while True:
        try:
            return call()
        except RateLimited as error:
            if not error.after:  # no wait would make room
                raise
            log.info("goes on in %.0f seconds: %s", error.after, error)
            wait(error.after)


def patiently(
    embed: Callable[[list[str]], list[list[float]]], texts: list[str], wait: Wait = time.sleep
) -> list[list[float]]:
    """What ``embed`` makes of ``texts``, in halves where they are more than a whole minute allows.

    Raises ``RateLimited`` where one text alone is.
    """
    try:
        return in_time(lambda: embed(texts), wait)
    except RateLimited:
        if len(texts) == 1:
            raise
    half = len(texts) // 2
    return patiently(embed, texts[:half], wait) + patiently(embed, texts[half:], wait)
