"""The embedded broker is a real one, and its topics are the contract's."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from deploy import topics as topic_table
from deploy.runtime.settings import Kafka
from deploy.topics import differences
from streams.contract.keys import murmur2_partition
from streams.contract.topics import FOR_GOOD, TOPICS, Topic

pytestmark = pytest.mark.kafka

YEAR_1999 = 915_148_800_000


def table(prefix: str) -> tuple[Topic, ...]:
    return tuple(
        Topic(f"{prefix}.{t.name}", t.partitions, t.key, t.cleanup, t.retention_ms, t.timestamp, t.extra)
        for t in TOPICS
    )


async def test_missing_topics_are_created_and_then_found_right(kafka_bootstrap):
    kafka, mine = Kafka(bootstrap=kafka_bootstrap), table("apply")
    assert {state.state for state in await topic_table.check(kafka, mine)} == {"missing"}
    assert {state.state for state in await topic_table.apply(kafka, mine)} == {"created"}
    assert {state.state for state in await topic_table.check(kafka, mine)} == {"ok"}
    assert {state.state for state in await topic_table.apply(kafka, mine)} == {"ok"}


async def test_changed_settings_are_corrected_and_others_are_left(kafka_bootstrap):
    kafka = Kafka(bootstrap=kafka_bootstrap)
    before = Topic("corrected", 1, "k", "delete", 1000, "CreateTime", (("max.message.bytes", "2000000"),))
    after = Topic("corrected", 1, "k", "delete", 86_400_000, "LogAppendTime")
    await topic_table.apply(kafka, (before,))
    [state] = await topic_table.check(kafka, (after,))
    assert state.state == "differs"
    assert "message.timestamp.type CreateTime -> LogAppendTime" in state.detail
    [state] = await topic_table.apply(kafka, (after,))
    assert state.state == "changed"
    assert {s.state for s in await topic_table.check(kafka, (after,))} == {"ok"}
    with_extra = Topic("corrected", 1, "k", "delete", 86_400_000, "LogAppendTime", (("max.message.bytes", "2000000"),))
    assert {s.state for s in await topic_table.check(kafka, (with_extra,))} == {"ok"}


async def test_another_partition_count_is_refused_with_what_to_do(kafka_bootstrap):
    kafka = Kafka(bootstrap=kafka_bootstrap)
    await topic_table.apply(kafka, (Topic("counted", 3, "k", "delete", None, "CreateTime"),))
    [state] = await topic_table.apply(kafka, (Topic("counted", 6, "k", "delete", None, "CreateTime"),))
    assert state.state == "partitions"
    assert state.wrong
    assert "has 3 partitions, needs 6" in state.detail
    assert "hotline topics apply" in state.detail


def test_a_longer_retention_is_left_alone():
    topic = Topic("x", 1, "k", "delete", 1000, "CreateTime")
    right = {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime"}
    assert differences(topic, right | {"retention.ms": "2000"}) == {}
    assert differences(topic, right | {"retention.ms": "-1"}) == {}
    assert differences(topic, right | {"retention.ms": "999"}) == {"retention.ms": "1000"}
    for_good = Topic("x", 1, "k", "delete", FOR_GOOD, "CreateTime")
    assert differences(for_good, right | {"retention.ms": "2000"}) == {"retention.ms": "-1"}
    assert differences(for_good, right | {"retention.ms": "-1"}) == {}


async def test_records_of_1999_keep_their_time_and_find_their_partition(kafka_bootstrap):
    await topic_table.apply(Kafka(bootstrap=kafka_bootstrap), (Topic("old", 6, "k", "delete", None, "CreateTime"),))
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", enable_idempotence=True) as producer:
        sent = [
            await producer.send_and_wait("old", b"v", key=b"call-%d" % n, timestamp_ms=YEAR_1999) for n in range(20)
        ]
    assert {(m.partition, m.timestamp) for m in sent} == {
        (murmur2_partition(b"call-%d" % n, 6), YEAR_1999) for n in range(20)
    }
    async with AIOKafkaConsumer("old", bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest") as consumer:
        first = await consumer.getone()
    assert first.timestamp == YEAR_1999


async def test_a_misspelt_topic_is_not_created(kafka_bootstrap):
    await topic_table.apply(Kafka(bootstrap=kafka_bootstrap), (Topic("spelt", 1, "k", "delete", None, "CreateTime"),))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.describe_topics(["spelt", "mispelt"])
        names = await admin.list_topics()
    finally:
        await admin.close()
    assert "spelt" in names
    assert "mispelt" not in names
