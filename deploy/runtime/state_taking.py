"""What one owner of an input partition writes to the state log, checkpoint by checkpoint: pure, without Kafka."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from deploy.runtime.state_records import (
    FORMAT,
    MANIFEST,
    MANIFEST_BYTES,
    SHARD_BYTES,
    SOFTWARE,
    Changes,
    Manifest,
    Place,
    Shard,
    Shards,
    Signpost,
    Stand,
    StateError,
    digest,
    encode,
    shard_tail,
    signpost_key,
)


class Checkpoint(NamedTuple):
    """What has to be written for one checkpoint, in this order, each step acknowledged before the next."""

    shards: list[tuple[bytes, memoryview]]
    manifest: tuple[bytes, bytes]
    after: list[tuple[bytes, bytes | None]]
    """The signpost, and a tombstone for every key that nothing names any more."""
    stands: Shards


class Taking:
    """One owner's hold of an input partition in the state log: which keys it writes, what of it stands already.

    `leftover`: keys of earlier owners, deleted once this one's first manifest stands.
    """

    def __init__(self, place: Place, epoch: int, owner: str, leftover: Sequence[bytes] = ()) -> None:
        self.place = place
        self.epoch = epoch
        self._signpost = signpost_key(place).encode()
        self._prefix = f"{signpost_key(place)}/{epoch}.{owner}/"
        self._leftover = list(leftover)
        self._stands: Shards | None = None

    def plan(self, stand: Stand, parts: Changes) -> Checkpoint:
        """Compare with what stands; only shards that differ are written. Raises StateError: too many parts."""
        stands = self._stands or {}
        shards: Shards = {}
        writes: list[tuple[bytes, memoryview]] = []
        for name, raw in parts.items():
            if raw is None:
                shards[name] = stands[name]
                continue
            named = []
            for number, (piece, known) in enumerate(zip_longest(_cut(raw), stands.get(name, ()))):
                if piece is None:
                    break
                shard = Shard(1 - known.slot if known else 0, digest(piece))
                if known and known.digest == shard.digest:
                    shard = known
                else:
                    writes.append((self._key(name, number, shard), piece))
                named.append(shard)
            shards[name] = tuple(named)
        manifest = encode(Manifest(format=FORMAT, epoch=self.epoch, stand=stand, shards=shards))
        if len(manifest) > MANIFEST_BYTES:
            raise StateError(
                f"the state of {self._signpost.decode()} has {len(parts):,} parts in {len(manifest):,} bytes of manifest, "
                f"more than the {MANIFEST_BYTES:,} that one record takes. Give the topic more partitions (stop, migrate, "
                "start), or shorten intake.allowed_lateness_s: each partition holds the calls of the last "
                "allowed_lateness_s"
            )
        after: list[tuple[bytes, bytes | None]] = []
        if self._stands is None:
            after.append((self._signpost, encode(Signpost(FORMAT, SOFTWARE))))
        after += [(key, None) for key in self._leftover]
        after += [(key, None) for key in self._keys(stands) - self._keys(shards)]
        return Checkpoint(writes, (f"{self._prefix}{MANIFEST}".encode(), manifest), after, shards)

    def written(self, checkpoint: Checkpoint) -> None:
        """The manifest is acknowledged: from now on this is what stands."""
        self._stands = checkpoint.stands

    def cleared(self) -> None:
        """The tombstones are acknowledged."""
        self._leftover = []

    def _key(self, part: str, number: int, shard: Shard) -> bytes:
        return f"{self._prefix}{shard_tail(part, number, shard)}".encode()

    def _keys(self, shards: Shards) -> set[bytes]:
        return {self._key(part, n, shard) for part, named in shards.items() for n, shard in enumerate(named)}


def _cut(raw: bytes) -> Iterator[memoryview]:
    """At least one shard: an empty part is a part."""
    view = memoryview(raw)
    for start in range(0, max(1, len(raw)), SHARD_BYTES):
        yield view[start : start + SHARD_BYTES]
