"""Wait buckets: whole seconds to 120 s, then steps of 5 %, so that any threshold can be applied later."""

from bisect import bisect_left, bisect_right
from math import ceil

WHOLE_SECONDS = 120
LONGEST_S = 7 * 86_400

_EDGES: list[int] = []
_step = 1
while not _EDGES or _EDGES[-1] < LONGEST_S:
    _EDGES.append(ceil(WHOLE_SECONDS * 1.05**_step))
    _step += 1


def edges_within(threshold_s: int) -> list[int]:
    """The buckets of waits of at most so many seconds."""
    return [*range(min(threshold_s, WHOLE_SECONDS) + 1), *_EDGES[: bisect_right(_EDGES, threshold_s)]]


def wait_bucket(wait_ms: int) -> int:
    """The bucket of a wait: its upper edge in seconds, inclusive (0 for a wait of 0 ms)."""
    seconds = -(-wait_ms // 1000)
    if seconds <= WHOLE_SECONDS:
        return seconds
    return _EDGES[min(bisect_left(_EDGES, seconds), len(_EDGES) - 1)]
