"""Debian's real Alertmanager: an alert appears, stays while it is told again, and resolves."""

import asyncio
import glob
import time
from datetime import datetime
from fnmatch import fnmatchcase

import pytest
import watchers
from alert_kit import S, event, record, writer
from watchers import wall_ms

from alerts.channels import Delivered, Notice
from alerts.channels.alertmanager import AlertmanagerChannel, silence_in_alertmanager
from alerts.deliveries import Deliveries
from alerts.sender import send_forever
from deploy.runtime.alerts_settings import Alertmanager
from streams.contract.alerts import Silence


@pytest.fixture
async def real(tmp_path):
    async with watchers.alertmanager(tmp_path) as running:
        yield running


def firing(episode, began, **fields):
    labels = {"alertname": "Waiting", "severity": "warning", "feed": "live", "hotline": "h", "queue": episode}
    return event(episode=episode, at=began, started_at=began, labels=labels, **fields)


@pytest.mark.system
async def test_an_alert_appears_stays_while_it_is_told_and_resolves(real, monkeypatch):
    # Told every second and expiring 8 s after the last time: it is seen to stay past the end that it was first told with,
    # and a busy machine may tell it several seconds late.
    monkeypatch.setattr("alerts.channels.alertmanager.EXPIRES_MS", 8 * S)
    channel = AlertmanagerChannel(Alertmanager(url=real.url), writer())
    deliveries = Deliveries({channel.target: 1})
    began = wall_ms() - 20 * S
    deliveries.apply([record(firing("f1-1", began))])
    deliveries.tick(wall_ms(), caught_up=True)
    sender = asyncio.create_task(send_forever(channel, lambda: deliveries, wall_ms))
    try:
        (alert,) = await real.until(lambda alerts, told: len(alerts) == 1 and ("firing", 1) in told)
        assert alert["labels"]["queue"] == "f1-1"
        assert alert["annotations"]["summary_zh"] == "5 个等待超过 20 秒"
        assert alert["status"]["state"] == "active"

        first_end = datetime.fromisoformat(alert["endsAt"]).timestamp()
        while time.time() < first_end + 1:
            assert len(await real.alerts()) == 1
            await asyncio.sleep(0.3)

        ended = firing("f1-1", began, state="resolved", ended_at=wall_ms() - S)
        deliveries.apply([record(ended)])
        await real.until(lambda alerts, told: alerts == [] and ("resolved", 1) in told)
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        await channel.close()
    assert [body["status"] for _, body in real.told.requests] == ["firing", "resolved"]
    assert deliveries.waiting(channel.target) == 0


@pytest.mark.system
async def test_an_alert_that_nobody_tells_any_more_ends_by_itself(real, monkeypatch):
    monkeypatch.setattr("alerts.channels.alertmanager.EXPIRES_MS", 4 * S)
    channel = AlertmanagerChannel(Alertmanager(url=real.url), writer())
    assert await channel.send([Notice(firing("f1-1", wall_ms()))], wall_ms()) == Delivered()
    await channel.close()
    await real.until(lambda _, told: ("firing", 1) in told)  # what was told stays, however late one looks
    await real.until(lambda alerts, told: alerts == [] and ("resolved", 1) in told)


@pytest.mark.system
async def test_times_of_a_simulation_ahead_of_the_clock_are_taken(real):
    channel = AlertmanagerChannel(Alertmanager(url=real.url), writer())
    ahead = wall_ms() + 86_400 * S
    notice = Notice(firing("f1-1", ahead))
    assert await channel.send([notice], wall_ms()) == Delivered()
    await real.until(lambda alerts, told: len(alerts) == 1)
    over = firing("f1-1", ahead, state="resolved", ended_at=ahead + 60 * S)
    assert await channel.send([Notice(over)], wall_ms()) == Delivered()
    await channel.close()
    await real.until(lambda alerts, told: alerts == [])


@pytest.mark.system
async def test_a_silence_holds_for_what_its_patterns_mean(real):
    queues = ["a.b", "b.b", "c.b", "axb", "a*[x]?", "ay", "]^", "\\"]
    patterns = ["[ab].b", "[!ab].b", "a?b", glob.escape("a*[x]?"), "[]^]^", "[\\]", "a[*]*"]
    settings = Alertmanager(url=real.url)
    channel = AlertmanagerChannel(settings, writer())
    notices = [Notice(firing(queue, wall_ms())) for queue in queues]
    assert await channel.send(notices, wall_ms()) == Delivered()
    await channel.close()
    made = {}
    for pattern in patterns:
        now = wall_ms()
        silence = Silence(
            id="", matchers={"queue": pattern}, author="li", reason="works", at=now, ends_at=now + 600 * S
        )
        made[await silence_in_alertmanager(settings, silence)] = pattern

    def silenced(alerts):
        return {
            (made[silence], alert["labels"]["queue"]) for alert in alerts for silence in alert["status"]["silencedBy"]
        }

    wanted = {(pattern, queue) for pattern in patterns for queue in queues if fnmatchcase(queue, pattern)}
    assert {pattern for pattern, _ in wanted} == set(patterns)
    await real.until(lambda alerts, told: silenced(alerts) == wanted)
