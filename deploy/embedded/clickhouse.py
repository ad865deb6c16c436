"""The embedded ClickHouse server as a child process."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from deploy.embedded.child import EmbeddedError, spawn, stop, tail


class ClickHouseServer:
    """One server on a data directory: `command` is a process to run; `start`/`stop` do that here."""

    def __init__(self, data_dir: Path, *, port: int = 8123, database: str = "default", log: Path | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = port
        self.database = database
        self.log = log or self.data_dir.parent / "logs" / "clickhouse.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        module = [sys.executable, "-m", "deploy.embedded.clickhouse_server"]
        return [*module, "--path", str(self.data_dir), "--port", str(self.port), "--database", self.database]

    def prepare(self) -> None:
        """Raises EmbeddedError when the engine is not installed."""
        from importlib.util import find_spec  # noqa: PLC0415

        if find_spec("chdb") is None:
            raise EmbeddedError(
                "the embedded ClickHouse needs the extra `hotline-monitor[embedded]`; or set HOTLINE_CLICKHOUSE__URL"
            )
        self.data_dir.mkdir(parents=True, exist_ok=True)

    def start(self, timeout_s: float = 60.0) -> None:
        """Start and wait until it answers. Raises EmbeddedError with the log's tail."""
        self.prepare()
        self._process = process = spawn(self.command, self.log)
        end = time.monotonic() + timeout_s
        while not self.answers():
            if process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise EmbeddedError(f"ClickHouse did not start; the end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.1)

    def answers(self, timeout_s: float = 5.0) -> bool:
        """Whether it answers now, and not another server that has taken its port meanwhile."""
        query = quote("SELECT path FROM system.disks WHERE name = 'default'")
        try:
            with urllib.request.urlopen(f"{self.url}/?query={query}", timeout=timeout_s) as answer:  # noqa: S310
                return bool(answer.read().decode("utf-8", "replace").rstrip("/\n") == str(self.data_dir))
        except (OSError, urllib.error.URLError):
            return False

    def stop(self, timeout_s: float = 20.0) -> None:
        """Stop the server that `start` started; nothing if none runs."""
        if self._process is not None:
            stop(self._process, timeout_s)
            self._process = None
