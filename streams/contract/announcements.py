"""What `hotline.announcements` carries: events that people know to come, each change of one a record of its own.

Two people may change one event at the same time, from two machines. So every record says which revision of its event it
is, and in the order of the log only the one that follows the last revision counts: all readers agree, and whoever came
second is told so.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import count
from typing import Annotated, Literal

import msgspec

Moment = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""Epoch ms, of any year that there is."""
Lift = Annotated[float, msgspec.Meta(gt=0, le=50)]
Fate = Literal["counts", "overtaken", "not_seen"]
"""What the log made of a record: it counts; another one was first; it is not there (yet)."""


class Announcement(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """One revision of an event: from `begin` to before `end` (ms) about `lift` times as many calls as usual.

    `hotline` "": all of them; `queue` "": all of its calls. `revision` counts from 1. `author` said so at `at` (ms);
    with `withdrawn` there is no such event (any more).
    """

    id: str
    revision: int
    name: str
    begin: Moment
    end: Moment
    lift: Lift = 1.0
    hotline: str = ""
    queue: str = ""
    author: str
    at: int
    withdrawn: bool = False


class Announcements:
    """The events as the log has them up to now; pure."""

    def __init__(self) -> None:
        self.changes = 0
        """How many revisions have been taken."""
        self._revisions: dict[str, list[Announcement]] = {}
        self._holding: tuple[Announcement, ...] | None = ()

    def take(self, record: Announcement) -> bool:
        """Take the next record of the log; False: somebody else was first, it changes nothing."""
        known = self._revisions.setdefault(record.id, [])
        if record.revision != len(known) + 1:
            return False
        known.append(record)
        self.changes += 1
        self._holding = None
        return True

    def revisions(self, event: str) -> Sequence[Announcement]:
        """All that was said of an event, the first in front; the last may be that it is withdrawn."""
        return self._revisions.get(event, ())

    def fate(self, record: Announcement) -> Fate:
        """What has become of a record that somebody wrote."""
        known = self.revisions(record.id)
        if len(known) < record.revision:
            return "not_seen"
        return "counts" if known[record.revision - 1] == record else "overtaken"

    def numbered(self, event: Announcement) -> Announcement:
        """The same as the first revision of an event that is announced anew.

        Its id follows from what it is and from the log, so two who announce the same at once, from two machines, take the
        same one: the first in the log counts.
        """
        names = (blake2b(repr((number, *_what(event))).encode(), digest_size=6).hexdigest() for number in count())
        return msgspec.structs.replace(event, id=next(name for name in names if not self.revisions(name)), revision=1)

    def holding(self) -> list[Announcement]:
        """The events that are announced, past ones too, in order of time."""
        if self._holding is None:  # there may be thousands, and boards ask twice a second
            last = [known[-1] for known in self._revisions.values() if known]
            self._holding = tuple(sorted((it for it in last if not it.withdrawn), key=in_time))
        return list(self._holding)


def in_time(event: Announcement) -> tuple[int, int, str, str]:
    """Sort key that puts events in order of time."""
    return event.begin, event.end, event.name, event.id


def same(events: Iterable[Announcement], event: Announcement) -> Announcement | None:
    """The one of `events` with the same name, begin, hotline and queue; None if there is none."""
    return next((it for it in events if _what(it) == _what(event)), None)


def _what(event: Announcement) -> tuple[str, str, str, int]:
    return event.hotline, event.queue, event.name, event.begin


def followed(known: Announcement, author: str, at: int, *, of: Announcement | None = None) -> Announcement:
    """The revision after `known`: with what `of` says, or, without `of`, that the event is withdrawn."""
    if of is None:
        return msgspec.structs.replace(known, revision=known.revision + 1, author=author, at=at, withdrawn=True)
    return msgspec.structs.replace(of, revision=known.revision + 1, author=author, at=at)


def touching(events: Iterable[Announcement], start: int, end: int) -> list[Announcement]:
    """Those that are on at some time in [start, end)."""
    return [it for it in events if it.begin < end and it.end > start]
