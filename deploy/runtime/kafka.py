"""How to reach Kafka: one set of options for every client, from the settings; and what readers without a group need."""

import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from deploy.runtime.settings import Kafka, SettingsError

POLL_MS = 500

Place = tuple[str, int]
"""(topic, partition)."""


def ssl_context(settings: Kafka) -> ssl.SSLContext | None:
    """The TLS context for SSL and SASL_SSL; None otherwise. Raises SettingsError naming the file."""
    if settings.security_protocol not in {"SSL", "SASL_SSL"}:
        return None
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        if settings.cert_file:
            password = settings.key_password.get_secret_value() if settings.key_password else None
            context.load_cert_chain(settings.cert_file, settings.key_file, password)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"kafka: cannot read ca_file, cert_file or key_file (or key_password): {error}") from error
    return context


def client_options(settings: Kafka) -> dict[str, Any]:
    """Options for any aiokafka client: addresses, TLS, SASL.

    Raises SettingsError if no bootstrap address is set.
    """
    if not settings.bootstrap:
        raise SettingsError("kafka.bootstrap is not set: start `hotline up` or set HOTLINE_KAFKA__BOOTSTRAP")
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in settings.bootstrap.split(",")],
        "security_protocol": settings.security_protocol,
    }
    context = ssl_context(settings)
    if context:
        options["ssl_context"] = context
    if settings.security_protocol.startswith("SASL"):
        assert settings.sasl_password is not None
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


def faust_broker(settings: Kafka) -> list[str]:
    """The addresses as Faust writes them (it does not connect by them: our transport uses `client_options`)."""
    return [f"aiokafka://{server.strip()}" for server in settings.bootstrap.split(",")]


async def cluster_id(settings: Kafka) -> str:
    """The id of the cluster, fixed when its storage was formatted."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()


async def retention_ms(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, int]:
    """topic -> how long it keeps a record, ms; one that keeps it for ever, or does not exist, is absent."""
    kept: dict[str, int] = {}
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, t) for t in topics]):
        for _, _, _, topic, entries in answer.resources:
            values = {entry[0]: entry[1] for entry in entries}
            if "delete" in (values.get("cleanup.policy") or "") and int(values["retention.ms"]) >= 0:
                kept[topic] = int(values["retention.ms"])
    return kept


class UnansweredError(ConnectionError):
    """A record was sent and no answer came."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the answer is lost, it may have been recorded: {error!r}")


async def append(kafka: Kafka, topic: str, key: bytes, value: bytes) -> None:
    """Append one record and wait until the broker's replicas have it.

    Raises UnansweredError where the log may have it all the same, or get it yet; KafkaError where nothing was sent.
    """
    producer = AIOKafkaProducer(**client_options(kafka), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        try:
            await producer.send_and_wait(topic, value, key=key)
        finally:
            await producer.stop()
    except (KafkaError, OSError) as error:  # a refusal too: an earlier try of the producer's may have been taken
        raise UnansweredError(error) from error


class reading:  # noqa: N801  (used as a verb: `async with reading(kafka) as consumer`)
    """A plain consumer without a group, for the time of a block."""

    def __init__(self, kafka: Kafka, **options: Any) -> None:
        self._options = client_options(kafka) | {
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "max_partition_fetch_bytes": 4 * 1024 * 1024,
            "isolation_level": "read_committed",
            **options,
        }

    async def __aenter__(self) -> AIOKafkaConsumer:
        self._consumer = AIOKafkaConsumer(**self._options)
        started = False
        try:
            await self._consumer.start()
            started = True
        finally:
            if not started:  # refused or cancelled: its connections would stay
                await self._consumer.stop()
        return self._consumer

    async def __aexit__(self, *failure: object) -> None:
        await self._consumer.stop()


async def log_start(consumer: AIOKafkaConsumer, topic: str, partition: int) -> int:
    """The first offset that a partition still has."""
    tp = TopicPartition(topic, partition)
    begins: dict[TopicPartition, int] = await consumer.beginning_offsets([tp])
    return begins[tp]


async def from_beginning(consumer: AIOKafkaConsumer, topic: str) -> tuple[TopicPartition, int]:
    """Stand at the beginning of a topic of one partition; returns that partition, and the offset at which it ends now."""
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    return partition, (await consumer.end_offsets([partition]))[partition]


async def poll(consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
    """What comes within half a second, perhaps nothing."""
    return [record for records in (await consumer.getmany(timeout_ms=POLL_MS)).values() for record in records]


async def up_to(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> AsyncIterator[ConsumerRecord]:
    """The records from where the consumer stands up to the offset `end`, and perhaps a few that came with the last."""
    while await consumer.position(partition) < end:
        for record in await poll(consumer):
            yield record


async def partition_counts(consumer: AIOKafkaConsumer, topics: list[str]) -> dict[str, int]:
    """topic -> number of partitions, asked now; a topic that does not exist has 0."""
    await consumer._client.force_metadata_update()  # noqa: SLF001  (the public call answers from a cache of 5 minutes)
    return {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in topics}
