"""The state and clock of feeds, and the marks that say their visits are complete, as rows."""

from operator import attrgetter

from sinks.clickhouse.rows.table import Row, Table, packed_version
from streams.contract.cells import FeedStatus, Progress
from streams.contract.events import LIVE
from streams.contract.visits import VisitMark

_FEED = ("feed", "generation", "state", "range_from", "range_to", "at", "version")
_MARK = ("feed", "generation", "source_partition", "partition", "of")
FEEDS = Table("feeds", _FEED)
FEED_MARKS = Table("feed_marks", (*_MARK, "version"))
FEED_CLOCKS = Table("feed_clocks", ("feed", "at", "version"))
_feed = attrgetter(*_FEED)
_mark = attrgetter(*_MARK)


def feed_row(status: FeedStatus) -> Row:
    return Row(FEEDS, 0, _feed(status))


def mark_row(mark: VisitMark) -> Row:
    return Row(FEED_MARKS, 0, (*_mark(mark), packed_version(mark.version)))


def clock_row(progress: Progress) -> Row | None:
    """How far `live` is complete; None before that is known. Other feeds' clocks stand in their states."""
    if progress.data_as_of is None:
        return None
    return Row(FEED_CLOCKS, 0, (LIVE, progress.data_as_of, progress.version))
