"""Every channel: the documented format, and what each way of failing is taken for."""

import hmac
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import servers
from alert_kit import S, T, event, writer

from alerts.channels import Delivered, Failed, Notice, Retry
from alerts.channels.alertmanager import EXPIRES_MS, AlertmanagerChannel, posted_alert
from alerts.channels.content import rfc3339
from alerts.channels.grafana import GrafanaChannel
from alerts.channels.http import retry_after_s
from alerts.channels.webhook import WebhookChannel, payload
from deploy.runtime.alerts_settings import Alertmanager, Grafana, Webhook
from streams.contract import DIMENSIONS

KINDS = ["alertmanager", "grafana", "webhook"]
TIMEOUT_S = 0.4


def make(kind, base, timeout_s=5.0, token="open sesame"):
    match kind:
        case "alertmanager":
            settings = Alertmanager(url=base + "/prefix/", user="hotline", password="pass")
            return AlertmanagerChannel(settings, writer(), timeout_s)
        case "grafana":
            return GrafanaChannel(Grafana(url=base + "/grafana", token="glsa_1"), writer(), timeout_s)
        case _:
            return WebhookChannel(Webhook(url=base + "/hook", bearer_token=token), writer(), timeout_s)


@asynccontextmanager
async def running(kind, *answers, timeout_s=5.0):
    server = {"alertmanager": servers.Alertmanager, "grafana": servers.Grafana, "webhook": servers.Webhook}[kind](
        *answers
    )
    async with servers.serving(*server.routes()) as base:
        channel = make(kind, base, timeout_s)
        try:
            yield channel, server
        finally:
            await channel.close()
    assert server.problems == []


async def send(channel, *events, now=T, ref=""):
    return await channel.send([Notice(e, ref) for e in events], now)


