"""Where a consumer group stands, and setting it back while none of its members runs."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata

from deploy.runtime.kafka import Place, client_options, partition_counts, reading
from deploy.runtime.settings import Kafka


class GroupRunsError(Exception):
    """The group has members: its position is theirs; the text says which group."""


async def positions(kafka: Kafka, group: str) -> dict[Place, int]:
    """What the group has committed: the next offset that it reads. Raises KafkaError, OSError."""
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        await admin.start()
        return await committed(admin, group)
    finally:
        await admin.close()


async def committed(admin: AIOKafkaAdminClient, group: str) -> dict[Place, int]:
    """The same, asked by a connection that is open.

    Raises GroupCoordinatorNotAvailableError also on a new cluster that no group has met yet.
    """
    found = await admin.list_consumer_group_offsets(group)
    return {(tp.topic, tp.partition): said.offset for tp, said in found.items() if said.offset >= 0}


async def set_back(kafka: Kafka, group: str, topics: Sequence[str], to: Mapping[Place, int]) -> dict[Place, int]:
    """Make the group go on at `to`; at the beginning where nothing is named, or the topic ends before (it was created again).

    Returns how many records of each partition the topic does not hold any more: they were told after `to` and have
    been deleted. Raises GroupRunsError if a member of the group runs, KafkaError, OSError.
    """
    async with reading(kafka) as asker:
        counts = await partition_counts(asker, list(topics))
        tps = [TopicPartition(topic, p) for topic, count in counts.items() for p in range(count)]
        begins, ends = await asker.beginning_offsets(tps), await asker.end_offsets(tps)
    wanted = {tp: to.get((tp.topic, tp.partition), 0) for tp in tps}
    missing = {(tp.topic, tp.partition): begins[tp] - at for tp, at in wanted.items() if at < begins[tp]}
    commits = {
        tp: OffsetAndMetadata(at if begins[tp] <= at <= ends[tp] else begins[tp], "") for tp, at in wanted.items()
    }
    member = AIOKafkaConsumer(**client_options(kafka), group_id=group, enable_auto_commit=False)
    try:
        await member.start()
        member.assign(tps)
        await member.commit(commits)
    except (CommitFailedError, UnknownMemberIdError) as error:
        raise GroupRunsError(f"a member of the group {group} runs") from error
    finally:
        await member.stop()
    return missing
