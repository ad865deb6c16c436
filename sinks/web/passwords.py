"""Local accounts: passwords as scrypt hashes, sessions as signed texts, and how often one may try.

A hash is written `scrypt$N$r$p$salt$key` (base64). Nothing here reads a clock: `now` is an argument, in ms.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import NamedTuple

import msgspec

COST, BLOCK, PARALLEL = 2**15, 8, 1
"""About 32 MiB and a tenth of a second (RFC 7914; OWASP asks for at least 2^15 with r = 8, p = 3, or 2^17)."""
_MOST_MEMORY = 256 * 2**20
_LONGEST_PASSWORD = 1_024


def hash_password(password: str) -> str:
    """A new hash with a salt of its own."""
    salt = secrets.token_bytes(16)
    key = _key(password, salt, COST, BLOCK, PARALLEL)
    return f"scrypt${COST}${BLOCK}${PARALLEL}${_text(salt)}${_text(key)}"


def verify(password: str, stored: str) -> bool:
    """Whether the password is the one of the hash; a hash that cannot be read fits none."""
    try:
        name, cost, block, parallel, salt, key = stored.split("$")
        numbers = int(cost), int(block), int(parallel)
        if name != "scrypt" or len(password) > _LONGEST_PASSWORD:
            return False
        return hmac.compare_digest(_key(password, _bytes(salt), *numbers), _bytes(key))
    except (ValueError, Base64Error):
        return False


def readable(stored: str) -> bool:
    """Whether a text is a hash of ours."""
    parts = stored.split("$")
    return len(parts) == 6 and parts[0] == "scrypt" and all(part.isdecimal() for part in parts[1:4])


def _key(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=_MOST_MEMORY, dklen=32)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text)


class Session(NamedTuple):
    """What a session says: who, and until when (ms)."""

    name: str
    until: int


class Sessions:
    """Signed sessions: no process keeps any, so any number of them serve the same people if they share the key.

    The signature covers the account's hash too: a new password ends all sessions of the old one.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key or secrets.token_bytes(32)

    def issue(self, session: Session, stored: str) -> str:
        body = _text(msgspec.json.encode(session))
        return f"{body}.{self._sign(body, stored)}"

    def name_of(self, token: str) -> str:
        """Whom a token names, unproven; "" if it is none."""
        return self._read(token).name

    def read(self, token: str, stored: str, now: int) -> Session | None:
        """The session, if it is ours, of this account as it is now, and not over."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(errors="surrogateescape"), self._sign(body, stored).encode()):
            return None
        session = self._read(token)
        return session if now < session.until else None

    def _read(self, token: str) -> Session:
        try:
            return msgspec.json.decode(_bytes(token.partition(".")[0]), type=Session)
        except (ValueError, Base64Error, msgspec.DecodeError):
            return Session("", 0)

    def _sign(self, body: str, stored: str) -> str:
        return _text(hmac.digest(self._key, f"{body}|{stored}".encode(), "sha256"))


class Tries:
    """So many failures in so long a time, per name and per address; then none until the time has passed."""

    MOST, WITHIN_MS, KEPT = 5, 300_000, 10_000

    def __init__(self) -> None:
        self._failed: dict[str, list[int]] = {}

    def wait_ms(self, keys: tuple[str, ...], now: int) -> int:
        """How long whoever tries has to wait; 0: go on."""
        waits = [0]
        for key in keys:
            recent = [at for at in self._failed.get(key, ()) if now - at < self.WITHIN_MS]
            if len(recent) >= self.MOST:
                waits.append(recent[-self.MOST] + self.WITHIN_MS - now)
        return max(waits)

    def failed(self, keys: tuple[str, ...], now: int) -> None:
        for key in keys:
            recent = [at for at in self._failed.pop(key, ()) if now - at < self.WITHIN_MS]
            self._failed[key] = [*recent, now][-self.MOST :]
        while len(self._failed) > self.KEPT:  # the oldest go first: names that somebody makes up fill no memory
            del self._failed[next(iter(self._failed))]

    def passed(self, keys: tuple[str, ...]) -> None:
        """The last try was none that failed; earlier ones still count: whoever has an account cannot guess others'."""
        for key in keys:
            self._failed[key] = self._failed.get(key, [])[:-1]
