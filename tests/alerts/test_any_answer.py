"""Whatever a service answers and whatever an alert says, sending it has an outcome."""

import asyncio
import gzip
import re
from contextlib import asynccontextmanager

import msgspec
import pytest
from alert_kit import T, event, rule, writer
from pydantic import TypeAdapter

from alerts.channels import Delivered, Failed, Notice, Retry
from alerts.channels.alertmanager import AlertmanagerChannel
from alerts.channels.grafana import GrafanaChannel
from alerts.channels.http import MOST_BYTES
from alerts.channels.people import people_channel
from alerts.channels.settings import ChannelSettings
from alerts.channels.webhook import WebhookChannel
from deploy.runtime.alerts_settings import Alertmanager, Grafana, Webhook

YES = {
    "slack": b"ok",
    "teams": b"",
    "wecom": b'{"errcode":0}',
    "dingtalk": b'{"errcode":0}',
    "feishu": b'{"code":0}',
    "pagerduty": b'{"status":"success"}',
    "sms": b"accepted",
    "webhook": b"",
    "alertmanager": b"",
    "grafana": b'{"id":1}',
}
MORE = {
    "dingtalk": {"secret": "between us"},
    "feishu": {"secret": "between us"},
    "pagerduty": {"routing_key": "R" * 32},
    "sms": {"to": ["+4930123"], "accepted": "accepted"},
    "slack": {"buttons": True},
}


def http(body=b"", status="200 OK", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{lines}\r\n"
    return head.encode("latin-1") + body


@asynccontextmanager
async def channel(kind, *answers, words=None):
    """A channel to a server that sends these bytes, one after the other, and what means yes once they are used up.

    A number: so many bytes of an answer without end.
    """
    plan, sent = list(answers), 0

    async def talk(reader, out):
        nonlocal sent
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            answer = plan.pop(0) if plan else http(b"[]" if head.startswith(b"GET") else YES[kind])
            if isinstance(answer, bytes):
                out.write(answer)
            else:
                out.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while sent < answer:
                    out.write(b"x" * 65_536)
                    sent += 65_536
                    await out.drain()
            await out.drain()
        except ConnectionError:
            pass
        finally:
            out.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**24)
    async with server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        made = make(kind, base, words or writer(paging="hotline", link_key="a-key-of-some-length"))
        try:
            yield made, lambda: sent
        finally:
            await made.close()


def make(kind, base, words):
    match kind:
        case "alertmanager":
            return AlertmanagerChannel(Alertmanager(url=base), words)
        case "grafana":
            return GrafanaChannel(Grafana(url=base, token="glsa_1"), words)
        case "webhook":
            return WebhookChannel(Webhook(url=base + "/hook"), words)
    told = {"type": kind, "url": base + "/hook"} | MORE.get(kind, {})
    return people_channel(TypeAdapter(ChannelSettings).validate_python(told), "duty", words)


JSON = "application/json"
DEEP = b"[" * 100_000
ANSWERS = {
    "nothing": b"",
    "no HTTP": b"garbage\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of five digits": b"HTTP/1.1 99999 X\r\n\r\n",
    "a status below nothing": b"HTTP/1.1 -1 X\r\n\r\n",
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "chunks of no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx",
    "a header of 200 KB": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00",
    "gzip that is none": http(b"garbage", Content_Encoding="gzip"),
    "gzip cut off": http(gzip.compress(b"ok")[:-4], Content_Encoding="gzip"),
    "a redirect to nowhere": http(status="308 P", Location="http://a..b/"),
    "a redirect to half an address": http(status="307 T", Location="http://[::1"),
    "nested without end": http(DEEP),
    "an error nested without end": http(DEEP, status="500 I"),
    "a number of 5,000 digits": http(b'{"id":' + b"9" * 5000 + b',"code":1e999,"errcode":1e999}'),
    "other types": http(b'{"id":[],"code":{},"errcode":[],"status":{}}'),
    "texts": http(b'{"id":"../x","code":"0","errcode":"0","status":5}'),
    "half a character": http(b'{"id":"\\ud800","code":"\\ud800","errcode":"\\ud800","status":"\\ud800"}'),
    "no encoding": http(b'{"id":true}', Content_Type=f"{JSON}; charset=klingon"),
    "an encoding that Python does not like": http(b"{}", Content_Type=f"{JSON}; charset=idna"),
    "an encoding of nothing": http(b"{}", Content_Type=f"{JSON}; charset=\x00"),
    "come again in a zone of its own": http(
        status="503 S", Retry_After="Sun, 22 Nov 2026 10:00:30 +" + 30 * "9"
    ),
    "come again at no time": http(status="429 T", Retry_After="\xb2"),
}  # fmt: skip


