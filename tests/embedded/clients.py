"""The clients that people use, as programs: what each reads, as the text that all of them write alike.

Values are told apart by their text alone: `[a,b]` for arrays and tuples, `{k:v}` for maps, instants in UTC to the
millisecond (a midnight by its date).
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

HERE = Path(__file__).parent


def plain(value: Any) -> str | None:
    if type(value) in {str, int}:  # most of a million
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(str(plain(one)) for one in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{plain(key)}:{plain(one)}" for key, one in value.items())) + "}"
    return None if pd.isna(value) else of_one(value)


def of_one(value: Any) -> str:
    if isinstance(value, datetime):
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        midnight = (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
        return at.strftime("%Y-%m-%d") if midnight else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def digest(rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """How many rows there are, and SHA-256 of their text."""
    sha256 = hashlib.sha256()
    count = 0
    for row in rows:
        texts = (plain(value) for value in row)
        sha256.update(("\x1f".join(r"\N" if text is None else text for text in texts) + "\n").encode())
        count += 1
    return {"count": count, "digest": sha256.hexdigest()}


def of_json(value: Any, kind: str) -> Any:
    """What JSON gives as text, as what it is."""
    if value is None:
        return None
    if "DateTime64" in kind and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return int(value) if kind == "UInt128" else value


def jars(into: Path) -> str:
    """The class path of the official Java clients; skips where there is no Java or no Maven."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine: Debian's packages default-jdk-headless and maven")
    pom = HERE / "java_client/pom.xml"
    fetch = ["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    done = subprocess.run(fetch, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(HERE / "java_client/target", ignore_errors=True)
    return f"{into}{os.sep}*"


def go_driver(into: Path) -> Path:
    """The program that asks by the official Go driver; skips where there is no Go."""
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain on this machine")
    program = into / "go_driver"
    build = ["go", "build", "-o", program, "."]
    done = subprocess.run(build, cwd=HERE / "go_driver", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def curl() -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("no curl on this machine")
    return program
