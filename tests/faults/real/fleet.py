"""Real processes to be hurt: a broker, a database, workers of `streams` and `sinks`, each restarted as a supervisor would."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from deploy.embedded.child import free_port, spawn, tail
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from real.brokers import KafkaCluster

SESSION_S = 6.0
STOPPED_S = SESSION_S + 3
"""How long a worker sleeps that is to be given up by its group."""
RESTART_S = 1.0
ASKED_TO_END = (0, -signal.SIGTERM, -signal.SIGKILL)

HEALTHY_S = 180.0


class Fleet:
    """Everything that runs, in a directory of its own. `environment`: of each process."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], broker: KafkaBroker | KafkaCluster | None = None
    ) -> None:
        self.directory = directory
        self.broker = broker or KafkaBroker(directory / "kafka", port=free_port())
        self.database = ClickHouseServer(directory / "clickhouse", port=free_port())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        self.environment = kept | {
            "HOTLINE_KAFKA__BOOTSTRAP": self.broker.bootstrap,
            "HOTLINE_KAFKA__SESSION_TIMEOUT_MS": str(int(SESSION_S * 1000)),
            "HOTLINE_CLICKHOUSE__URL": self.database.url,
            **environment,
        }
        self.running: dict[str, list[subprocess.Popen[bytes]]] = {"streams": [], "sinks": []}
        self.wanted = {"streams": 0, "sinks": 0}
        self._asleep: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._ended_at: dict[str, float] = {}
        self._started = 0
        self.ended_by_themselves = 0
        self.database_is_there = False

    def __enter__(self) -> Self:
        self.broker.start(120)
        self.start_database()
        return self

    def __exit__(self, *failure: object) -> None:
        for processes in self.running.values():
            for process in processes:
                process.kill()
                process.wait()
        self.database.stop()
        self.broker.stop()

    def tend(self) -> None:
        """Replace what has ended, a second later; wake who has slept long enough."""
        now = time.monotonic()
        for pid, (process, due) in list(self._asleep.items()):
            if now >= due:
                process.send_signal(signal.SIGCONT)
                del self._asleep[pid]
        for name, processes in self.running.items():
            for process in [process for process in processes if process.poll() is not None]:
                processes.remove(process)
                self.ended_by_themselves += process.returncode not in ASKED_TO_END
                self._asleep.pop(process.pid, None)
                self._ended_at[name] = now
            while len(processes) < self.wanted[name] and now >= self._ended_at.get(name, 0.0) + RESTART_S:
                processes.append(self._start(name))

    def want(self, **wanted: int) -> None:
        """So many workers of each kind from now on: those that are too many leave politely, others are started."""
        self.wanted |= wanted
        for name, number in wanted.items():
            for process in self.running[name][number:]:
                process.terminate()
        self.tend()

    def pass_time(self, seconds: float) -> None:
        """Let them run for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(left, 0.1))

    def until(self, holds: Callable[[], bool]) -> None:
        """Let them run until something holds."""
        end = time.monotonic() + HEALTHY_S
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"that did not come about in {HEALTHY_S:.0f} s\n{self.last_words()}")
            self.pass_time(0.2)

    @property
    def awake(self) -> list[subprocess.Popen[bytes]]:
        """Workers of `streams` that run and do not sleep."""
        return [it for it in self.running["streams"] if it.pid not in self._asleep and it.poll() is None]

    def suspend(self, process: subprocess.Popen[bytes]) -> None:
        """SIGSTOP, until its group has given it up and a little longer."""
        process.send_signal(signal.SIGSTOP)
        self._asleep[process.pid] = process, time.monotonic() + STOPPED_S

    def restart_broker(self, *, hard: bool) -> None:
        """The broker (the only one) ends, by kill -9 or politely, and comes back as soon as it can."""
        assert isinstance(self.broker, KafkaBroker)
        _end(self.broker, hard=hard)
        self.tend()
        self.broker.start(120)

    def start_database(self) -> None:
        self.database.start()
        self.database_is_there = True

    def end_database(self, *, hard: bool) -> None:
        """The database ends, by kill -9 or politely, until `heal` or `start_database`."""
        _end(self.database, hard=hard)
        self.database_is_there = False

    def heal(self) -> None:
        """Everybody is awake and there."""
        if not self.broker.running:
            self.broker.start(120)
        if not self.database_is_there:
            self.start_database()
        self.until(
            lambda: not self._asleep and all(len(its) == self.wanted[name] for name, its in self.running.items())
        )

    def last_words(self) -> str:
        """The end of each log."""
        return "\n".join(f"{path.name}:\n{tail(path)}" for path in sorted((self.directory / "logs").glob("*.log")))

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        self._started += 1
        log = self.directory / "logs" / f"{name}-{self._started}.log"
        return spawn([sys.executable, "-m", "deploy.cli", name], log, self.environment)


def _end(server: KafkaBroker | ClickHouseServer, *, hard: bool) -> None:
    """Stop it politely, or by kill -9."""
    if hard and server._process:
        server._process.kill()
        server._process.wait()
    server.stop()
