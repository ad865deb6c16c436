"""Which values of a dimension set are kept apart: the first so many, the rest are told as `(other)`."""

from streams.dimensions import Values

FORGET_MS = 24 * 3_600_000
_SEPARATOR = "\x1f"


class KnownValues:
    """Values by hotline and dimension set with the last minute (ms) they were seen in.

    A value that was not seen for a day makes room for a new one when there are `most` already.
    """

    def __init__(self, packed: list[tuple[str, str, dict[str, int]]], most: int) -> None:
        self._most = most
        self._known: dict[tuple[str, str], dict[Values, int]] = {
            (hotline, name): {tuple(text.split(_SEPARATOR)): at for text, at in values.items()}
            for hotline, name, values in packed
        }

    def admit(self, hotline: str, name: str, values: Values, minute: int) -> bool:
        """Whether the values are kept apart, from this minute (ms) on; if not, they belong to `(other)`."""
        if not values:
            return True
        known = self._known.setdefault((hotline, name), {})
        if values not in known and len(known) >= self._most:
            oldest = min(known, key=known.__getitem__)
            if known[oldest] >= minute - FORGET_MS:
                return False
            del known[oldest]
        known[values] = max(minute, known.get(values, 0))
        return True

    def pack(self) -> list[tuple[str, str, dict[str, int]]]:
        """For a snapshot."""
        return [
            (hotline, name, {_SEPARATOR.join(values): at for values, at in known.items()})
            for (hotline, name), known in self._known.items()
        ]
