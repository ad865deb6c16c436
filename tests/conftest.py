"""Shared by all tests: one real broker and one real engine per run, each on a free port and loopback."""

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

from deploy import topics as topic_table
from deploy.embedded.child import free_port
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.settings import Kafka
from deploy.topics import TopicState
from streams.contract.topics import TOPICS, Topic


@pytest.fixture(autouse=True)
def unchanged_environment() -> Iterator[None]:
    """A test leaves the environment as it was: another one would be run with its settings."""
    before = dict(os.environ)
    yield
    changed = {name for name, _ in before.items() ^ os.environ.items()} - {"PYTEST_CURRENT_TEST"}
    assert not changed, f"this test leaves other values of {sorted(changed)} behind: use monkeypatch"


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real Kafka broker that has no topics yet (see `topics`)."""
    broker = KafkaBroker(tmp_path_factory.mktemp("broker") / "kafka", port=free_port())
    broker.start(timeout_s=120)
    yield broker.bootstrap
    broker.stop()


@pytest.fixture(scope="session")
def clickhouse_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real ClickHouse engine behind HTTP; use a database of your own per test."""
    server = ClickHouseServer(tmp_path_factory.mktemp("engine") / "clickhouse", port=free_port())
    server.start(timeout_s=60)
    yield server.url
    server.stop()


@pytest.fixture
def topics(kafka_bootstrap: str) -> Callable[..., list[TopicState]]:
    """`topics()` makes the contract's topics on the shared broker; `topics(mine)` others, for a test alone."""

    def apply(table: tuple[Topic, ...] = TOPICS) -> list[TopicState]:
        return asyncio.run(topic_table.apply(Kafka(bootstrap=kafka_bootstrap), table))

    return apply
