"""Where a running Hotline is, and who holds its data directory."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from deploy.cli.check import pseudonym
from deploy.cli.up import where_it_is
from deploy.runtime import run_file
from deploy.runtime.run_file import DataDirLock, Endpoints, ProcessState, RunFile, resolve
from deploy.runtime.settings import ClickHouse, Kafka, Settings, SettingsError


def describe(pid=None, **endpoints):
    told = {"kafka": "127.0.0.1:1", "clickhouse": "http://127.0.0.1:2", "web": "http://127.0.0.1:3"} | endpoints
    return RunFile(
        pid=pid or os.getpid(),
        version="0",
        endpoints=Endpoints(**told),
        health={"streams": "http://127.0.0.1:4"},
        processes=[ProcessState("streams", 5, "running", 0)],
    )


@pytest.fixture
def ours(tmp_path):
    """A directory that this process holds, with a run.json in it."""
    with DataDirLock(tmp_path) as lock:
        assert lock.acquire()
        run_file.write(tmp_path, describe())
        yield tmp_path


def test_what_was_written_is_read(ours):
    assert run_file.read(ours) == describe()
    assert run_file.running(ours) == describe()
    assert run_file.owner(ours) == os.getpid()
    assert [p.name for p in ours.iterdir() if p.suffix == ".new"] == []


@pytest.mark.parametrize(
    ("data_dir", "next_step"),
    [
        (".hotline", "In another terminal, in this folder:  export PATH={folder}/bin:$PATH\n"),
        ("{folder}/.hotline", "In another terminal, in this folder:  export PATH={folder}/bin:$PATH\n"),
        ("/srv/hot line", "In another terminal:  export PATH={folder}/bin:$PATH HOTLINE_DATA_DIR='/srv/hot line'\n"),
        ("beside", "In another terminal:  export PATH={folder}/bin:$PATH HOTLINE_DATA_DIR={folder}/beside\n"),
    ],
)
def test_it_says_where_the_next_commands_find_it(tmp_path, monkeypatch, data_dir, next_step):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "hotline"), "up"])
    said = where_it_is(describe(), Path(data_dir.format(folder=tmp_path)), 3.2, "Ctrl-C")
    assert next_step.format(folder=tmp_path) in said


def test_a_file_without_its_process_is_no_running_hotline(tmp_path):
    run_file.write(tmp_path, describe())
    assert run_file.running(tmp_path) is None
    with DataDirLock(tmp_path) as lock:
        assert lock.acquire()
        run_file.write(tmp_path, describe(pid=1))
        assert run_file.running(tmp_path) is None
    assert run_file.owner(tmp_path) is None


def _hold(data_dir, ready, end):
    lock = DataDirLock(data_dir)
    assert lock.acquire()
    ready.set()
    end.wait(60)


def test_one_process_at_a_time_holds_a_directory_and_a_killed_one_lets_go(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, ready, end))
    other.start()
    assert ready.wait(60)
    lock = DataDirLock(tmp_path)
    assert not lock.acquire()
    assert run_file.owner(tmp_path) == other.pid
    other.kill()
    other.join()
    assert lock.acquire()
    lock.release()


def test_addresses_come_from_the_running_hotline_where_none_is_set(ours):
    found = resolve(Settings(data_dir=ours))
    assert found.kafka.bootstrap == "127.0.0.1:1"
    assert found.clickhouse.url == "http://127.0.0.1:2"
    assert (found.web.host, found.web.port, found.web.external_url) == ("127.0.0.1", 3, "http://127.0.0.1:3")


def test_settings_win_over_the_running_hotline(ours):
    found = resolve(Settings(data_dir=ours, kafka=Kafka(bootstrap="elsewhere:9092")))
    assert found.kafka.bootstrap == "elsewhere:9092"
    assert found.clickhouse.url == "http://127.0.0.1:2"


def test_without_a_running_hotline_only_what_is_needed_is_asked_for(tmp_path):
    with pytest.raises(SettingsError) as refused:
        resolve(Settings(data_dir=tmp_path))
    wanted = "HOTLINE_KAFKA__BOOTSTRAP and HOTLINE_CLICKHOUSE__URL"
    todo = f"go to the folder where one was started, start `hotline up` or set {wanted}"
    assert str(refused.value) == f"no Hotline is running in {tmp_path.resolve()}: {todo}"
    only_rows = Settings(data_dir=tmp_path, clickhouse=ClickHouse(url="http://there:8123"))
    assert resolve(only_rows, need=["clickhouse"]) == only_rows
    with pytest.raises(SettingsError, match=r"set HOTLINE_KAFKA__BOOTSTRAP$"):
        resolve(only_rows)


def test_a_file_that_is_no_run_file_is_said_so(tmp_path):
    run_file.path(tmp_path).write_text("{")
    with pytest.raises(SettingsError, match="remove it"):
        run_file.read(tmp_path)


def test_the_demos_key_is_as_it_should_be_for_the_demo_that_runs_here_and_for_nothing_else(ours):
    here = resolve(Settings(data_dir=ours))
    assert not pseudonym(here).ok
    run_file.write(ours, msgspec.structs.replace(describe(), demo=True))
    assert pseudonym(here).ok
    assert not pseudonym(Settings(data_dir=ours, kafka=Kafka(bootstrap="kafka-1:9092"))).ok


@pytest.fixture
def ask(ours, tmp_path, monkeypatch):
    """Ask the command line, in a folder without settings, what it knows of hotline 12345 beside the Hotline of `ours`."""
    settings = tmp_path / "elsewhere" / "city.yaml"
    settings.parent.mkdir()
    settings.write_text('hotlines: {"12345": {time_zone: Asia/Shanghai}}\n')
    run_file.write(ours, msgspec.structs.replace(describe(), config=str(settings)))
    folder = tmp_path / "folder"
    folder.mkdir()
    event = {"type": "queued", "time": 1_795_312_800_000, "call": "c", "hotline": "12345", "source": "pbx"}
    (folder / "events.jsonl").write_text(json.dumps(event))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}

    def asked(**environment):
        ran = subprocess.run(
            [sys.executable, "-m", "deploy.cli", "feed", "test", "events.jsonl"],
            cwd=folder, env=clean | {"HOTLINE_DATA_DIR": str(ours)} | environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return "Asia/Shanghai" if "(Asia/Shanghai)" in ran.stdout else ran.stdout

    asked.folder, asked.settings = folder, settings
    return asked


def test_a_command_beside_a_running_hotline_knows_its_hotlines(ask):
    assert ask() == "Asia/Shanghai"


def test_settings_of_its_own_win_over_those_of_the_hotline_that_runs_here(ask, tmp_path):
    own = ask.folder / "hotline.yaml"
    own.write_text("demo: false\n")
    assert "'12345' is not in hotline.yaml" in ask()
    own.rename(tmp_path / "named.yaml")
    assert "'12345' is not in hotline.yaml" in ask(HOTLINE_CONFIG=str(tmp_path / "named.yaml"))


def test_a_hotline_that_has_ended_lends_no_settings(ask, ours):
    run_file.write(ours, msgspec.structs.replace(describe(pid=1), config=str(ask.settings)))
    assert "'12345' is not in hotline.yaml" in ask()
