"""Child processes that never outlive the process that started them."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

_PR_SET_PDEATHSIG = 1


class EmbeddedError(RuntimeError):
    """An embedded part cannot be prepared or started; the text says what to do."""


def _die_with_parent() -> None:
    """In the child, before exec: ask the kernel for SIGTERM when the parent is gone (Linux)."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def popen_options() -> dict[str, Any]:
    """Options for `subprocess.Popen` and asyncio's twin.

    A session of its own keeps the terminal's Ctrl-C away from the child, so that whoever started it
    stops it in order.
    """
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "start_new_session": True}
    if sys.platform == "linux":
        options["preexec_fn"] = _die_with_parent
    return options


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
            list(command), stdout=out, stderr=subprocess.STDOUT, env=env, **popen_options()
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
