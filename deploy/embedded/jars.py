"""The broker's jars: fetched once from Maven Central, then found by a note in the user's cache."""

import os
from pathlib import Path

from deploy.embedded.child import EmbeddedError

KAFKA = "4.1.2"
# slf4j-simple: without a binding the broker would say nothing at all when it fails.
_COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA}+org.slf4j:slf4j-simple:1.7.36"


def _note() -> Path:
    """Where the list of jars is written down, so that a second start need not resolve them again."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "hotline" / f"kafka-{KAFKA}.jars"


def _noted() -> list[str]:
    """The jars of an earlier start, if every one of them is still there."""
    try:
        jars = _note().read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return jars if jars and all(Path(jar).is_file() for jar in jars) else []


def fetched() -> bool:
    """Whether the jars are on this machine."""
    return bool(_noted())


def class_path() -> str:
    """The jars as Java wants them; the first call on a machine downloads about 45 MB.

    jgo keeps them in its own cache (`~/.cache/jgo`, `~/.m2`). Raises EmbeddedError when they cannot be had.
    """
    jars = _noted() or _fetch()
    return os.pathsep.join(jars)


def _fetch() -> list[str]:
    try:
        import jgo  # noqa: PLC0415  (an extra, and slow to load)
        from requests import RequestException  # noqa: PLC0415  (comes with jgo)
    except ImportError:
        raise EmbeddedError(
            "the embedded Kafka needs the extra `hotline-monitor[embedded]`; or set HOTLINE_KAFKA__BOOTSTRAP"
        ) from None
    try:
        jars = [str(jar) for jar in jgo.build(_COORDINATES).all_jars]
    except (RequestException, OSError, RuntimeError, ValueError) as error:
        raise EmbeddedError(
            f"Kafka {KAFKA} could not be fetched from Maven Central: {error}. Check the network or the proxy "
            "(HTTPS_PROXY), or set HOTLINE_KAFKA__BOOTSTRAP to a Kafka elsewhere"
        ) from error
    note = _note()
    note.parent.mkdir(parents=True, exist_ok=True)
    partial = note.with_suffix(f".{os.getpid()}")
    partial.write_text("\n".join(jars), encoding="utf-8")
    partial.replace(note)
    return jars
