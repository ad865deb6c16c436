"""The engines of job A: how each is started, and what it does not do that ours does."""

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


def _kafka_streams(place: Place) -> list[str]:
    try:
        java, jars = find_java(), class_path(STREAMS_JARS)
    except EmbeddedError as error:
        raise UnavailableError(str(error)) from error
    # `--source 17`: javac's own launcher compiles the one file in memory.
    options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", jars, "--source", "17"]
    return [java, *options, str(ENGINES / "KafkaStreamsJob.java"), *place.arguments, str(place.work / "state")]


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
    Engine("Pathway", "peer", "long", _peer("pathway_table.py"), "no checkpoints (persistence is off by default)"),
    Engine("Bytewax", "peer", "short", _peer("bytewax_flow.py"), "no checkpoints (recovery is off by default)"),
    Engine("Quix Streams", "peer", "short", _peer("quix.py"), "a window is told only when it is over"),
    Engine("stock Faust", "peer", "short", _here("faust_stock.py"), "nothing is kept over a restart (no table)"),
    Engine(DRAIN, "limit", "long", _here("aiokafka_drain.py"), "it reads, and nothing else"),
    Engine("confluent-kafka drain", "limit", "long", _peer("confluent_drain.py"), "it reads, and nothing else"),
    Engine("JSON decode alone", "limit", "long", _here("json_alone.py"), "it decodes what is in memory already"),
)
