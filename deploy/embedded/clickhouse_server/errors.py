"""Errors as ClickHouse words them: a code, a name, a text, and the HTTP status that goes with it."""

import re

BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
READONLY = 164
TOO_MANY_SIMULTANEOUS_QUERIES = 202
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516

_NAMES = {
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    READONLY: "READONLY",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
}
_STATUS = {
    AUTHENTICATION_FAILED: 403,
    ACCESS_DENIED: 403,
    NOT_IMPLEMENTED: 501,
    TOO_MANY_SIMULTANEOUS_QUERIES: 503,
    60: 404,  # UNKNOWN_TABLE
    81: 404,  # UNKNOWN_DATABASE
    SESSION_NOT_FOUND: 404,
} | dict.fromkeys((6, 26, 27, 36, 38, 41, 43, 47, 53, SYNTAX_ERROR, 72, 115, 117, 456, 457), 400)
_CODE = re.compile(r"Code: (\d+)\. ")


class ServerError(Exception):
    """What the client gets to read; `code` is ClickHouse's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 500)

    def body(self, version: str) -> str:
        """The response body; the engine's own texts are passed on as they are."""
        if self.text.startswith("Code: "):
            return f"{self.text} (version {version} (official build))\n"
        name = _NAMES[self.code]
        return f"Code: {self.code}. DB::Exception: {self.text} ({name}) (version {version} (official build))\n"


def from_engine(message: str) -> ServerError:
    """The engine's exception: its text begins with `Code: N. DB::Exception`."""
    start = message.find("Code: ")
    text = message[start:].strip() if start >= 0 else message.strip()
    match = _CODE.match(text)
    if match is None:
        return ServerError(BAD_ARGUMENTS, text)
    return ServerError(int(match[1]), text)
