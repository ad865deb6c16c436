"""A real Kafka broker (KRaft, one node, loopback) as a child process, fetched once from Maven Central."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.embedded.child import EmbeddedError, free_port, spawn, stop, tail
from deploy.embedded.java import find_java

VERSION = "4.1.2"
# slf4j-simple: without a binding the broker would say nothing at all when it fails.
_COORDINATES = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
_LONGEST = str(2**63 - 1)

Say = Callable[[str], None]


def class_path() -> str:
    """The broker's jars as Java wants them; the first call on a machine downloads about 45 MB.

    Cached by jgo (`~/.cache/jgo`, `~/.m2`). Raises EmbeddedError when they cannot be had.
    """
    try:
        import jgo  # noqa: PLC0415  (an extra)
        from requests import RequestException  # noqa: PLC0415  (comes with jgo)
    except ImportError:
        raise EmbeddedError(
            "the embedded Kafka needs the extra `hotline-monitor[embedded]`; or set HOTLINE_KAFKA__BOOTSTRAP"
        ) from None
    try:
        jars = jgo.build(_COORDINATES).all_jars
    except (RequestException, OSError, RuntimeError, ValueError) as error:
        raise EmbeddedError(
            f"Kafka {VERSION} could not be fetched from Maven Central: {error}. Check the network or the proxy "
            "(HTTPS_PROXY), or set HOTLINE_KAFKA__BOOTSTRAP to a Kafka elsewhere"
        ) from error
    return os.pathsep.join(str(jar) for jar in jars)


def properties(data_dir: Path, *, port: int, controller_port: int) -> dict[str, str]:
    """The broker's settings: one node, loopback only, sized for a laptop."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(data_dir),
        # A misspelt topic is an error here, not a new topic with one partition.
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # Records of the past and of simulated days carry their own time.
        "log.message.timestamp.before.max.ms": _LONGEST,
        "log.message.timestamp.after.max.ms": _LONGEST,
        # The cleaner takes its buffer at once; the default of 128 MiB would be a third of the heap.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        "log.segment.bytes": str(128 * 1024 * 1024),
        "log.index.size.max.bytes": str(1024 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "group.coordinator.threads": "1",
    }


class KafkaBroker:
    """One broker: `prepare` (idempotent), then `command` is a process to run; `start`/`stop` do both here."""

    def __init__(self, data_dir: Path, *, port: int = 9092, heap_mb: int = 384, log: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.heap_mb = heap_mb
        self.log = log or self.data_dir.parent / "logs" / "kafka.log"
        self._command: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """The command line of the broker, once `prepare` has run."""
        assert self._command, "prepare() comes first"
        return self._command

    def prepare(self, say: Say = lambda _: None) -> None:
        """Fetch the broker, write its settings and format its storage once. Raises EmbeddedError."""
        java = find_java()
        say(f"Kafka {VERSION}: looking for it (the first time about 45 MB come from Maven Central)")
        jars = class_path()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        config = self.data_dir.parent / "kafka.properties"
        settings = properties(self.data_dir, port=self.port, controller_port=free_port())
        config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        if not (self.data_dir / "meta.properties").exists():
            say(f"Kafka: formatting {self.data_dir}")
            self._format(java, jars, config)
        self._command = [
            java,
            "-Xms64m",
            f"-Xmx{self.heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss",
            "-cp",
            jars,
            "kafka.Kafka",
            str(config),
        ]

    @staticmethod
    def _format(java: str, jars: str, config: Path) -> None:
        tool = [java, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars, "kafka.tools.StorageTool"]
        new_id = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=False)  # noqa: S603
        cluster = new_id.stdout.strip()
        formatted = subprocess.run(  # noqa: S603
            [*tool, "format", "--cluster-id", cluster, "--config", str(config), "--ignore-formatted"],
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode:
            raise EmbeddedError(
                f"Kafka's storage could not be formatted: {(formatted.stderr or formatted.stdout or new_id.stderr).strip()}"
            )

    def start(self, timeout_s: float = 60.0) -> None:
        """Prepare, start and wait until a client is answered. Raises EmbeddedError with the log's tail."""
        self.prepare()
        self._process = spawn(self.command, self.log)
        try:
            asyncio.run(wait_until_answering(self.bootstrap, timeout_s, alive=lambda: self.running))
        except EmbeddedError as error:
            self.stop()
            raise EmbeddedError(f"{error}; the end of {self.log}:\n{tail(self.log)}") from error

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

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
