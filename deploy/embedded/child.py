"""Child processes that never outlive the process that started them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from deploy.embedded import tied as tied_program


class EmbeddedError(RuntimeError):
    """An embedded part cannot be prepared or started; the text says what to do."""


# A session of its own keeps the terminal's Ctrl-C away, so that whoever started the child stops it in order.
POPEN_OPTIONS: dict[str, Any] = {"stdin": subprocess.DEVNULL, "start_new_session": True}


def tied(command: Sequence[str], orphan_signal: signal.Signals = signal.SIGTERM) -> list[str]:
    """`command` (its program as an absolute path) so that it gets a signal when this process ends, however it ends."""
    program = [sys.executable, "-I", "-S", tied_program.__file__]
    return [*program, str(os.getpid()), str(int(orphan_signal)), *command]


def open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message; empty if there is none."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 8192))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def spawn(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Start `command` with stdout and stderr appended to `log`."""
    with open_log(log) as out:
        return subprocess.Popen(  # noqa: S603  (our own command lines)
            tied(command), stdout=out, stderr=subprocess.STDOUT, env=env, **POPEN_OPTIONS
        )


def stop(process: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    """Ask to end, wait, and end by force what did not end in time."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
    if process.poll() is None:
        process.kill()
        process.wait()


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
