"""Makes the Kafka topics what the contract's table says, or tells how they differ."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaTimeoutError, TopicAlreadyExistsError, for_code

from deploy.runtime.kafka import client_options
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Kafka
from streams.contract.topics import FOR_GOOD, TOPICS, Topic

_VISIBLE_WITHIN_S = 20.0
_SET_ON_TOPIC = 1  # config_source of a value that was set on the topic itself
_PARTITIONS_HELP = (
    "partition counts are fixed: records of a key would move to another partition. Stop every producer and Hotline "
    "process, copy what is to be kept, delete the topic, run `hotline topics apply`, start again"
)

State = Literal["ok", "created", "changed", "missing", "differs", "partitions"]


class TopicState(msgspec.Struct, frozen=True):
    """One topic of the table against the cluster; `detail` says what differs or was done."""

    topic: str
    state: State
    detail: str = ""

    @property
    def wrong(self) -> bool:
        return self.state in {"missing", "differs", "partitions"}

    def __str__(self) -> str:
        return f"{self.topic}: {self.state}" + (f" ({self.detail})" if self.detail else "")


def differences(topic: Topic, found: dict[str, str]) -> dict[str, str]:
    """The settings of `topic` that have to change; a longer retention than the table's is left alone."""
    wanted = {}
    for name, value in topic.config.items():
        have = found.get(name)
        if have == value:
            continue
        if name == "retention.ms" and have is not None and _longer(have, value):
            continue
        wanted[name] = value
    return wanted


def _longer(have: str, wanted: str) -> bool:
    """Whether records are kept longer than wanted, -1 being for good."""
    if str(FOR_GOOD) in {have, wanted}:
        return have == str(FOR_GOOD)
    return int(have) > int(wanted)


class Cluster:
    """The topics of one cluster, asked and changed through an admin client that is started."""

    def __init__(self, admin: AIOKafkaAdminClient, replication_factor: int) -> None:
        self._admin = admin
        self._replication_factor = replication_factor

    async def partition_counts(self) -> dict[str, int]:
        described = await self._admin.describe_topics()
        return {topic["topic"]: len(topic["partitions"]) for topic in described}

    async def create(self, topics: Sequence[Topic]) -> None:
        """Create topics; one that somebody else created meanwhile is fine."""
        if not topics:
            return
        # Of three copies one may be lost: a record that only one broker has is not acknowledged.
        least = {"min.insync.replicas": "2"} if self._replication_factor >= 3 else {}
        new = [NewTopic(t.name, t.partitions, self._replication_factor, topic_configs=t.config | least) for t in topics]
        answer = await self._admin.create_topics(new)
        for name, code, *text in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(f"{name}: {text[0] if text else ''}")
        await self._until_visible({topic.name for topic in topics})

    async def _until_visible(self, names: set[str]) -> None:
        """The controller answers before the brokers know: wait until every partition has a leader."""

        async def left() -> set[str]:
            described = await self._admin.describe_topics()
            return names - {t["topic"] for t in described if all(p["leader"] >= 0 for p in t["partitions"])}

        await _until_none(left, "created, but without a leader")

    async def configs(self, names: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
        """topic -> setting -> (value, source)."""
        if not names:
            return {}
        answers = await self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, n) for n in names])
        found: dict[str, dict[str, tuple[str, int]]] = {}
        for answer in answers:
            for code, message, _, name, entries in answer.resources:
                if code:
                    raise for_code(code)(f"{name}: {message}")
                found[name] = {entry[0]: (entry[1], int(entry[3])) for entry in entries}
        return found

    async def set_configs(self, name: str, config: dict[str, str]) -> None:
        """Replace the settings of a topic (the request knows no other way)."""
        for answer in await self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config)]):
            for code, message, *_ in answer.resources:
                if code:
                    raise for_code(code)(f"{name}: {message}")

    async def until_set(self, name: str, config: dict[str, str]) -> None:
        """As with what is created: whoever asks next is told what was set."""

        async def left() -> set[str]:
            found = (await self.configs([name])).get(name, {})
            return {setting for setting, value in config.items() if found.get(setting, ("", 0))[0] != value}

        await _until_none(left, f"{name}: set, but not as it should be")


async def _until_none(left: Callable[[], Awaitable[set[str]]], problem: str) -> None:
    """Ask until nothing is left. Raises KafkaTimeoutError, with the problem and what has it."""
    end = asyncio.get_running_loop().time() + _VISIBLE_WITHIN_S
    while still := await left():
        if asyncio.get_running_loop().time() > end:
            raise KafkaTimeoutError(f"{problem}: {', '.join(sorted(still))}")
        await asyncio.sleep(0.05)


async def _compare(cluster: Cluster, topics: Sequence[Topic], *, repair: bool) -> list[TopicState]:
    counts = await cluster.partition_counts()
    missing = [topic for topic in topics if topic.name not in counts]
    if repair:
        await cluster.create(missing)
    configs = await cluster.configs([topic.name for topic in topics if topic.name in counts])
    states = []
    for topic in topics:
        if topic.name not in counts:
            states.append(
                TopicState(topic.name, "created" if repair else "missing", so_many(topic.partitions, "partition"))
            )
            continue
        if counts[topic.name] != topic.partitions:
            detail = f"has {so_many(counts[topic.name], 'partition')}, needs {topic.partitions}; {_PARTITIONS_HELP}"
            states.append(TopicState(topic.name, "partitions", detail))
            continue
        found = configs[topic.name]
        wanted = differences(topic, {name: value for name, (value, _) in found.items()})
        if not wanted:
            states.append(TopicState(topic.name, "ok"))
            continue
        text = ", ".join(f"{name} {found.get(name, ('unset', 0))[0]} -> {value}" for name, value in wanted.items())
        if repair:
            own = {name: value for name, (value, source) in found.items() if source == _SET_ON_TOPIC}
            await cluster.set_configs(topic.name, own | wanted)
            await cluster.until_set(topic.name, wanted)
        states.append(TopicState(topic.name, "changed" if repair else "differs", text))
    return states


async def _with_cluster(settings: Kafka, topics: Sequence[Topic], *, repair: bool) -> list[TopicState]:
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        return await _compare(Cluster(admin, settings.replication_factor), topics, repair=repair)
    finally:
        await admin.close()


async def check(settings: Kafka, topics: Sequence[Topic] = TOPICS) -> list[TopicState]:
    """How each topic of the table stands; changes nothing. Raises KafkaError if the cluster cannot be asked."""
    return await _with_cluster(settings, topics, repair=False)


async def apply(settings: Kafka, topics: Sequence[Topic] = TOPICS) -> list[TopicState]:
    """Create what is missing and correct settings; a changed partition count is reported, never made."""
    return await _with_cluster(settings, topics, repair=True)
