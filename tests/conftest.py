"""Shared by all tests: one real broker and one real engine per run, each on a free port and loopback."""

import asyncio
import gc
import os
from collections.abc import Callable, Generator, Iterator

import pytest
import story
from hypothesis import HealthCheck, settings

from deploy import topics as topic_table
from deploy.embedded.child import free_port
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.settings import Kafka
from deploy.topics import TopicState
from streams.contract.topics import TOPICS, Topic

INSTALLATION, BROKER = "installation", "broker"

# How long drawing or running an example takes says how busy the machine is; speed is measured in tests/bench.
settings.register_profile("busy", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """What is made once is made by one worker, and what takes long begins first.

    Tests that share an installation, the broker, or what their module makes, are a group: named before xdist's hook
    reads the names. After the order was drawn those of the installation come first, then those of the broker, then the
    other groups; the single tests fill up all workers at the end (`--no-loadscope-reorder` keeps this).
    """
    for item in items:
        if group := shared_by(item):
            item.add_marker(pytest.mark.xdist_group(group))
    yield
    if config.getoption("loadgroup", default=False):  # xdist sets it in its workers
        alone = [item.nodeid for item in items if (group := group_of(item)) and not item.nodeid.endswith(f"@{group}")]
        assert not alone, f"xdist does not keep these beside what they share: {alone[:3]}"
    first = {INSTALLATION: 0, BROKER: 1, "": 3}
    items.sort(key=lambda item: first.get(group_of(item), 2))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: it need not be searched for garbage over and over."""
    gc.collect()
    gc.freeze()


def shared_by(item: pytest.Item) -> str:
    """Who shares what this test needs: all that ask the system tests' installation or a broker, its module, or nobody ("")."""
    if not isinstance(item, pytest.Function):
        return ""
    made = {name: found[-1].scope for name, found in item._fixtureinfo.name2fixturedefs.items()}
    if made.get("hotline") == "session":
        return INSTALLATION
    if "kafka_bootstrap" in made:
        return BROKER
    return item.nodeid.partition("::")[0] if "module" in made.values() else ""


def group_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


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
    server.start(timeout_s=120)
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def told(clickhouse_url: str) -> Iterator[story.Told]:
    """Two days of calls, counted by the real engine and stored: for tests that only read."""
    yield from story.tell(clickhouse_url)


@pytest.fixture
def topics(kafka_bootstrap: str) -> Callable[..., list[TopicState]]:
    """`topics()` makes the contract's topics on the shared broker; `topics(mine)` others, for a test alone."""

    def apply(table: tuple[Topic, ...] = TOPICS) -> list[TopicState]:
        return asyncio.run(topic_table.apply(Kafka(bootstrap=kafka_bootstrap), table))

    return apply