FAILURES = [
    (429, Retry, "rate_limited"),
    (500, Retry, "server_error"),
    (503, Retry, "server_error"),
    (401, Retry, "auth"),
    (403, Retry, "auth"),
    (400, Failed, "client_error"),
    (404, Failed, "client_error"),
    ("hang", Retry, "timeout"),
    ("close", Retry, "refused"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("answer", "outcome", "reason"), FAILURES, ids=str)
async def test_each_way_of_failing_has_its_reason(kind, answer, outcome, reason):
    async with running(kind, *[answer] * 3, timeout_s=TIMEOUT_S if answer == "hang" else 5.0) as (channel, _):
        result = await send(channel, event())
    assert isinstance(result, outcome)
    assert result.reason == reason
    assert "secret" not in repr(result)


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listening_is_refused(kind):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = make(kind, f"http://127.0.0.1:{taken.getsockname()[1]}")
        result = await send(channel, event())
        await channel.close()
    assert isinstance(result, Retry)
    assert result.reason == "refused"


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_failure_the_next_try_is_delivered(kind):
    async with running(kind, 500) as (channel, server):
        assert isinstance(await send(channel, event()), Retry)
        assert isinstance(await send(channel, event()), Delivered)
        assert len(server.requests) >= 2


@pytest.mark.parametrize("kind", ["alertmanager", "webhook"])
async def test_a_redirect_is_not_followed(kind):
    async with running(kind, (302, {"Location": "http://elsewhere.invalid/"}, "")) as (channel, _):
        assert await send(channel, event()) == Failed("client_error", "HTTP 302")


@pytest.mark.parametrize("kind", ["alertmanager", "webhook"])
async def test_the_service_says_when_to_come_again(kind):
    async with running(kind, (429, {"Retry-After": "17"}, "")) as (channel, _):
        assert await send(channel, event()) == Retry("rate_limited", 17.0, "HTTP 429")


def test_retry_after_as_a_date_garbage_and_too_long():
    now = int(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp() * 1000)
    assert retry_after_s("Sun, 22 Nov 2026 10:00:30 GMT", now) == 30
    assert retry_after_s("Sun, 22 Nov 2026 09:00:30 GMT", now) == 0
    assert retry_after_s("soon", now) is None
    assert retry_after_s("999999", now) == 3600
    assert retry_after_s("Sun, 22 Nov 2026 10:00:30 +" + 30 * "9", now) is None


async def test_alertmanager_is_posted_labels_annotations_and_times():
    async with running("alertmanager") as (channel, server):
        assert await send(channel, event(), event("resolved", "f2-1", at=T + 9 * S), now=T + 10 * S) == Delivered()
    (headers, (firing, resolved)), *_ = server.requests
    assert headers["Authorization"] == "Basic aG90bGluZTpwYXNz"
    assert firing["labels"] == event().labels | {"paging": "alertmanager"}
    assert firing["annotations"] == {
        "summary": "5 waiting past 20 s",
        "summary_zh": "5 个等待超过 20 秒",
        "runbook": "https://example.org/waiting",
    }
    assert (firing["startsAt"], firing["endsAt"]) == (rfc3339(T), rfc3339(T + 10 * S + EXPIRES_MS))
    assert (resolved["startsAt"], resolved["endsAt"]) == (rfc3339(T), rfc3339(T + 9 * S))
    assert firing["generatorURL"] == "http://localhost:8080/"


@pytest.mark.parametrize("state", ["firing", "resolved"])
def test_alertmanager_is_never_told_of_the_future(state):
    ahead = event(state, at=T + 9000 * S, started_at=T + 8000 * S)
    posted = posted_alert(ahead, writer(), T)
    assert posted["startsAt"] <= rfc3339(T)
    assert (posted["endsAt"] <= rfc3339(T)) == (state == "resolved")


async def test_a_webhook_gets_version_4_and_the_same_key_for_every_repetition():
    async with running("webhook") as (channel, server):
        assert await send(channel, event()) == Delivered()
        assert await send(channel, event(), now=T + 60 * S) == Delivered()
        assert await send(channel, event("resolved", at=T + 90 * S)) == Delivered()
    (first, body), (second, again), (third, end) = server.requests
    assert body == again
    assert first["Idempotency-Key"] == second["Idempotency-Key"] != third["Idempotency-Key"]
    assert body["groupKey"] == end["groupKey"] == '{}:{alertname="Waiting", feed="live", hotline="h", queue="q"}'
    assert (body["status"], end["status"]) == ("firing", "resolved")
    assert body["alerts"][0]["startsAt"] == end["alerts"][0]["startsAt"] == rfc3339(T)
    assert end["alerts"][0]["endsAt"] == rfc3339(T + 90 * S)


async def test_a_webhook_without_a_token_sends_none():
    server = servers.Webhook(token="")
    async with servers.serving(*server.routes()) as base:
        channel = make("webhook", base, token="")
        assert await send(channel, event()) == Delivered()
        await channel.close()
    assert "Authorization" not in server.requests[0][0]


async def test_a_webhook_is_signed_over_time_and_body():
    server = servers.Webhook()
    async with servers.serving(*server.routes()) as base:
        settings = Webhook(url=base + "/hook", bearer_token="open sesame", secret="between us")
        channel = WebhookChannel(settings, writer())
        assert await send(channel, event(), now=T) == Delivered()
        await channel.close()
    headers, body = server.requests[0]
    signed = f"{T // 1000}.".encode() + server.bodies[0]
    wanted = hmac.new(b"between us", signed, sha256).hexdigest()
    assert headers["X-Hotline-Signature"] == f"t={T // 1000},v1={wanted}"
    assert body["alerts"][0]["fingerprint"] == "f1"


def test_quotes_in_a_label_stay_inside_the_group_key():
    odd = event(labels={"alertname": "A", "queue": 'a"b\\c\nd'})
    assert payload(odd, "r", writer())["groupKey"] == '{}:{alertname="A", queue="a\\"b\\\\c\\nd"}'


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_alerts_of_two_keys_are_two_groups(dimension):
    """A receiver that keeps what it has by group would end one by the other's end."""
    silent = {"alertname": "DeadFeed", "feed": "live", "hotline": "h"}
    first, second = (payload(event(labels=silent | {dimension: name}), "r", writer()) for name in ("1", "2"))
    assert first["groupKey"] != second["groupKey"]
    assert first["groupLabels"] == silent | {dimension: "1"}


async def test_a_webhooks_name_in_logs_does_not_give_its_address_away():
    channel = WebhookChannel(Webhook(url="https://example.org/services/T0/SECRET"), writer())
    assert channel.target == WebhookChannel(Webhook(url="https://example.org/services/T0/SECRET"), writer()).target
    assert "SECRET" not in channel.target
    assert len(channel.target) == len("webhook-") + 8


async def test_grafana_gets_a_mark_that_becomes_a_region():
    async with running("grafana") as (channel, server):
        delivered = await send(channel, event())
        assert delivered == Delivered(("1",))
        assert server.annotations[1]["dashboardUID"] == "hotline-overview"
        assert server.annotations[1]["time"] == server.annotations[1]["timeEnd"] == T
        assert await send(channel, event("resolved", at=T + 9 * S), ref="1") == Delivered(("1",))
    assert len(server.annotations) == 1
    assert server.annotations[1]["timeEnd"] == T + 9 * S
    assert {"hotline", "Waiting", "warning", "hotline:h", "queue:q", "feed:live", "episode:f1-1"} == set(
        server.annotations[1]["tags"]
    )
    assert "5 waiting past 20 s" in server.annotations[1]["text"]


async def test_grafana_finds_its_annotation_again_when_the_id_is_forgotten():
    async with running("grafana") as (channel, server):
        await send(channel, event(episode="f9-1"))
        await send(channel, event())
        assert await send(channel, event()) == Delivered(("2",))
        assert await send(channel, event("resolved", at=T + 9 * S)) == Delivered(("2",))
    assert len(server.annotations) == 2


async def test_grafana_annotation_that_somebody_deleted_is_made_again():
    async with running("grafana") as (channel, server):
        await send(channel, event())
        del server.annotations[1]
        assert await send(channel, event("resolved", at=T + 9 * S), ref="1") == Delivered(("1",))
        assert server.annotations[1]["timeEnd"] == T + 9 * S


async def test_without_the_dashboard_the_annotation_is_the_organisations():
    async with running("grafana") as (channel, server):
        server.dashboards = ()
        assert await send(channel, event()) == Delivered(("1",))
    assert "dashboardUID" not in server.annotations[1]


@pytest.mark.parametrize("body", ["no json", "5", '{"message": "ok"}'])
async def test_grafana_answers_something_else(body):
    async with running("grafana", (200, {}, "[]"), (200, {}, body)) as (channel, _):
        result = await send(channel, event())
    assert isinstance(result, Retry)
    assert result.reason == "bad_answer"


def test_grafana_may_live_at_an_address_of_six_parts():
    made = GrafanaChannel(Grafana(url="http://[::1]:3000/grafana", token="t"), writer())
    assert made._grafana.api.url == "http://[::1]:3000/grafana/api"


@pytest.mark.parametrize("identity", ['"\\ud800"', '"../x"', "[]", "{}", "0", "null", '""', "true"])
async def test_what_is_no_number_is_no_annotation(identity):
    """It is written into our state, and would be a part of the next address."""
    async with running("grafana", (200, {}, "[]"), (200, {}, f'{{"id": {identity}}}')) as (channel, _):
        assert await send(channel, event()) == Retry("bad_answer", None, "no id of an annotation")


async def test_grafana_fails_with_a_number_for_a_body():
    async with running("grafana", (500, {"Content-Type": "application/json"}, "5")) as (channel, _):
        result = await send(channel, event())
    assert isinstance(result, Retry)
    assert result.reason == "bad_answer"


async def sent_nothing(channel):
    outcome = await channel.send([Notice(event())], T)
    await channel.close()
    return isinstance(outcome, Retry) and outcome.reason == "refused" and outcome.detail.endswith("nothing was sent")


async def test_a_token_with_two_lines_is_not_sent_and_ends_nothing():
    async with servers.serving() as base:
        assert await sent_nothing(make("webhook", base, token="open sesame\n"))


async def test_a_host_that_cannot_be_one_ends_nothing():
    assert await sent_nothing(make("webhook", "http://a..b"))
