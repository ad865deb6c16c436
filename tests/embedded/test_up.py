"""`hotline up` as a person uses it: one command, everything real, and nothing left over."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
from afterwards import afterwards

from streams.contract.topics import CALLS, TOPICS

pytestmark = [
    pytest.mark.system,
    pytest.mark.faults,
    pytest.mark.kafka,
    pytest.mark.clickhouse,
    pytest.mark.timeout(600),
]


class Hotline:
    """The command line with a data directory and a key of its own."""

    def __init__(self, data_dir):
        self.data_dir = data_dir
        self.stopped_afterwards = ExitStack()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        self.env = clean | {
            "HOTLINE_DATA_DIR": str(data_dir),
            "HOTLINE_PSEUDONYM__KEY": "a key for this test only, 32+",
        }

    def __call__(self, *arguments, code=0):
        ran = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments], env=self.env, capture_output=True, text=True, check=False
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def up(self, *arguments):
        """Start it; it is stopped when the tests end, also when they are killed."""
        down = afterwards([sys.executable, "-m", "deploy.cli", "down"], Path.cwd(), self.env)
        self.stopped_afterwards.enter_context(down)
        return self("up", "--detach", "--ports", "auto", *arguments)

    def down(self):
        said = self("down")
        self.stopped_afterwards.close()
        return said

    def status(self):
        return json.loads(self("status", "--json"))

    def pids(self):
        return {process["name"]: process["pid"] for process in self.status()["processes"]}


@pytest.fixture(scope="module")
def hotline(tmp_path_factory):
    hotline = Hotline(tmp_path_factory.mktemp("up") / "data")
    hotline.said = hotline.up("--streams", "2")
    yield hotline
    hotline.down()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_says_where_things_are_and_is_ready_then(hotline):
    run = json.loads((hotline.data_dir / "run.json").read_text())
    assert run["ready"]
    for address in run["endpoints"].values():
        assert address in hotline.said
    assert "hotline down" in hotline.said
    status = hotline.status()
    assert {process["name"] for process in status["processes"]} == {
        "kafka", "clickhouse", "streams", "streams-2", "sinks", "alerts", "web",
    }  # fmt: skip
    assert {process["state"] for process in status["processes"]} == {"running"}
    assert status["endpoints"] == run["endpoints"]
    assert isinstance(status["rows_written"], int)
    assert hotline("check").count("ok ") == 11


def test_two_streams_share_the_partitions(hotline):
    health = json.loads((hotline.data_dir / "run.json").read_text())["health"]
    wanted = {(topic.name, number) for topic in TOPICS if topic.name == CALLS for number in range(topic.partitions)}

    def owned(name):
        with urllib.request.urlopen(f"{health[name]}/healthz", timeout=10) as answer:
            return {(it["topic"], it["partition"]) for it in json.load(answer)["partitions"] if it["topic"] == CALLS}

    first, second = owned("streams"), owned("streams-2")
    assert first
    assert second
    assert sorted(first | second) == sorted(wanted)
    assert not first & second


def test_a_second_one_in_the_same_directory_is_refused(hotline):
    said = hotline("up", "--detach", "--ports", "auto", code=1)
    assert "already runs" in said
    assert "hotline down" in said


def test_a_process_that_is_killed_comes_back_and_that_is_said(hotline):
    before = hotline.pids()["alerts"]
    os.kill(before, signal.SIGKILL)
    end = time.monotonic() + 60
    while True:
        again = next(p for p in hotline.status()["processes"] if p["name"] == "alerts")
        if again["restarts"] == 1 and again["state"] == "running":
            break
        assert time.monotonic() < end, again
    assert again["pid"] != before
    assert "alerts was ended by SIGKILL; starting it again" in (hotline.data_dir / "logs" / "up.log").read_text()


def test_down_leaves_nothing_running_and_a_second_start_finds_the_data(tmp_path):
    hotline = Hotline(tmp_path / "data")
    assert "no Hotline is running" in hotline("down")
    assert "no Hotline is running" in hotline("status", code=2)
    hotline.up()
    try:
        pids = hotline.pids()
        cluster = (hotline.data_dir / "kafka" / "meta.properties").read_text()
    finally:
        assert "stopped" in hotline.down()
    assert [name for name, pid in pids.items() if alive(pid)] == []
    assert not (hotline.data_dir / "run.json").exists()
    said = hotline.up()
    try:
        assert "topics: as they should be" in said
        assert "schema: up to date" in said
        assert (hotline.data_dir / "kafka" / "meta.properties").read_text() == cluster
        supervisor = json.loads((hotline.data_dir / "run.json").read_text())["pid"]
        pids = hotline.pids()
        os.kill(supervisor, signal.SIGKILL)
        end = time.monotonic() + 60
        while left := [name for name, pid in pids.items() if alive(pid)]:
            assert time.monotonic() < end, left
    finally:
        hotline.down()


def test_without_a_key_nothing_starts(tmp_path):
    hotline = Hotline(tmp_path / "data")
    hotline.env["HOTLINE_PSEUDONYM__KEY"] = "changeme"
    assert "HOTLINE_PSEUDONYM__KEY" in hotline("up", "--detach", "--ports", "auto", code=2)
    assert not (tmp_path / "data" / "run.json").exists()
