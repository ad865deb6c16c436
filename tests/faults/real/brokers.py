"""A cluster of three real brokers, each of which may be lost: every topic is on all three."""

import asyncio
import subprocess
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from deploy.embedded.child import EmbeddedError, free_port, spawn, stop, tail
from deploy.embedded.jars import class_path
from deploy.embedded.java import find_java
from deploy.embedded.kafka import answers
from deploy.embedded.kafka_launcher import broker_command, properties
from deploy.topics import Cluster

BROKERS = 3
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
HEAP_MB = 256


class KafkaCluster:
    """Three brokers in one place, every one a controller too; numbered from 1."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = {number: free_port() for number in range(1, BROKERS + 1)}
        self._controllers = {number: free_port() for number in self._ports}
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._java, self._jars = find_java(), class_path()

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    @property
    def running(self) -> bool:
        return len(self._running) == BROKERS and all(it.poll() is None for it in self._running.values())

    def start(self, timeout_s: float = 180.0) -> None:
        """Start those that do not run, and wait until each has answered and holds all that it should."""
        self._format()
        for number in self._ports:
            if number not in self._running or self._running[number].poll() is not None:
                command = broker_command(self._java, self._jars, self._config(number), HEAP_MB)
                self._running[number] = spawn(command, self._log(number))
        asyncio.run(self._until_whole(timeout_s))

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            stop(process, 20)
        self._running.clear()

    def kill(self, number: int) -> None:
        """By kill -9, until `start`."""
        self._running[number].kill()
        self._running[number].wait()

    def _format(self) -> None:
        """Write each one's settings, and give its storage the cluster's id (once)."""
        tools = []
        for number in self._ports:
            if not (self._directory / str(number) / "meta.properties").exists():
                self._write_config(number)
                tool = [self._java, "-cp", self._jars, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
                tool += ["--cluster-id", CLUSTER_ID, "--config", str(self._config(number))]
                tools.append(spawn(tool, self._log(number)))
        codes = [tool.wait() for tool in tools]
        if any(codes):
            raise EmbeddedError(f"Kafka's storage could not be formatted: {tail(self._log(1))}")

    def _write_config(self, number: int) -> None:
        data = self._directory / str(number)
        data.mkdir(parents=True)
        own = properties(data, port=self._ports[number], controller_port=self._controllers[number])
        voters = ",".join(f"{it}@127.0.0.1:{port}" for it, port in self._controllers.items())
        settings = own | {
            "node.id": str(number),
            "controller.quorum.voters": voters,
            "default.replication.factor": str(BROKERS),
            "offsets.topic.replication.factor": str(BROKERS),
            "broker.session.timeout.ms": "6000",
            "transaction.state.log.replication.factor": str(BROKERS),
            "transaction.state.log.min.isr": str(BROKERS - 1),
        }
        self._config(number).write_text("".join(f"{name}={value}\n" for name, value in settings.items()), "utf-8")

    def _config(self, number: int) -> Path:
        return self._directory / f"broker-{number}.properties"

    def _log(self, number: int) -> Path:
        return self._directory.parent / "logs" / f"kafka-{number}.log"

    async def _until_whole(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while not (
            all([await answers(f"127.0.0.1:{port}") for port in self._ports.values()]) and await self._in_sync()
        ):
            if not self.running or loop.time() > end:
                logs = "\n".join(tail(self._log(number)) for number in self._ports)
                raise EmbeddedError(f"the brokers are not whole after {timeout_s:.0f} s at most:\n{logs}")
            await asyncio.sleep(0.2)

    async def _in_sync(self) -> bool:
        """Whether every partition has all its replicas."""
        async with _Admin(self.bootstrap) as admin:
            described = await admin.describe_topics()
        return all(len(it["isr"]) == len(it["replicas"]) for topic in described for it in topic["partitions"])


class _Admin:
    """An admin client for the time of a block."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def __aenter__(self) -> AIOKafkaAdminClient:
        self._client = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await self._client.start()
        return self._client

    async def __aexit__(self, *failure: object) -> None:
        await self._client.close()


async def leaders(bootstrap: str, topic: str) -> dict[int, int]:
    """partition -> the broker that leads it now."""
    async with _Admin(bootstrap) as admin:
        [described] = await admin.describe_topics([topic])
    return {it["partition"]: it["leader"] for it in described["partitions"]}


async def least_in_sync(bootstrap: str, topic: str) -> int:
    """How many brokers must have a record of a topic before it is acknowledged."""
    async with _Admin(bootstrap) as admin:
        found = await Cluster(admin, BROKERS).configs([topic])
    return int(found[topic]["min.insync.replicas"][0])


async def coordinator(bootstrap: str, group: str) -> int:
    """The broker that coordinates a consumer group now."""
    async with _Admin(bootstrap) as admin:
        return int(await admin.find_coordinator(group))
