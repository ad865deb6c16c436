"""Becomes the broker: fetches it, formats its storage once, then replaces itself by Java.

    python -m deploy.embedded.kafka_launcher --data-dir DIR [--port 9092] [--heap-mb 384]

One process id from start to end, so that whoever supervises it sees the broker itself.
"""

import os
import subprocess
import sys
from pathlib import Path

import click

from deploy.embedded.child import EmbeddedError, free_port
from deploy.embedded.jars import class_path
from deploy.embedded.java import find_java

_LONGEST = str(2**63 - 1)
_LOG_OPTIONS = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss",
)


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
        # By an empty record twice a second followers of a controller would see that they keep up: this one has none.
        "metadata.max.idle.interval.ms": "5000",
    }


def write_properties(data_dir: Path, port: int) -> Path:
    """Write the broker's settings beside its data; the controller's port is any free one."""
    data_dir.mkdir(parents=True, exist_ok=True)
    config = data_dir.parent / "kafka.properties"
    settings = properties(data_dir, port=port, controller_port=free_port())
    config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
    return config


def format_storage(java: str, jars: str, config: Path, data_dir: Path) -> None:
    """Give the storage its cluster id; nothing if it has one. Raises EmbeddedError."""
    if (data_dir / "meta.properties").exists():
        return
    tool = [java, *_LOG_OPTIONS, "-cp", jars, "kafka.tools.StorageTool"]
    try:
        new_id = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=True)  # noqa: S603
        subprocess.run(  # noqa: S603
            [*tool, "format", "--cluster-id", new_id.stdout.strip(), "--config", str(config), "--ignore-formatted"],
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise EmbeddedError(f"Kafka's storage could not be formatted: {error.stderr or error.stdout}") from error


def broker_command(java: str, jars: str, config: Path, heap_mb: int) -> list[str]:
    """The broker's command line."""
    memory = ["-Xms64m", f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData"]
    return [java, *memory, "-Djava.awt.headless=true", *_LOG_OPTIONS, "-cp", jars, "kafka.Kafka", str(config)]


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), required=True)
@click.option("--port", default=9092, show_default=True)
@click.option("--heap-mb", default=384, show_default=True)
def main(data_dir: Path, port: int, heap_mb: int) -> None:
    """Prepare the broker, then become it."""
    data_dir = data_dir.resolve()
    try:
        java = find_java()
        jars = class_path()
        config = write_properties(data_dir, port)
        format_storage(java, jars, config, data_dir)
    except EmbeddedError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    command = broker_command(java, jars, config, heap_mb)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
