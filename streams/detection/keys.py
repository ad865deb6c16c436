"""What a condition is about: one key of one dimension set, and the fingerprint of a condition on it."""

from hashlib import blake2b
from typing import NamedTuple

from streams.contract import SignalKind
from streams.contract.cells import MINUTE_MS

MINUTE = MINUTE_MS
HOUR, DAY = 60 * MINUTE, 1440 * MINUTE


class Key(NamedTuple):
    """One key of one dimension set; `more`: (dimension, value) of what has no field of its own."""

    hotline: str
    dimension_set: str
    queue: str = ""
    category: str = ""
    source: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def judged(self) -> bool:
        """Whether the key stands for a demand of its own.

        Queue `""` (never reached a queue) and category `""` (not classified yet: category is known at
        wrap-up, so the newest calls all stand there) do not.
        """
        match self.dimension_set:
            case "hotline":
                return True
            case "queue":
                return bool(self.queue)
            case "category_1":
                return bool(self.category)
            case _:
                return False


def fingerprint(kind: SignalKind, feed: str, key: Key) -> str:
    """The stable name of one condition on one key: 16 hex digits, the same in every process and version."""
    of_key = (*key[:4], key.source) if key.source else key[:4]
    parts = (kind, feed, *of_key, *(f"{name}={value}" for name, value in key.more))
    return blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()
