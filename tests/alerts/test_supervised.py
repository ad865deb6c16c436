"""An error that a channel did not foresee ends nothing: everybody else is told, and the alert itself once it can be."""

import asyncio

import pytest
import servers
import structlog.testing
from aiohttp import web
from alert_kit import S, T, event, record
from paging_kit import Office
from prometheus_client import REGISTRY

from alerts import app, calendars, heartbeat
from alerts.channels import Delivered, Notice, Retry
from alerts.channels.supervised import SupervisedChannel
from alerts.deliveries import Deliveries
from alerts.duty import Duty
from alerts.notifications import Via
from alerts.on_call import OnCall, Shift
from alerts.pager import page_forever
from alerts.sender import send_forever
from alerts.telling import Telling
from deploy.runtime.alerts_settings import Alertmanager, Alerts, Heartbeat
from deploy.runtime.settings import Settings

HOOK = Via("webhook", "hook")


class Stumbling:
    """A channel that raises while it is told of what is in `bad`."""

    resend_s = None

    def __init__(self, target, *bad, batch=10, error=None):
        self.kind, self.target, self.batch = target, target, batch
        self.bad, self.told, self.calls = set(bad), [], 0
        self.error = error or ZeroDivisionError("https://chat.example.org/hook?key=SECRET")

    async def send(self, notices, now):
        self.calls += 1
        told = [notice.event.queue for notice in notices]
        if self.bad & set(told):
            raise self.error
        self.told += told
        return Delivered()

    async def close(self):
        raise AssertionError("whoever made the channel closes it")


async def until(condition, *tasks):
    async with asyncio.timeout(60):
        while not condition():
            assert not any(task.done() for task in tasks), [task.exception() for task in tasks]
            await asyncio.sleep(0)


