"""What is done when a process is gone, however it went: a killed pytest tears nothing down."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# A session of its own: a Ctrl-C at the terminal is for the tests, and they stop in order.
_WAIT = "import subprocess, sys; sys.stdin.read(); sys.exit(subprocess.run(sys.argv[1:]).returncode)"


@contextmanager
def afterwards(command: Sequence[str | Path], directory: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """`command` is run when the block ends or this process does; what it says of itself is nobody's."""
    waiting = [sys.executable, "-I", "-S", "-c", _WAIT, *map(str, command)]
    with subprocess.Popen(
        waiting,
        cwd=directory,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ):
        yield
