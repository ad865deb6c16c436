"""The whole product, each process alone: a broker, ClickHouse, `streams` and `sinks`, and how far each of them is.

Not `hotline up`: that begins to read before a topic can be filled, and runs one `streams` alone.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

from idle import Cost, cost
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.child import free_port, spawn, stop, tail
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.settings import ClickHouse, Kafka, Settings
from streams.contract.topics import CALLS, TOPICS

HERE = Path(__file__).parent
ASK_EVERY_S = 0.1
USUAL_PARTITIONS = next(topic.partitions for topic in TOPICS if topic.name == CALLS)

Place = tuple[str, int]


class Process(NamedTuple):
    """`health`: the address that serves /healthz and /metrics."""

    name: str
    child: "subprocess.Popen[bytes]"
    health: str

    def asked(self, path: str) -> bytes:
        """An answer, also that it is not ready; empty while nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.health}/{path}", timeout=10) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as answer:
            return answer.read()
        except OSError:
            return b""

    @property
    def ready(self) -> bool:
        return bool(self._health().get("ready"))

    def positions(self) -> dict[Place, int]:
        """What this process owns -> the next offset it takes in (`streams`), or stores (`sinks`)."""
        return {(it["topic"], it["partition"]): it["position"] for it in self._health().get("partitions", [])}

    def behind(self) -> int:
        """Records between what it has and the ends, as its last fetches said; not 0 before it has caught up."""
        return sum(1 if it["lag"] is None else it["lag"] for it in self._health().get("partitions", []))

    def _health(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.asked("healthz") or b"{}")
        return told

    def metrics(self, name: str, label: str = "") -> dict[str, float]:
        """The samples of a metric, added up by a label."""
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(self.asked("metrics").decode()):
            for sample in family.samples:
                if sample.name == name:
                    key = sample.labels.get(label, "")
                    found[key] = found.get(key, 0.0) + sample.value
        return found


class Whole:
    """Broker and ClickHouse in a directory of their own, and the processes that were started beside them."""

    def __init__(self, directory: Path, partitions: int) -> None:
        self.partitions = partitions
        self._directory = directory
        self._broker = KafkaBroker(directory / "kafka", port=free_port())
        self._database = ClickHouseServer(directory / "clickhouse", port=free_port())
        self.settings = Settings(
            demo=True,
            data_dir=directory,
            kafka=Kafka(bootstrap=self._broker.bootstrap),
            clickhouse=ClickHouse(url=self._database.url),
        )
        self.processes: list[Process] = []

    def __enter__(self) -> Self:
        self._broker.start()
        self._database.start()
        return self

    def __exit__(self, *failure: object) -> None:
        for process in self.processes:
            stop(process.child, 30)
        self._database.stop()
        self._broker.stop()

    def start(self, name: str) -> Process:
        """Start one more process of a kind."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HOTLINE_")}
        port = free_port()
        environment = kept | {
            "HOTLINE_DEMO": "true",
            "HOTLINE_DATA_DIR": str(self._directory),
            "HOTLINE_KAFKA__BOOTSTRAP": self._broker.bootstrap,
            "HOTLINE_CLICKHOUSE__URL": self._database.url,
            f"HOTLINE_HEALTH__{name.upper()}_PORT": str(port),
        }
        command = [sys.executable, "-m", "deploy.cli", name]
        if name == "streams" and self.partitions != USUAL_PARTITIONS:
            command = [sys.executable, str(HERE / "engines" / "partitioned.py"), str(self.partitions)]
        log = self._directory / f"{name}-{len(self.processes)}.log"
        process = Process(name, spawn(command, log, environment), f"http://127.0.0.1:{port}")
        self.processes.append(process)
        return process

    def costs(self) -> dict[str, list[Cost]]:
        """Process by kind -> memory and processor time so far, of each of them."""
        found: dict[str, list[Cost]] = {}
        for name, child in (
            ("Kafka", self._broker._process),
            ("ClickHouse", self._database._process),
            *((process.name, process.child) for process in self.processes),
        ):
            assert child is not None
            found.setdefault(name, []).append(cost(child.pid))
        return found

    def until(self, holds: Callable[[], Any], within: float) -> Any:
        """The first true answer, asked for ten times a second. Raises RuntimeError with the ends of the logs."""
        end = time.monotonic() + within
        while not (answer := holds()):
            ended = [process.name for process in self.processes if process.child.poll() is not None]
            if ended or time.monotonic() > end:
                logs = "\n".join(f"{path.name}:\n{tail(path)}" for path in sorted(self._directory.glob("*.log")))
                raise RuntimeError(f"ended: {ended}; not within {within:.0f} s\n{logs}")
            time.sleep(ASK_EVERY_S)
        return answer
