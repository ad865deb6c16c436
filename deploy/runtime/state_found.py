"""Which state to resume from, by the records of the state log: pure, without Kafka."""

from collections import defaultdict
from typing import NamedTuple

from deploy.runtime.state_records import (
    MANIFEST,
    FirstForm,
    Manifest,
    Place,
    Stand,
    State,
    StateError,
    decompress,
    digest,
    first_form_of,
    format_of,
    manifest_of,
    shard_tail,
    signpost_key,
)

Records = dict[str, bytes]
"""The records of one taking, by the rest of their keys."""


class Resume(NamedTuple):
    """What to resume from. `sure`: nothing better was begun that is not all there.

    Unsure happens when the log is compacted or written while it is read: read again.
    """

    state: State | None
    sure: bool


class Found:
    """What the records of the state log say of one input partition; taken in log order."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.epoch = 0
        """The highest seen, complete or not."""
        self._signpost = signpost_key(place)
        self._first: FirstForm | None = None
        self._signposted = False
        self._foreign = ""
        self._takings: dict[str, Records] = defaultdict(dict)

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take in a record. Raises StateError for a format newer than ours, or a manifest that is none."""
        name = key.decode()
        if name == self._signpost:
            self._take_signpost(value)
            return
        taking, _, tail = name.removeprefix(f"{self._signpost}/").partition("/")
        epoch = taking.partition(".")[0]
        if not epoch.isdecimal():
            self._foreign = name  # said later: if a newer Hotline writes such keys, its signpost says more
            return
        self.epoch = max(self.epoch, int(epoch))
        if value is None:
            self._takings[taking].pop(tail, None)
            return
        if tail == MANIFEST:
            format_of(value)
        self._takings[taking][tail] = value

    def _take_signpost(self, value: bytes | None) -> None:
        self._first = None
        self._signposted = value is not None
        if value is not None and format_of(value) == 1:
            self._first = first_form_of(value)
            self.epoch = max(self.epoch, self._first.epoch)

    def leftover(self) -> list[bytes]:
        """Every key there is, but the signpost."""
        return [f"{self._signpost}/{taking}/{tail}".encode() for taking, its in self._takings.items() for tail in its]

    @property
    def written(self) -> bool:
        """Whether a state was ever there: then it must not be begun afresh."""
        return self._signposted or bool(self._manifests())

    def resume(self) -> Resume:
        """The state of the highest epoch that is complete (of several, the highest offset).

        Raises StateError for what something else wrote.
        """
        if self._foreign:
            raise StateError(f"the state log has the key {self._foreign!r}: did something else write it?")
        claims = [_claim(manifest_of(its[MANIFEST]), its) for its in self._manifests()]
        if self._first:
            claims.append(_first_claim(self._first))
        claims.sort(key=lambda claim: (claim.epoch, claim.stand.offset, claim.stand.clock), reverse=True)
        for rank, claim in enumerate(claims):
            parts = claim.parts()
            if parts is not None:
                return Resume(State(self.place, claim.epoch, claim.stand, parts), sure=rank == 0)
        return Resume(None, sure=not self._signposted and not any(self._takings.values()))

    def _manifests(self) -> list[Records]:
        return [its for its in self._takings.values() if MANIFEST in its]


class _Claim(NamedTuple):
    """A state that is named; `pieces`: part -> (record, digest to check or None) in order."""

    epoch: int
    stand: Stand
    pieces: dict[str, list[tuple[bytes | None, bytes | None]]]

    def parts(self) -> dict[str, bytes] | None:
        """The parts, or None if a shard is missing or not the one that is named."""
        parts = {}
        for part, pieces in self.pieces.items():
            whole = []
            for record, wanted in pieces:
                raw = None if record is None else decompress(record)
                if raw is None or (wanted is not None and digest(raw) != wanted):
                    return None
                whole.append(raw)
            parts[part] = b"".join(whole)
        return parts


def _claim(manifest: Manifest, records: Records) -> _Claim:
    pieces: dict[str, list[tuple[bytes | None, bytes | None]]] = {
        part: [(records.get(shard_tail(part, number, shard)), shard.digest) for number, shard in enumerate(shards)]
        for part, shards in manifest.shards.items()
    }
    return _Claim(manifest.epoch, manifest.stand, pieces)


def _first_claim(first: FirstForm) -> _Claim:
    stand = Stand(offset=first.offset, clock=first.clock, cluster=first.cluster, mark=first.mark, software="")
    return _Claim(first.epoch, stand, {"all": [(first.snapshot, None)]})
