"""Record keys and the partition they belong to."""

from aiokafka.partitioner import murmur2

from streams.contract.events import CallEvent


def murmur2_partition(key: bytes, partitions: int) -> int:
    """The partition of `key`, as Java's and aiokafka's default partitioner choose it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def record_key(event: CallEvent) -> str:
    """What a record that carries this event is keyed by: its call, agent or source."""
    if event.type == "heartbeat":
        return event.source
    return event.agent if event.type == "agent_state" else event.call or event.agent


def visit_id(call: str, queue: str, entry: int) -> str:
    """The id of one stay of a call in a queue: `call/queue/entry`."""
    return f"{call}/{queue}/{entry}"
