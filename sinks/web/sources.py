"""Which sources of a hotline are heard: what tells a dead feed from a quiet night. Pure."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from streams.contract import SourceStatus


class Heard(NamedTuple):
    """The sources of one hotline. `silent`, `doubled`: by name; `expected`: how many send heartbeats."""

    expected: int
    silent: tuple[SourceStatus, ...]
    doubled: tuple[SourceStatus, ...]

    @property
    def down_since(self) -> int | None:
        """Since when no source that should be heard is heard (ms); None while one is, or none is expected."""
        if not self.expected or len(self.silent) < self.expected:
            return None
        return max(status.silent_since or 0 for status in self.silent)

    def snapshot(self) -> dict[str, Any]:
        return {
            "expected": self.expected,
            "heard": self.expected - len(self.silent),
            "silent": [{"source": s.source, "since": s.silent_since} for s in self.silent],
            "doubled": [s.source for s in self.doubled],
            "down_since": self.down_since,
        }


def heard(sources: Iterable[SourceStatus], hotline: str) -> Heard:
    """What is known of the sources that serve a hotline; one that names no hotline serves all."""
    own = sorted((s for s in sources if s.hotline in {"", hotline}), key=lambda status: status.source)
    expected = [status for status in own if status.expected]
    return Heard(
        len(expected),
        tuple(status for status in expected if status.silent_since is not None),
        tuple(status for status in own if status.doubled),
    )
