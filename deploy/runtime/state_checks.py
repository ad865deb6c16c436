"""Whether a state may be resumed from: on this input, under these settings, in time."""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.runtime.state_records import Mark, State, StateError, signpost_key

ANSWER_S = 30.0
RETENTION_USED = 0.5
"""The share of the input's retention that the age of a state may take before people are warned."""

_AFRESH = (
    "to begin afresh with what the topic holds now, stop, delete the state topic and create it again: "
    "`hotline topics apply`"
)
_OTHER_LOG = f"Point HOTLINE_KAFKA__BOOTSTRAP back to the cluster it came from; or, {_AFRESH}"


async def check_mark(consumer: AIOKafkaConsumer, state: State, cluster: str) -> None:
    """Make sure that the input topic is the one this state was made from.

    Raises StateError: on another log the offsets mean something else, and new records would be passed
    over as already seen.
    """
    place, stand = signpost_key(state.place), state.stand
    if stand.cluster and cluster and stand.cluster != cluster:
        raise StateError(f"the state of {place} was made on cluster {stand.cluster}, this is {cluster}. {_OTHER_LOG}")
    if stand.offset < 0:
        return
    tp = TopicPartition(*state.place)
    begin = (await consumer.beginning_offsets([tp]))[tp]
    end = (await consumer.end_offsets([tp]))[tp]
    if end <= stand.offset:
        raise StateError(f"the state of {place} stands at offset {stand.offset}, the topic ends at {end}. {_OTHER_LOG}")
    if stand.mark is None or begin > stand.offset:
        return
    consumer.assign([tp])
    consumer.seek(tp, stand.offset)
    async with asyncio.timeout(ANSWER_S):
        record = await consumer.getone(tp)
    if record.offset == stand.offset and Mark.of(record.timestamp, record.value) != stand.mark:
        raise StateError(
            f"the record {place} at offset {stand.offset} is not the one its state was made from. {_OTHER_LOG}"
        )


def check_meaning(state: State, meaning: Mapping[str, str]) -> None:
    """Make sure that what the state's numbers mean is what they would mean now.

    Raises StateError naming every setting that differs. A setting that the state does not know of (an older
    version wrote it) is no difference.
    """
    differ = [
        f"{name} was {was!r}, is {meaning.get(name, 'not known to this version')!r}"
        for name, was in sorted(state.stand.meaning.items())
        if meaning.get(name) != was
    ]
    if differ:
        raise StateError(
            f"the state of {signpost_key(state.place)} was made under other settings: {'; '.join(differ)}. "
            f"Set them back; or, {_AFRESH}"
        )


def retention_used(read_to: int, retention_ms: int | None, now: int) -> float:
    """How much of the input's retention has passed since everything appended was read: at 1, records get lost.

    `read_to` and `now` in ms; 0 if nothing was read yet or the input is kept for ever (None).
    """
    return max(0, now - read_to) / retention_ms if read_to and retention_ms else 0.0
