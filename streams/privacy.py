"""What keeps people's numbers out of everything past the input topic: pseudonyms and masks."""

import hashlib
import hmac
import re

DIGITS_IN_TEXT = 7
_LONG_RUN = re.compile(rf"\d(?:[ ./()\-]{{0,2}}\d){{{DIGITS_IN_TEXT - 1},}}")
_ANY_RUN = re.compile(r"\d(?:[ ./()\-]{0,2}\d){3,}")
_DIGIT = re.compile(r"\d")
PREVIEW_CHARS = 200


class Pseudonymiser:
    """Keyed hash of a caller's number: `<key id>:<24 hex digits of HMAC-SHA-256>`.

    The key id tells which key made a value, so that two keys can be told apart during a rotation.
    """

    def __init__(self, key: bytes, key_id: str) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._prefix = key_id + ":"

    def __call__(self, caller: str) -> str:
        hashed = self._keyed.copy()
        hashed.update(caller.encode())
        return self._prefix + hashed.hexdigest()[:24]


def mask_text(text: str) -> str:
    """`text` with each digit of long digit runs (7 or more, separators allowed) replaced by `*`."""
    return _LONG_RUN.sub(lambda run: _DIGIT.sub("*", run.group()), text)


def mask_runs(text: str) -> str:
    """Every run of 4 or more digits masked, times and all: for what could not be read as an event."""
    return _ANY_RUN.sub(lambda run: _DIGIT.sub("*", run.group()), text)


def mask_preview(text: str) -> str:
    """For dead letters: runs of digits masked, at most 200 characters."""
    return mask_runs(text)[:PREVIEW_CHARS]
