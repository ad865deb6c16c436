"""A whole Hotline as a user starts it: `hotline up --detach`, in a directory of its own.

It ends with the process that started it, also when that is killed.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from afterwards import afterwards

HOTLINE = Path(sys.executable).parent / "hotline"


class Installation:
    """One running Hotline, used by its command line; SQL goes to its ClickHouse at once, for it is asked often."""

    def __init__(self, directory: Path, settings: str = "", **environment: str) -> None:
        self.directory = directory
        (directory / "hotline.yaml").write_text(settings or "data_dir: data\n", encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        self.environment = kept | {
            "HOTLINE_DATA_DIR": str(directory / "data"),
            "HOTLINE_PSEUDONYM__KEY": "only-for-these-tests-0123456789",
        }
        self.environment |= environment
        self._stopped_afterwards = ExitStack()

    def run(self, *arguments: str, timeout: float = 240, check: bool = True) -> str:
        done = subprocess.run(
            [HOTLINE, *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"hotline {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self, *arguments: str) -> None:
        down = afterwards([HOTLINE, "down"], self.directory, self.environment)
        self._stopped_afterwards.enter_context(down)
        self.run("up", "--detach", "--ports", "auto", *arguments)

    def stop(self) -> None:
        self.run("down")
        self._stopped_afterwards.close()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments))

    def status(self) -> dict[str, Any]:
        return self.json("status", "--json")

    def sql(self, query: str) -> list[dict[str, Any]]:
        url = self._running()["endpoints"]["clickhouse"]
        answer = urllib.request.Request(f"{url}/?database=hotline&default_format=JSONEachRow", query.encode())
        with urllib.request.urlopen(answer, timeout=120) as rows:
            return [json.loads(row) for row in rows]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self._running()["endpoints"]["web"].rstrip("/") + path, timeout=120) as answer:
            return json.load(answer)

    def pid(self, name: str) -> int:
        return next(process["pid"] for process in self._running()["processes"] if process["name"] == name)

    def _running(self) -> dict[str, Any]:
        """Where `hotline up` says that everything is."""
        return json.loads((self.directory / "data" / "run.json").read_bytes())


def eventually(probe: Callable[[], Any], *, within: float = 120) -> Any:
    """The first true answer of `probe`; fails with the last one after `within` seconds."""
    end = time.monotonic() + within
    while not (answer := probe()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s; last: {answer!r}")
        time.sleep(0.5)  # a probe may be a process of its own: asking more often would be the load
    return answer
