"""What `hotline up` will run and where: chosen before anything is started."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.child import EmbeddedError, free_port, port_is_free
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.run_file import Endpoints
from deploy.runtime.settings import Settings

KAFKA_PORT = 9092
CLICKHOUSE_PORT = 8123


@dataclass(frozen=True)
class Plan:
    """`settings` have every address filled in; `kafka` and `clickhouse` are None where configured elsewhere.

    `env`: what all children get; `processes`: name -> what a process of Hotline gets beside it.
    """

    settings: Settings
    data_dir: Path
    kafka: KafkaBroker | None
    clickhouse: ClickHouseServer | None
    endpoints: Endpoints
    health: Mapping[str, str]
    env: Mapping[str, str]
    processes: Mapping[str, Mapping[str, str]]
    demo: bool

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @property
    def ready_urls(self) -> dict[str, str]:
        """process -> its /healthz."""
        return {name: f"{url}/healthz" for name, url in self.health.items()} | {"web": f"{self.endpoints.web}/healthz"}


def hotline_command(*arguments: str) -> list[str]:
    """The command line of another `hotline` of this installation."""
    return [sys.executable, "-m", "deploy.cli", *arguments]


def kind_of(process: str) -> str:
    """What a process is: the second of several `streams` is `streams-2`."""
    return process.partition("-")[0]


class _Ports:
    def __init__(self, *, automatic: bool) -> None:
        self._automatic = automatic
        self._taken: list[str] = []

    def choose(self, what: str, wanted: int) -> int:
        if self._automatic or wanted == 0:
            return free_port()
        if not port_is_free(wanted):
            self._taken.append(f"port {wanted} ({what})")
        return wanted

    def require_free(self) -> None:
        if self._taken:
            raise EmbeddedError(
                f"{' and '.join(self._taken)} already in use on this machine: stop what runs there, "
                "or let Hotline choose with `hotline up --ports auto`"
            )


def make_plan(settings: Settings, *, automatic_ports: bool, streams: int = 1) -> Plan:
    """Choose ports and addresses; so many `streams`. Raises EmbeddedError naming each port that is taken."""
    data_dir = settings.data_dir.resolve()
    ports = _Ports(automatic=automatic_ports)
    kafka = clickhouse = None
    if not settings.kafka.bootstrap:
        kafka = KafkaBroker(data_dir / "kafka", port=ports.choose("Kafka", KAFKA_PORT), log=data_dir / "logs/kafka.log")
    if not settings.clickhouse.url:
        clickhouse = ClickHouseServer(
            data_dir / "clickhouse",
            port=ports.choose("ClickHouse", CLICKHOUSE_PORT),
            database=settings.clickhouse.database,
            log=data_dir / "logs/clickhouse.log",
        )
    web_port = ports.choose("wallboard", settings.web.port)
    wanted = {
        "streams": settings.health.streams_port,
        **{f"streams-{number}": 0 for number in range(2, streams + 1)},
        "sinks": settings.health.sinks_port,
        "alerts": settings.health.alerts_port,
    }
    health_ports = {name: ports.choose(f"health of {name}", port) for name, port in wanted.items()}
    ports.require_free()
    endpoints = Endpoints(
        kafka=kafka.bootstrap if kafka else settings.kafka.bootstrap,
        clickhouse=clickhouse.url if clickhouse else settings.clickhouse.url,
        web=f"http://{settings.web.host}:{web_port}",
    )
    env = {
        "HOTLINE_DATA_DIR": str(data_dir),
        "HOTLINE_KAFKA__BOOTSTRAP": endpoints.kafka,
        "HOTLINE_CLICKHOUSE__URL": endpoints.clickhouse,
        "HOTLINE_WEB__HOST": settings.web.host,
        "HOTLINE_WEB__PORT": str(web_port),
        "PYTHONUNBUFFERED": "1",
    }
    processes = {
        name: {f"HOTLINE_HEALTH__{kind_of(name).upper()}_PORT": str(port)} for name, port in health_ports.items()
    } | {"web": {}}
    # Nobody else is on a broker of our own: a child that is started again has its partitions back at once.
    if member := settings.kafka.group_instance_id or ("up" if kafka else ""):
        for name, told in processes.items():
            told["HOTLINE_KAFKA__GROUP_INSTANCE_ID"] = member + name.removeprefix(kind_of(name))
    filled = settings.model_copy(
        update={
            "data_dir": data_dir,
            "kafka": settings.kafka.model_copy(update={"bootstrap": endpoints.kafka}),
            "clickhouse": settings.clickhouse.model_copy(update={"url": endpoints.clickhouse}),
            "web": settings.web.model_copy(update={"port": web_port}),
        }
    )
    return Plan(
        settings=filled,
        data_dir=data_dir,
        kafka=kafka,
        clickhouse=clickhouse,
        endpoints=endpoints,
        health={name: f"http://{settings.health.host}:{port}" for name, port in health_ports.items()},
        env=dict(os.environ) | env,
        processes=processes,
        demo=settings.demo,
    )
