"""How long an alert takes from its signal to a webhook that has it, while a thousand others fire; and what a storm of ten
thousand signals in a minute makes of a person's evening. A real broker, the real process, services on loopback.

    .venv/bin/python tests/bench/delivery.py [latency] [storm]        # prints a JSON object each; takes four minutes
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "alerts"))

import servers
import yaml
from aiohttp import web
from process_kit import running

from deploy.embedded.child import free_port
from deploy.embedded.kafka import KafkaBroker

FIRING = 1_000
PROBES = 300
STORM, STORM_S, STORM_QUEUES = 10_000, 60, 2_000


class People:
    """Chat messages, by person."""

    def __init__(self):
        self.messages, self.alerts = {}, 0

    async def post(self, request):
        text = (await request.json())["text"]
        self.messages.setdefault(request.match_info["person"], []).append(text)
        return web.Response(text="ok")


class Arrivals(list):
    """What the webhook was told, and when each queue was first heard of."""

    def __init__(self):
        super().__init__()
        self.at = {}

    def append(self, request):
        super().append(request)
        self.at.setdefault(request[1]["commonLabels"]["queue"], time.perf_counter())


def duty(base, path):
    """Two people, one after the other, as a city would have it: groups by hotline, a message a minute at most."""
    receivers = [
        {"name": name, "channels": [{"type": "slack", "url": f"{base}/{name}"}]} for name in ("first", "second")
    ]
    chain = [{"tell": ["first"], "next_after_s": 30}, {"tell": ["second"]}]
    path.write_text(yaml.safe_dump({"receivers": receivers, "routes": [{"chain": chain}]}), encoding="utf-8")
    return str(path)


async def latency(process, hook):
    """Seconds from sending a signal to the webhook's having it."""
    hook.requests = arrivals = Arrivals()
    for number in range(FIRING):
        await process.signals(f"busy-{number}")

    async def all_fire():
        return len(arrivals.at) >= FIRING

    await process.until(all_fire, 180)
    sent = {}
    for number in range(PROBES):
        sent[f"probe-{number}"] = time.perf_counter()
        await process.signals(f"probe-{number}")
        await asyncio.sleep(0.1 + number % 7 / 100)  # at no fixed phase of anybody's clock

    async def all_told():
        return len(arrivals.at) >= FIRING + PROBES

    await process.until(all_told, 60)
    return sorted(arrivals.at[queue] - begun for queue, begun in sent.items())


async def storm(process):
    """Ten thousand signals within a minute: two thousand queues begin and end again and again."""
    begun = time.perf_counter()
    for number in range(STORM):
        late = begun + number * STORM_S / STORM - time.perf_counter()
        if late > 0:
            await asyncio.sleep(late)
        await process.signals(f"storm-{number % STORM_QUEUES}", active=number // STORM_QUEUES % 2 == 0)
    return time.perf_counter() - begun


async def measured_latency(bootstrap, directory):
    """The percentiles, in ms."""
    async with running(bootstrap, directory, {"HOTLINE_ALERTS__ALERTMANAGER__URL": ""}) as (process, hook, _):
        taken = await latency(process, hook)
    ms = {f"p{q}": round(1000 * taken[min(len(taken) - 1, len(taken) * q // 100)]) for q in (50, 90, 99)}
    return {"alerts_firing": FIRING, "probes": PROBES, "signal_to_webhook_ms": ms | {"max": round(1000 * taken[-1])}}


async def measured_storm(bootstrap, directory):
    """How many messages each person got, a minute after it too."""
    people = People()
    async with servers.serving(web.post("/{person}", people.post)) as base:
        more = {
            "HOTLINE_ALERTS__ALERTMANAGER__URL": "",
            "HOTLINE_ALERTS__WEBHOOKS": "[]",
            "HOTLINE_PAGING": "hotline",
            "HOTLINE_ALERTS__DUTY": duty(base, directory / "duty.yaml"),
        }
        async with running(bootstrap, directory, more) as (process, _, _):
            lasted = await storm(process)
            await asyncio.sleep(65)
    messages = {person: len(texts) for person, texts in people.messages.items()}
    return {"storm_signals": STORM, "storm_s": round(lasted, 1), "messages_per_person": messages}


async def main(what):
    measure = {"latency": measured_latency, "storm": measured_storm}
    with TemporaryDirectory() as name:
        broker = KafkaBroker(Path(name) / "kafka", port=free_port())
        await asyncio.to_thread(broker.start, timeout_s=120)
        try:
            for part in what or measure:
                print(json.dumps(await measure[part](broker.bootstrap, Path(name))), flush=True)
        finally:
            await asyncio.to_thread(broker.stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