async def stop(task):
    task.cancel()
    (came,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(came, asyncio.CancelledError)


def counted(name, **labels):
    return REGISTRY.get_sample_value(f"hotline_alerts_{name}_total", labels) or 0


def sending(channel, *queues):
    """A sender at work, its queue; the clock jumps so that no back-off is waited for."""
    deliveries = Deliveries({channel.target: None})
    deliveries.apply([record(event(episode=f"{queue}-1", queue=queue)) for queue in queues])
    deliveries.tick(T, caught_up=True)
    clock = iter(range(T, T + 10**9, 400 * S))
    return asyncio.create_task(send_forever(channel, lambda: deliveries, lambda: next(clock))), deliveries


async def test_one_alert_that_a_channel_stumbles_over_is_told_later_and_all_others_now():
    before = counted("deliveries", channel="hook", outcome="retry", reason="fault")
    channel = Stumbling("hook", "b")
    with structlog.testing.capture_logs() as lines:
        task, deliveries = sending(channel, "a", "b", "c")
        await until(lambda: channel.calls > 9, task)
        assert channel.told == ["a", "c"]
        assert deliveries.waiting("hook") == 1
        assert deliveries.oldest_waiting_ms("hook", T + S, faults=True) == S
        assert counted("deliveries", channel="hook", outcome="retry", reason="fault") >= before + 3
        channel.bad = set()
        await until(lambda: channel.told == ["a", "c", "b"], task)
        await until(lambda: not deliveries.waiting("hook"), task)
    assert deliveries.oldest_waiting_ms("hook", T + S, faults=True) == 0
    await stop(task)
    together, alone = lines
    assert {line["log_level"] for line in lines} == {"error"}
    assert "told in parts" in together["event"]
    assert ("tried again" in alone["event"], alone["channel"], alone["episode"]) == (True, "hook", "b-1")
    assert "raise self.error" in alone["traceback"]
    assert alone["traceback"].endswith("\nZeroDivisionError")
    assert "SECRET" not in str(lines)


async def test_the_outcome_tells_the_kind_of_error_and_nothing_of_its_words():
    channel = SupervisedChannel(Stumbling("hook", "q"))
    assert await channel.send([Notice(event())], T) == Retry("fault", None, "ZeroDivisionError")


async def test_a_cancelling_from_elsewhere_is_a_fault():
    """The task of a sender that ends as cancelled would be missed by nobody."""
    channel = SupervisedChannel(Stumbling("hook", "q", error=asyncio.CancelledError()))
    assert await channel.send([Notice(event())], T) == Retry("fault", None, "CancelledError")


async def test_what_ends_a_process_passes():
    class Ending(BaseException):
        pass

    channel = SupervisedChannel(Stumbling("hook", "q", error=Ending()))
    with pytest.raises(Ending):
        await channel.send([Notice(event())], T)


async def test_cancelling_reaches_a_call_that_hangs():
    begun, ended = asyncio.Event(), asyncio.Event()

    class Hanging(Stumbling):
        async def send(self, notices, now):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    task, _ = sending(Hanging("hook"), "a")
    await asyncio.wait_for(begun.wait(), 60)
    async with asyncio.timeout(60):
        await stop(task)
    assert ended.is_set()


class Desk:
    """Receivers at work on what an office's paging has for them; time passes when it is told to."""

    def __init__(self, office, ways):
        self.office = office
        self.tasks = [
            asyncio.create_task(page_forever(name, channels, lambda: office.paging, lambda: office.now))
            for name, channels in ways.items()
        ]

    async def passes_until(self, condition):
        def later():
            self.office.now += S
            self.office.tick()
            return condition()

        await until(later, *self.tasks)

    async def close(self):
        for task in self.tasks:
            await stop(task)


async def test_a_receiver_whose_first_channel_stumbles_is_paged_by_the_second():
    office, chat, sms = Office(), Stumbling("chat", "a"), Stumbling("sms")
    labels = {"channel": "chat", "why": "first", "outcome": "retry", "reason": "fault"}
    before = counted("pages", **labels)
    office.fires("a")
    desk = Desk(office, {"one": [chat, sms]})
    await desk.passes_until(lambda: sms.told == ["a"])
    assert (chat.calls, chat.told) == (2, [])
    assert counted("pages", **labels) == before + 2
    await desk.passes_until(lambda: not office.paging.waiting("one"))
    await desk.close()


@pytest.mark.parametrize("batch", [1, 10])
async def test_of_a_message_all_is_told_but_what_the_channel_stumbles_over_and_news_of_its_group_too(batch):
    office = Office()
    chat, other = Stumbling("chat", "b", batch=batch), Stumbling("other")
    for key in "abcd":
        office.fires(key)
    desk = Desk(office, {"one": [chat], "two": [other]})
    await desk.passes_until(lambda: chat.told == ["a", "c", "d"])
    office.fires("e")
    await desk.passes_until(lambda: chat.told == ["a", "c", "d", "e"])
    await desk.passes_until(lambda: set(other.told) == set("abcde"))  # the chain goes on
    await desk.passes_until(lambda: office.paging.waiting("one") == 1)
    assert office.paging.oldest_fault_ms(office.now) > 0
    chat.bad = set()
    await desk.passes_until(lambda: not office.paging.waiting("one"))
    assert chat.told == ["a", "c", "d", "e", "b"]
    assert office.paging.oldest_fault_ms(office.now) == 0
    await desk.close()


def settings(base):
    url = Heartbeat(url=base + "/ping").url
    told = Alerts(
        heartbeat=Heartbeat.model_construct(url=url, every_s=0.01), alertmanager=Alertmanager(url=base, dead_man=True)
    )
    return Settings.model_construct(alerts=told)


async def test_one_way_of_the_dead_mans_switch_that_stumbles_is_no_beat_and_keeps_the_other(monkeypatch):
    posted = []

    async def get(self, url, *, now):
        raise ZeroDivisionError

    async def post(request):
        posted.append([alert["labels"]["alertname"] for alert in await request.json()])
        return web.Response()

    monkeypatch.setattr(heartbeat.JsonClient, "get", get)
    before = [counted("heartbeats", to="url", outcome=outcome) for outcome in ("delivered", "retry")]
    async with servers.serving(web.post("/api/v2/alerts", post)) as base:
        task = asyncio.create_task(heartbeat.beat_forever(settings(base), "http://board", lambda: "beats", lambda: T))
        await until(lambda: ["HotlineAlive", "HotlineStopped"] in posted, task)
        await stop(task)
    delivered, retried = (counted("heartbeats", to="url", outcome=outcome) for outcome in ("delivered", "retry"))
    assert (delivered - before[0], retried - before[1]) >= (0, 3)
    assert delivered == before[0]


def test_while_an_error_of_ours_keeps_an_alert_from_whoever_pages_the_heart_stands_still():
    telling = Telling({"hook": None, "grafana": None}, None, Office().controls)
    telling.apply([record(event())])
    telling.tick(T, caught_up=True)
    later = T + heartbeat.STUCK_MS + 1

    def pulse(now):
        stuck_ms = app.stuck_ms(telling, ["hook"], now)
        return heartbeat.pulse(owned=True, behind=False, data_age_ms=0, stuck_ms=stuck_ms)

    deliveries = telling.deliveries
    deliveries.settle(Via("grafana", "grafana"), deliveries.due("grafana", T, 1), Retry("fault"), T)
    deliveries.settle(HOOK, deliveries.due("hook", T, 1), Retry("timeout"), T)
    assert pulse(later) == "beats"
    deliveries.settle(HOOK, deliveries.due("hook", T + 2 * S, 1), Retry("fault"), T + 2 * S)
    assert (pulse(T + heartbeat.STUCK_MS), pulse(later)) == ("beats", "stuck")
    deliveries.settle(HOOK, deliveries.due("hook", later, 1), Delivered(), later)
    assert pulse(later) == "beats"
    assert app.stuck_ms(None, ["hook"], later) == 0


def test_a_page_that_is_an_error_of_ours_stops_the_heart_too():
    office = Office()
    telling = Telling({}, office.plan, office.controls)
    telling.paging = office.paging
    office.fires("a")
    office.passes(10, Retry("fault"))
    assert app.stuck_ms(telling, [], office.now + S) > 0
    office.passes(60)
    assert app.stuck_ms(telling, [], office.now + S) == 0


async def test_a_calendar_that_its_library_stumbles_over_leaves_what_was_read(monkeypatch):
    asked, address = 0, "https://cal.example.org/SECRET.ics"

    def stumble(*_):
        nonlocal asked
        asked += 1
        raise AttributeError(address)

    async def get(_request):
        return web.Response(text="BEGIN:VCALENDAR")

    channels = [{"type": "slack", "url": "https://chat.example.org"}]
    async with servers.serving(web.get("/ics", get)) as base:
        rota = {"name": "rota", "time_zone": "UTC", "otherwise": "one", "calendar": {"url": base + "/ics"}}
        plan = Duty.model_validate(
            {
                "receivers": [{"name": name, "channels": channels} for name in ("one", "two")],
                "schedules": [rota],
                "routes": [{"chain": [{"tell": ["rota"]}]}],
            }
        )
        on_call = OnCall(plan.schedules)
        on_call.shifts = {"rota": [Shift("two", T, T + S)]}
        monkeypatch.setattr(calendars, "REFRESH_S", 0.01)
        monkeypatch.setattr(calendars, "shifts_of", stumble)
        with structlog.testing.capture_logs() as lines:
            task = asyncio.create_task(calendars.follow(plan, on_call, lambda: T))
            await until(lambda: asked > 2, task)
            await stop(task)
    assert on_call.receiver("rota", T) == "two"
    fault, known = lines
    assert fault["traceback"].endswith("AttributeError")
    assert (fault["log_level"], known["problem"]) == (
        "error",
        "not read (AttributeError): what was read before stands",
    )
    assert "SECRET" not in str(lines)