@pytest.mark.parametrize("kind", YES)
async def test_an_odd_answer_has_an_outcome_and_the_next_good_one_is_delivered(kind):
    for number, (name, answer) in enumerate(ANSWERS.items()):
        async with channel(kind, answer) as (made, _):
            outcome = await made.send([Notice(event())], T + number * 60_000)
            assert isinstance(outcome, Delivered | Retry | Failed), name
            assert msgspec.json.encode(list(outcome)), name
            again = await made.send([Notice(event())], T + number * 60_000 + 1)
            assert isinstance(again, Delivered), name


@pytest.mark.parametrize("kind", YES)
async def test_an_answer_without_end_is_not_read_to_its_end(kind):
    async with channel(kind, 64 * MOST_BYTES) as (made, sent):
        outcome = await made.send([Notice(event())], T)
        by_status = kind in {"webhook", "alertmanager", "teams"} and isinstance(outcome, Delivered)
        assert by_status or (isinstance(outcome, Retry) and outcome.reason == "bad_answer")
    assert sent() < 32 * MOST_BYTES


async def test_what_grafana_cuts_off_is_told_again():
    async with channel("grafana", ANSWERS["cut off"], ANSWERS["gzip that is none"]) as (made, _):
        for _ in range(2):
            outcome = await made.send([Notice(event())], T)
            assert (type(outcome), outcome.reason) == (Retry, "bad_answer")


ODD = {
    "empty": "",
    "NUL": "\x00",
    "an end of a line": "a\r\n.\r\nb",
    "another end of a line": "a\u2028b\x85c",
    "from right to left": "\u202eabc\u2066",
    "long": "水" * 3_000,
    "fields": "{to} {text} %s {0}",
    "marks": "*_`[]<>#\\&\"'</script>",
    "no character": "\ufffe\U0010ffff",
    "no words": " \t ",
    "an encoded word": "=?utf-8?q?x?=",
}
TIMES = {"long ago": -(2**63), "never": 2**63 - 1}


def odd_events():
    for name, text in ODD.items():
        fields = dict.fromkeys(("feed", "hotline", "queue", "category", "signal", "rule"), text)
        labels = {"alertname": text, "queue": text}
        yield name, event(**fields, labels=labels, summary={"en": text, "zh": text}, severity="critical")
    for name, at in TIMES.items():
        yield name, event(started_at=at, at=at, value=float("inf"), expected=float("nan"))
    yield "over before it began", event("resolved", started_at=2**63 - 1, ended_at=-(2**63))
    yield "nothing but what must be", event(labels={}, summary={}, queue="", hotline="")


@pytest.mark.parametrize("kind", YES)
async def test_an_odd_alert_is_delivered(kind):
    rules = {"Waiting": rule(steps=[{"severity": "critical", "after_s": 60}])}
    async with channel(kind, words=writer(paging="hotline", link_key="a-key-of-some-length", rules=rules)) as (made, _):
        for number, (name, told) in enumerate(odd_events()):
            for due_at in (0, 2**63 - 1):
                outcome = await made.send([Notice(told, due_at=due_at)], T + number * 60_000)
                assert isinstance(outcome, Delivered), (name, due_at, outcome)
