"""`hotline alerts` as a real process on a real broker: killed, its chat service failing, Kafka restarted; who was told."""

import asyncio
import json
import random
import uuid
from contextlib import asynccontextmanager

import orjson
import pytest
import servers
import yaml
from aiohttp import web
from process_kit import running

from deploy.embedded.child import free_port
from deploy.embedded.kafka import KafkaBroker

PEOPLE = ("one", "two")
FAULTS = (
    "killed before it is told",
    "killed when it was taken and before we heard so",
    "killed the moment we heard so",
    "killed between two people",
    "429",
    "500",
    "200 no",
    "no answer",
    "both channels fail once",
    "away, and we were killed meanwhile",
)


class Chat:
    """A chat service with two people, reached by two channels each; `faults` are taken in turn, then it works."""

    def __init__(self):
        self.taken = []  # (person, queue, state)
        self.faults = []
        self.changed = asyncio.Event()
        self.on_taken = None

    def routes(self):
        return [web.post("/chat/{person}/{channel}", self.post)]

    async def post(self, request):
        text = orjson.loads(await request.read())["text"]
        fault = self.faults.pop(0) if self.faults else None
        if fault in {"429", "500"}:
            return web.Response(status=int(fault), headers={"Retry-After": "1"})
        if fault == "200 no":
            return web.Response(text="invalid_payload")
        if fault == "no answer":
            request.transport.abort()
            return web.Response()
        state = "firing" if text.startswith("[FIRING") else "resolved"
        self.taken.append((request.match_info["person"], text.split()[-1], state))
        self.changed.set()
        if self.on_taken:
            await self.on_taken(self.taken[-1])
        return web.Response(text="ok")

    def times(self, person, queue, state):
        return self.taken.count((person, queue, state))


def duty_file(path, base):
    def receiver(name):
        ways = [{"type": "slack", "url": f"{base}/chat/{name}/{channel}"} for channel in ("a", "b")]
        return {"name": name, "channels": ways}

    steps = [{"tell": ["one"], "next_after_s": 4}, {"tell": ["two"]}]
    route = {"group_by": ["queue"], "group_wait_s": 0, "group_interval_s": 1, "repeat_s": 0, "chain": steps}
    plan = {"receivers": [receiver(name) for name in PEOPLE], "routes": [route]}
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return path


@asynccontextmanager
async def office(bootstrap, directory):
    chat = Chat()
    async with servers.serving(*chat.routes()) as base:
        more = {
            "HOTLINE_PAGING": "hotline",
            "HOTLINE_ALERTS__DUTY": str(duty_file(directory / "duty.yaml", base)),
            "HOTLINE_ALERTS__WEBHOOKS": json.dumps([]),
            "HOTLINE_ALERTS__ALERTMANAGER__URL": "",
            "HOTLINE_KAFKA__GROUP_INSTANCE_ID": "one-" + uuid.uuid4().hex[:6],
        }
        async with running(bootstrap, directory, more) as (process, _, _):
            process.kill_soon = None
            yield process, chat


async def again(process):
    await process.kill()
    await process.start()


async def until(process, condition):
    async def holds():
        return condition()

    await process.until(holds, 90)


async def scenario(process, chat, number, fault):
    """One alert from firing to its end under one fault; how often who was told, and how many kills there were."""
    queue, kills, killing = f"{fault.split()[0]}{number}", 0, []

    def kill_at_the_first(*, answer):
        async def taken(_message):
            chat.on_taken = None
            if answer:  # the answer leaves first
                killing.append(asyncio.get_running_loop().create_task(asyncio.sleep(0.01)))
                killing[0].add_done_callback(lambda _: process.child.kill())
            else:
                process.child.kill()
                await process.child.wait()

        return taken

    match fault:
        case "killed before it is told":
            await process.signals(queue)
            await again(process)
            kills = 1
        case "killed when it was taken and before we heard so" | "killed the moment we heard so":
            chat.on_taken = kill_at_the_first(answer=fault.endswith("we heard so") and "before" not in fault)
            await process.signals(queue)
            await asyncio.wait_for(process.child.wait(), 60)
            kills = 1
            await process.start()
        case "killed between two people":
            await process.signals(queue)
            await until(process, lambda: chat.times("one", queue, "firing"))
            await again(process)
            kills = 1
        case "away, and we were killed meanwhile":
            chat.faults = ["500"] * 1_000
            await process.signals(queue)
            await until(process, lambda: len(chat.faults) <= 1_000 - 4)
            await again(process)
            before = len(chat.faults)
            await until(process, lambda: len(chat.faults) < before)
            chat.faults, kills = [], 1
        case "both channels fail once":
            chat.faults = ["500", "500", "200 no"]
            await process.signals(queue)
        case _:
            chat.faults = [fault] * 2
            await process.signals(queue)
    await until(process, lambda: all(chat.times(person, queue, "firing") for person in PEOPLE))
    await process.signals(queue, active=False)
    await until(process, lambda: all(chat.times(person, queue, "resolved") for person in PEOPLE))
    return queue, kills


async def told_as_promised(process, chat, scenarios):
    """Everybody once per step; repetitions at most one per kill. Returns how many there were."""
    repeated = 0
    for number, fault in enumerate(scenarios):
        queue, kills = await scenario(process, chat, number, fault)
        times = [chat.times(person, queue, state) for person in PEOPLE for state in ("firing", "resolved")]
        assert all(times), (fault, times)
        assert sum(times) - len(times) <= kills, (fault, times)
        repeated += sum(times) - len(times)
    return repeated


@pytest.mark.kafka
@pytest.mark.faults
@pytest.mark.timeout(240)
async def test_two_faults_and_everybody_is_told(kafka_bootstrap, tmp_path):
    async with office(kafka_bootstrap, tmp_path) as (process, chat):
        await told_as_promised(process, chat, ["killed the moment we heard so", "200 no"])


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_twenty_faults_and_everybody_is_told(tmp_path):
    """Also a restart of the broker between an alert and its page."""
    rng = random.Random(1)
    scenarios = [*FAULTS, *rng.choices(FAULTS, k=20 - 1 - len(FAULTS))]
    broker = KafkaBroker(tmp_path / "kafka", port=free_port())
    try:
        await asyncio.to_thread(broker.start, timeout_s=120)
        async with office(broker.bootstrap, tmp_path) as (process, chat):
            repeated = await told_as_promised(process, chat, scenarios)
            chat.faults = ["500"] * 3
            await process.signals("restart")
            await until(process, lambda: len(chat.faults) < 3)
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start, timeout_s=120)
            if process.child.returncode is not None:  # it may end itself and be started again, as its supervisor does
                await process.start()
            await until_restarted(process, lambda: all(chat.times(person, "restart", "firing") for person in PEOPLE))
            assert all(chat.times(person, "restart", "firing") <= 2 for person in PEOPLE)
            print(f"{len(scenarios) + 1} runs, {repeated} messages repeated")  # noqa: T201  (for -rP)
    finally:
        broker.stop()


async def until_restarted(process, condition):
    """Wait; a process that ends itself is started again, as its supervisor does."""
    async with asyncio.timeout(120):
        while not condition():
            if process.child.returncode is not None:
                await process.start()
            await asyncio.sleep(0.1)
