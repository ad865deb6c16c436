"""What one calls partition sends to the merger: absolute, versioned shares of cells and gauges.

It is the merger that breaks a share down by dimension set: a partition keeps, and sends, each count once.
"""

import msgspec

from streams.contract.cells import Counts
from streams.dimensions import Place


class Share(msgspec.Struct, array_like=True):
    """What this partition has of one place in one minute (ms), absolute; empty counts: nothing is left of it."""

    minute: int
    place: Place
    counts: Counts


class PartialGauge(msgspec.Struct, array_like=True):
    """This partition's share of one queue's gauges."""

    hotline: str
    queue: str
    waiting: int
    over_threshold: int
    oldest_queued_at: int | None
    in_service: int


class PartialAgents(msgspec.Struct, array_like=True):
    """This partition's agents by state, and those on a break by reason; queue `""`: all of the hotline, each once."""

    hotline: str
    queue: str
    states: dict[str, int]
    breaks: dict[str, int]


class PartialSource(msgspec.Struct, array_like=True):
    """What this partition knows of a source; fields as in `SourceStatus`.

    `heard_at`: the clock (ms) when its last record was read; what it sends late is no silence.
    """

    source: str
    hotline: str
    expected: bool
    last_at: int
    clock_offset_ms: int | None
    heard_at: int = 0


class FeedPart(msgspec.Struct, omit_defaults=True):
    """One feed in this partition. `horizon`: no cell of an earlier minute will change here any more.

    `clock`, `watermark` and `horizon` are None in all but the last piece of a bundle that was cut up.
    `gauges`, `agents` and `sources` replace all that this partition sent before; None: unchanged.
    """

    feed: str
    generation: int = 0
    clock: int | None = None
    watermark: int | None = None
    horizon: int | None = None
    range_from: int | None = None
    range_to: int | None = None
    ended: bool = False
    shares: list[Share] = msgspec.field(default_factory=list)
    gauges: list[PartialGauge] | None = None
    agents: list[PartialAgents] | None = None
    sources: list[PartialSource] | None = None


class Quality(msgspec.Struct, omit_defaults=True):
    """What this partition had to mend, refuse or count apart, since the beginning (absolute)."""

    repaired: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    rejected: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    misrouted: dict[str, int] = msgspec.field(default_factory=dict)
    late: dict[str, int] = msgspec.field(default_factory=dict)
    superseded: dict[str, int] = msgspec.field(default_factory=dict)
    unknown_fields: dict[str, int] = msgspec.field(default_factory=dict)
    missing: int = 0


class Bundle(msgspec.Struct, omit_defaults=True):
    """One message to `hotline.partials`: version (offset included, clock) of partition `partition` of `of`.

    `epoch`: which owner of the partition sends it (0: it does not say); what an earlier owner sends after a later one does
    not count. `born`: the epoch of the owner who began without a state, and has told everything from the beginning; see
    `lives`. `cut_at`: the input before this instant (ms) was gone by then (0: none was), so that minutes of `live`
    before `live_from` (ms) are not whole; see `torn`.
    """

    partition: int
    of: int
    offset: int
    clock: int
    feeds: list[FeedPart] = msgspec.field(default_factory=list)
    quality: Quality | None = None
    epoch: int = 0
    born: int = 0
    cut_at: int = 0
    live_from: int = 0


MAX_SHARES_IN_BUNDLE = 1_500


def split(bundle: Bundle) -> list[Bundle]:
    """The bundle in pieces that stay well below a broker's record limit; clocks stand in the last piece only."""
    shares = sum(len(part.shares) for part in bundle.feeds)
    if shares <= MAX_SHARES_IN_BUNDLE:
        return [bundle]
    pieces = []
    for part in bundle.feeds:
        while len(part.shares) > MAX_SHARES_IN_BUNDLE:
            head, part.shares = part.shares[:MAX_SHARES_IN_BUNDLE], part.shares[MAX_SHARES_IN_BUNDLE:]
            pieces.append(_piece(bundle, part, head))
    for part in bundle.feeds[:-1]:
        if part.shares:
            pieces.append(_piece(bundle, part, part.shares))
            part.shares = []
    return [*pieces, bundle]


def _piece(bundle: Bundle, part: FeedPart, shares: list[Share]) -> Bundle:
    feed = FeedPart(feed=part.feed, generation=part.generation, shares=shares)
    return msgspec.structs.replace(bundle, feeds=[feed], quality=None)
