"""Jars, first of all the broker's: fetched once from Maven Central, then found by a note in the user's cache."""

import os
from pathlib import Path
from typing import NamedTuple

from deploy.embedded.child import EmbeddedError

KAFKA = "4.1.2"


class Jars(NamedTuple):
    """A program for Java: the name of its note, and its Maven coordinates joined by `+`."""

    name: str
    coordinates: str


# slf4j-simple: without a binding the broker would say nothing at all when it fails.
BROKER = Jars(f"kafka-{KAFKA}", f"org.apache.kafka:kafka_2.13:{KAFKA}+org.slf4j:slf4j-simple:1.7.36")


def _note(of: Jars) -> Path:
    """Where the list of jars is written down, so that a second start need not resolve them again."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "hotline" / f"{of.name}.jars"


def _noted(of: Jars) -> list[str]:
    """The jars of an earlier start, if every one of them is still there."""
    try:
        jars = _note(of).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return jars if jars and all(Path(jar).is_file() for jar in jars) else []


def fetched() -> bool:
    """Whether the broker's jars are on this machine."""
    return bool(_noted(BROKER))


def class_path(of: Jars = BROKER) -> str:
    """The jars as Java wants them; the first call on a machine downloads them (the broker's are about 45 MB).

    jgo keeps them in its own cache (`~/.cache/jgo`, `~/.m2`). Raises EmbeddedError when they cannot be had.
    """
    jars = _noted(of) or _fetch(of)
    return os.pathsep.join(jars)


def _fetch(of: Jars) -> list[str]:
    try:
        import jgo  # noqa: PLC0415  (an extra, and slow to load)
        from requests import RequestException  # noqa: PLC0415  (comes with jgo)
    except ImportError:
        raise EmbeddedError(
            "the embedded Kafka needs the extra `hotline-monitor[embedded]`; or set HOTLINE_KAFKA__BOOTSTRAP"
        ) from None
    try:
        jars = [str(jar) for jar in jgo.build(of.coordinates).all_jars]
    except (RequestException, OSError, RuntimeError, ValueError) as error:
        raise EmbeddedError(
            f"{of.name} could not be fetched from Maven Central: {error}. Check the network or the proxy "
            "(HTTPS_PROXY), or set HOTLINE_KAFKA__BOOTSTRAP to a Kafka elsewhere"
        ) from error
    note = _note(of)
    note.parent.mkdir(parents=True, exist_ok=True)
    partial = note.with_suffix(f".{os.getpid()}")
    partial.write_text("\n".join(jars), encoding="utf-8")
    partial.replace(note)
    return jars
