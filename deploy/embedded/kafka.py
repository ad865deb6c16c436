"""A real Kafka broker (KRaft, one node, loopback) as a child process."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.embedded.child import EmbeddedError, spawn, stop, tail
from deploy.runtime.kafka import cluster_id
from deploy.runtime.settings import Kafka


class KafkaBroker:
    """One broker on a data directory: `command` is a process to run; `start`/`stop` do that here."""

    def __init__(self, data_dir: Path, *, port: int = 9092, heap_mb: int = 384, log: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.heap_mb = heap_mb
        self.log = log or self.data_dir.parent / "logs" / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        module = [sys.executable, "-m", "deploy.embedded.kafka_launcher"]
        return [*module, "--data-dir", str(self.data_dir), "--port", str(self.port), "--heap-mb", str(self.heap_mb)]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def answers(self) -> bool:
        """Whether it answers a client now, and not another broker that has taken its port meanwhile."""
        if not await answers(self.bootstrap):
            return False
        try:
            stored = (self.data_dir / "meta.properties").read_text(encoding="utf-8").splitlines()
            return f"cluster.id={await cluster_id(Kafka(bootstrap=self.bootstrap))}" in stored
        except (KafkaError, OSError):
            return False

    def start(self, timeout_s: float = 180.0) -> None:
        """Start and wait until a client is answered. Raises EmbeddedError with the log's tail."""
        self._process = spawn(self.command, self.log)
        try:
            asyncio.run(wait_until_answering(self.bootstrap, timeout_s, alive=lambda: self.running))
        except EmbeddedError as error:
            self.stop()
            raise EmbeddedError(f"{error}; the end of {self.log}:\n{tail(self.log)}") from error

    def stop(self, timeout_s: float = 20.0) -> None:
        """Stop the broker that `start` started; nothing if none runs."""
        if self._process is not None:
            stop(self._process, timeout_s)
            self._process = None


async def answers(bootstrap: str) -> bool:
    """Whether a broker answers a client at this address now."""
    host, _, port = bootstrap.rpartition(":")
    try:  # before the port is open a client would only fill the log
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True


async def wait_until_answering(bootstrap: str, timeout_s: float, *, alive: Callable[[], bool]) -> None:
    """Ask until a broker answers; raises EmbeddedError when its process ended or time is up."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    while not await answers(bootstrap):
        if not alive():
            raise EmbeddedError("Kafka ended while starting")
        if loop.time() > end:
            raise EmbeddedError(f"Kafka did not answer at {bootstrap} within {timeout_s:.0f} s")
        await asyncio.sleep(0.2)
