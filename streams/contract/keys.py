"""Record keys and the partition they belong to."""

from functools import lru_cache
from struct import iter_unpack

from streams.contract.events import CallEvent

_SEED = 0x9747B28C
_M = 0x5BD1E995
_U32 = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Kafka's murmur2 of a key, unsigned: aiokafka's, word by word with half the masks.

    Source: `org.apache.kafka.common.utils.Utils.murmur2`.
    """
    size = len(key)
    whole = size & ~3
    hashed = _SEED ^ size
    for (word,) in iter_unpack("<I", key[:whole]):
        mixed = word * _M & _U32
        hashed = (hashed * _M ^ (mixed ^ mixed >> 24) * _M) & _U32
    if size > whole:
        hashed = (hashed ^ int.from_bytes(key[whole:], "little")) * _M & _U32
    hashed = (hashed ^ hashed >> 13) * _M & _U32
    return hashed ^ hashed >> 15


@lru_cache(maxsize=16_384)
def murmur2_partition(key: bytes, partitions: int) -> int:
    """The partition of `key`, as Java's and aiokafka's default partitioner choose it.

    It is asked for every record, and most keys come again soon.
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def record_key(event: CallEvent) -> str:
    """What a record that carries this event is keyed by: its call, agent or source."""
    if event.type == "heartbeat":
        return event.source
    return event.agent if event.type == "agent_state" else event.call or event.agent


def visit_id(call: str, queue: str, entry: int) -> str:
    """The id of one stay of a call in a queue: `call/queue/entry`."""
    return f"{call}/{queue}/{entry}"
