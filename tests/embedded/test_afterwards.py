"""What tests start in the background ends with them, also when they are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from installation import eventually

BESIDE = """
import os, sys
from pathlib import Path
from afterwards import afterwards

with afterwards([sys.executable, "-c", "open('done', 'w')"], Path(sys.argv[1]), os.environ):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_it_is_done_when_the_process_ends_and_when_it_is_killed(tmp_path: Path, killed: bool) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", BESIDE, str(tmp_path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert not (tmp_path / "done").exists()
        if killed:
            process.send_signal(signal.SIGKILL)
    assert process.returncode == (-signal.SIGKILL if killed else 0)
    eventually((tmp_path / "done").exists, within=30)
