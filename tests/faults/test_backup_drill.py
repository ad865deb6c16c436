"""The drill: the database is lost while calls go on, and comes back from a backup, with nothing missing."""

import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from real.scenario import World, world


def hotline(its: World, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *args]
    return subprocess.run(command, check=False, env=its.fleet.environment, capture_output=True, text=True, timeout=120)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_database_that_is_lost_comes_back_from_its_backup(tmp_path: Path) -> None:
    rng, compared = random.Random(1), Counter[str]()
    with world(tmp_path) as its:
        fleet = its.fleet
        fleet.want(streams=1, sinks=1)
        its.send(its.told(rng, "before"))
        assert its.settle(compared) == []
        backup = tmp_path / "backup"
        assert hotline(its, "backup", str(backup)).returncode == 0
        its.send(its.told(rng, "after"))
        assert its.settle(compared) == []

        fleet.end_database(hard=True)
        shutil.rmtree(fleet.database.data_dir)
        fleet.start_database()
        lost = time.monotonic()
        its.send(its.told(rng, "meanwhile"))
        refused = hotline(its, "restore", str(backup))
        assert refused.returncode == 1
        assert "stop `hotline sinks`, then restore" in refused.stderr

        fleet.want(sinks=0)
        fleet.until(lambda: not fleet.running["sinks"])
        restored = hotline(its, "restore", str(backup))
        assert restored.returncode == 0, restored.stderr
        assert restored.stderr == ""  # nothing is lost
        assert re.search(r"restored in [\d.]+ s; start `hotline sinks`", restored.stdout)
        fleet.want(sinks=1)
        assert its.settle(compared) == [], fleet.last_words()
        print(f"whole again after {time.monotonic() - lost:.0f} s: {compared['visits']} visits compared")
