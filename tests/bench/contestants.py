"""The engines of job A: how each is started, and what it does not do that ours does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from deploy.embedded.child import EmbeddedError
from deploy.embedded.jars import Jars, class_path
from deploy.embedded.java import find_java

HERE = Path(__file__).parent
ENGINES = HERE / "engines"
STREAMS_JARS = Jars(
    "kafka-streams-4.1.2",
    "org.apache.kafka:kafka-streams:4.1.2+com.fasterxml.jackson.core:jackson-databind:2.19.2"
    "+org.slf4j:slf4j-simple:1.7.36",
)
FLINK_JARS = Jars(
    "flink-2.1.0",
    "org.apache.flink:flink-clients:2.1.0+org.apache.flink:flink-connector-base:2.1.0"
    "+org.apache.flink:flink-connector-kafka:5.0.0-2.1+com.fasterxml.jackson.core:jackson-databind:2.18.2"
    "+org.slf4j:slf4j-simple:1.7.36",
)


class UnavailableError(Exception):
    """An engine cannot be run here; the text says why."""


class Place(NamedTuple):
    """Where a run happens: `home` is a directory of the bench, `work` one of this run."""

    bootstrap: str
    topic: str
    events: int
    out: Path
    home: Path
    work: Path
    state_topic: str

    @property
    def arguments(self) -> list[str]:
        return [self.bootstrap, self.topic, str(self.events), str(self.out)]


Command = Callable[[Place], list[str]]


class Engine(NamedTuple):
    """`lacks`: what it does not do that ours does in this run."""

    name: str
    kind: Literal["ours", "peer", "limit"]
    load: Literal["long", "short"]
    command: Command
    lacks: str = ""


def _ours(place: Place) -> list[str]:
    return [sys.executable, str(ENGINES / "hotline_worker.py"), *place.arguments, place.state_topic]


def _here(program: str) -> Command:
    return lambda place: [sys.executable, str(ENGINES / program), *place.arguments]


def _peer(program: str) -> Command:
    return lambda place: [str(peers(place.home)), str(ENGINES / program), *place.arguments]


def peers(home: Path) -> Path:
    """The Python of the other engines' environment, made on first use. Raises UnavailableError."""
    wanted = HERE / "requirements.txt"
    python = home / "peers" / "bin" / "python"
    mark = home / "peers" / "made-from.txt"
    if mark.exists() and mark.read_text() == wanted.read_text():
        return python
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise UnavailableError("uv is missing: make install")
    try:
        for step in (
            ["venv", "--clear", "--python", sys.executable, str(home / "peers")],
            ["pip", "install", "--python", str(python), "-r", str(wanted)],
        ):
            subprocess.run([uv, *step], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"its packages cannot be had: {error.stderr.strip()[-300:]}") from error
    mark.write_text(wanted.read_text())
    return python


def _java(jars: Jars) -> tuple[str, str]:
    """Java, and the class path."""
    try:
        return find_java(), class_path(jars)
    except EmbeddedError as error:
        raise UnavailableError(str(error)) from error


def _kafka_streams(place: Place) -> list[str]:
    java, jars = _java(STREAMS_JARS)
    # `--source 17`: javac's own launcher compiles the one file in memory.
    options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars, "--source", "17"]
    return [java, *options, str(ENGINES / "KafkaStreamsJob.java"), *place.arguments, str(place.work / "state")]


def _flink(place: Place) -> list[str]:
    java, jars = _java(FLINK_JARS)
    # Its tasks look for classes on the class path, where that launcher does not put them.
    compiler = [java, "-m", "jdk.compiler/com.sun.tools.javac.Main", "-cp", jars, "-d", str(place.work)]
    try:
        subprocess.run([*compiler, str(ENGINES / "FlinkJob.java")], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"it cannot be compiled: {error.stderr.strip()[-300:]}") from error
    opened = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "util", "time")]
    options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{place.work}{os.pathsep}{jars}", *opened]
    return [java, *options, "FlinkJob", *place.arguments, str(place.work / "checkpoints")]


OURS = "hotline"
DRAIN = "aiokafka drain"
ENGINES_OF_A = (
    Engine(OURS, "ours", "long", _ours),
    Engine(
        "Kafka Streams",
        "peer",
        "long",
        _kafka_streams,
        "nothing: its store is logged to Kafka too (its own default: at least once)",
    ),
    Engine("Flink", "peer", "long", _flink, "a window is told only when it is over"),
    Engine("Pathway", "peer", "long", _peer("pathway_table.py"), "no checkpoints (persistence is off by default)"),
    Engine("Bytewax", "peer", "short", _peer("bytewax_flow.py"), "no checkpoints (recovery is off by default)"),
    Engine("Quix Streams", "peer", "short", _peer("quix.py"), "a window is told only when it is over"),
    Engine("stock Faust", "peer", "short", _here("faust_stock.py"), "nothing is kept over a restart (no table)"),
    Engine(DRAIN, "limit", "long", _here("aiokafka_drain.py"), "it reads, and nothing else"),
    Engine("confluent-kafka drain", "limit", "long", _peer("confluent_drain.py"), "it reads, and nothing else"),
    Engine("JSON decode alone", "limit", "long", _here("json_alone.py"), "it decodes what is in memory already"),
)
