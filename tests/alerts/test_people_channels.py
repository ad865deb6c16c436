"""Channels that reach people, against local services that hold to the documented formats."""

import asyncio
import hmac
import re
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import orjson
import pytest
import servers
from aiohttp import web
from alert_kit import T, event, writer
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from alerts.channels import Delivered, Failed, Notice, Retry, email, settings
from alerts.channels.people import people_channel
from alerts.channels.settings import ChannelSettings
from alerts.channels.sms import TRIED_AGAIN_MS
from alerts.pager import _send
from deploy.runtime import signed_links

SECRET = "SECdeadbeef"
YES = {
    "slack": b"ok",
    "teams": b"",
    "wecom": b'{"errcode":0,"errmsg":"ok"}',
    "dingtalk": b'{"errcode":0,"errmsg":"ok"}',
    "feishu": b'{"code":0,"msg":"success","data":{}}',
    "pagerduty": b'{"status":"success","message":"Event processed","dedup_key":"f1-1"}',
    "sms": b'{"result":"accepted"}',
}
MORE = {
    "dingtalk": {"secret": SECRET},
    "feishu": {"secret": SECRET},
    "pagerduty": {"routing_key": "R" * 32},
    "sms": {"to": ["+8613800138000", "+4930123"], "accepted": "accepted", "token": "open sesame"},
}


PLAIN = writer(paging="hotline")


class Service:
    def __init__(self, kind, *answers):
        self.kind, self.answers, self.requests = kind, list(answers), []

    async def post(self, request):
        self.requests.append((request, await request.read()))
        status, body = self.answers.pop(0) if self.answers else (202 if self.kind == "teams" else 200, YES[self.kind])
        return web.Response(status=status, body=body)

    @property
    def body(self):
        return orjson.loads(self.requests[-1][1])


@asynccontextmanager
async def channel(kind, *answers, writer=PLAIN, **fields):
    service = Service(kind, *answers)
    async with servers.serving(web.post("/hook", service.post)) as base:
        told = {"type": kind, "url": base + "/hook?key=1"} | MORE.get(kind, {}) | fields
        made = people_channel(TypeAdapter(ChannelSettings).validate_python(told), "duty", writer)
        try:
            yield made, service
        finally:
            await made.close()


@pytest.mark.parametrize("kind", YES)
async def test_what_the_service_takes_is_delivered(kind):
    async with channel(kind) as (made, service):
        assert await made.send([Notice(event())], T) == Delivered()
        assert "5 waiting past 20 s" in service.requests[-1][1].decode()


@pytest.mark.parametrize("kind", YES)
@pytest.mark.parametrize(
    ("status", "outcome"), [(429, "rate_limited"), (500, "server_error"), (403, "auth"), (404, "client_error")]
)
async def test_a_status_says_no(kind, status, outcome):
    async with channel(kind, (status, b"secret of the service")) as (made, _):
        result = await made.send([Notice(event())], T)
        assert (type(result), result.reason) == (Failed if status == 404 else Retry, outcome)
        assert "secret" not in repr(result)


@pytest.mark.parametrize(
    ("kind", "body", "outcome", "reason"),
    [
        ("slack", b"invalid_payload", Retry, "bad_answer"),
        ("teams", b"Webhook message delivery failed with error: returned HTTP error 429", Retry, "rate_limited"),
        ("wecom", b'{"errcode":45009,"errmsg":"api freq out of limit"}', Retry, "rate_limited"),
        ("wecom", b'{"errcode":93000,"errmsg":"invalid webhook url"}', Retry, "auth"),
        ("wecom", b'{"errcode":40008,"errmsg":"invalid message type"}', Failed, "client_error"),
        ("dingtalk", b'{"errcode":310000,"errmsg":"sign not match"}', Retry, "auth"),
        ("dingtalk", b'{"errcode":130101,"errmsg":"send too fast"}', Retry, "rate_limited"),
        ("feishu", b'{"code":19021,"msg":"sign match fail"}', Retry, "auth"),
        ("feishu", b'{"code":11232,"msg":"frequency limited"}', Retry, "rate_limited"),
        ("feishu", b"<html>", Retry, "bad_answer"),
        ("pagerduty", b'{"status":"invalid event"}', Failed, "client_error"),
        ("sms", b'{"result":"no credit"}', Failed, "client_error"),
    ],
)
async def test_a_200_that_says_no_is_read(kind, body, outcome, reason):
    async with channel(kind, (200, body)) as (made, _):
        result = await made.send([Notice(event())], T)
        assert (type(result), result.reason) == (outcome, reason)


async def test_dingtalk_is_signed_in_the_address():
    async with channel("dingtalk") as (made, service):
        await made.send([Notice(event())], T)
        query = service.requests[-1][0].query
        wanted = b64encode(hmac.new(SECRET.encode(), f"{T}\n{SECRET}".encode(), sha256).digest()).decode()
        assert (query["timestamp"], query["sign"], query["key"]) == (str(T), wanted, "1")
        assert service.body["msgtype"] == "markdown"


async def test_feishu_is_signed_in_the_body():
    async with channel("feishu", language="zh") as (made, service):
        await made.send([Notice(event())], T)
        wanted = b64encode(hmac.new(f"{T // 1000}\n{SECRET}".encode(), b"", sha256).digest()).decode()
        assert (service.body["timestamp"], service.body["sign"]) == (str(T // 1000), wanted)
        assert "5 个等待超过 20 秒" in service.body["card"]["elements"][0]["content"]


async def test_pagerduty_triggers_and_resolves_one_key():
    async with channel("pagerduty") as (made, service):
        await made.send([Notice(event())], T)
        fired = service.body
        await made.send([Notice(event("resolved"))], T)
        assert (fired["event_action"], fired["payload"]["severity"]) == ("trigger", "warning")
        assert {"summary", "source", "severity"} <= fired["payload"].keys()
        assert (service.body["event_action"], service.body["dedup_key"]) == ("resolve", fired["dedup_key"])


async def test_a_storm_stays_within_the_services_limits():
    many = [Notice(event(episode=f"f{n}-1", queue="水" * 200)) for n in range(500)]
    for kind, most in (("wecom", 4096), ("teams", 28_000), ("dingtalk", 20_000), ("feishu", 20_000)):
        async with channel(kind) as (made, service):
            assert await made.send(many, T) == Delivered()
            body = service.body
            size = len((body["markdown"]["content"] if kind == "wecom" else service.requests[-1][1].decode()).encode())
            assert size <= most, kind
    async with channel("slack") as (made, service):
        await made.send(many, T)
        assert all(len(block["text"]["text"]) <= 3000 for block in service.body["blocks"] if "text" in block)


async def test_a_number_that_has_the_text_is_not_called_again():
    async with channel("sms", (200, YES["sms"]), (500, b"")) as (made, service):
        assert isinstance(await made.send([Notice(event())], T), Retry)
        assert await made.send([Notice(event())], T) == Delivered()
        numbers = [orjson.loads(body)["to"] for _, body in service.requests]
        assert numbers == ["+8613800138000", "+4930123", "+4930123"]


async def test_a_number_that_is_refused_keeps_no_later_message_from_another():
    async with channel("sms", *3 * [(200, YES["sms"]), (400, b"")]) as (made, service):
        numbers = []
        for told, now in ((event(), T), (event(episode="f1-2"), T), (event(), T + TRIED_AGAIN_MS)):
            assert isinstance(await made.send([Notice(told)], now), Failed)
            numbers += [orjson.loads(body)["to"] for _, body in service.requests]
            service.requests.clear()
        assert numbers == 3 * ["+8613800138000", "+4930123"]


@asynccontextmanager
async def mail_server(**answers):
    """A small SMTP server; `answers` replaces the reply to a verb."""
    received = []

    async def talk(reader, out):
        out.write(b"220 mail.example.org\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].split(":")[0].upper()
            reply = answers.get(
                verb, {"EHLO": "250 mail.example.org", "DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")
            )
            out.write(f"{reply}\r\n".encode())
            if reply.startswith("354"):
                received.append(await reader.readuntil(b"\r\n.\r\n"))
                out.write(b"250 queued\r\n")
            if verb == "QUIT":
                break
        out.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], received


def mail(port, **fields):
    told = {"type": "email", "host": "127.0.0.1", "port": port, "tls": "none", "sender": "hotline@example.org"}
    settings = TypeAdapter(ChannelSettings).validate_python(told | {"to": ["duty@example.org"]} | fields)
    return people_channel(settings, "duty", writer(paging="hotline"))


async def test_mail_is_handed_over_with_the_same_id_for_every_try():
    async with mail_server() as (port, received):
        for _ in range(2):
            assert await mail(port).send([Notice(event())], T) == Delivered()
    ids = {line for message in received for line in message.splitlines() if line.startswith(b"Message-ID")}
    assert len(ids) == 1
    assert b"5 waiting past 20 s" in received[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x85", "\u2028"])
async def test_a_queue_whose_name_has_two_lines_is_told_in_one(end):
    async with mail_server() as (port, received):
        assert await mail(port).send([Notice(event(queue=f"water{end}works"))], T) == Delivered()
    [message] = received
    assert b"Subject: [FIRING 1] warning: h water works" in message


@pytest.mark.parametrize("field", ["user", "password"])
def test_a_login_that_smtp_cannot_carry_is_refused_at_the_start(field):
    with pytest.raises(ValidationError, match="logins by SMTP are ASCII") as refused:
        mail(25, **{"tls": "starttls", field: "schlüssel"})
    assert "schlüssel" not in str(refused.value.errors(include_input=False))


@pytest.mark.parametrize(
    ("answers", "fields", "outcome", "reason"),
    [
        ({"RCPT": "550 no such user"}, {}, Failed, "client_error"),
        ({"RCPT": "451 later"}, {}, Retry, "server_error"),
        ({"MAIL": "421 busy"}, {}, Retry, "server_error"),
        ({"RCPT": "471 greylisted"}, {}, Retry, "server_error"),
        ({"DATA": "250 ok"}, {}, Retry, "bad_answer"),
        ({"MAIL": "what?"}, {}, Retry, "bad_answer"),
        ({}, {"tls": "starttls"}, Retry, "bad_answer"),
    ],
)
async def test_mail_that_is_refused(answers, fields, outcome, reason):
    async with mail_server(**answers) as (port, received):
        result = await mail(port, **fields).send([Notice(event())], T)
    assert (type(result), result.reason, received) == (outcome, reason, [])


async def test_mail_that_was_taken_is_delivered_whatever_is_said_to_the_farewell():
    async with mail_server(QUIT="500 stay") as (port, received):
        assert await mail(port).send([Notice(event())], T) == Delivered()
    assert len(received) == 1


async def test_a_mail_server_that_talks_without_end_is_left(monkeypatch):
    monkeypatch.setattr(email, "LONGEST_S", 0.2)
    left = asyncio.Event()

    async def talk(_reader, out):
        with suppress(ConnectionError):
            while not left.is_set():
                out.write(b"220-one moment\r\n")
                await out.drain()
                await asyncio.sleep(0.01)
        out.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        made = mail(server.sockets[0].getsockname()[1])
        outcome = await made.send([Notice(event())], T)
        left.set()
        await made.close()
    assert outcome == Retry("timeout", None, "no answer in time")


@pytest.mark.parametrize("path", [True, 5, ["/run/secrets/mail"]])
def test_a_secrets_file_that_is_no_path_is_refused_at_the_start(path):
    with pytest.raises(ValidationError, match="password_file: write the path of a file"):
        mail(25, password_file=path)


async def test_a_mail_host_that_cannot_be_one_ends_nothing():
    outcome = await mail(25, host="a..b").send([Notice(event())], T)
    assert (type(outcome), outcome.reason) == (Retry, "refused")


@pytest.mark.parametrize(
    "text", ["", "hotline@", "@x", "a@b@c", "<>", "a, b@c", "x@y\n", "x@y\r\nBcc: z@z", "group: a@b;"]
)
@pytest.mark.parametrize("field", ["sender", "to"])
def test_what_is_no_mailbox_is_refused_at_the_start(field, text):
    with pytest.raises(ValidationError, match="is no address of a mailbox"):
        mail(25, **{field: text if field == "sender" else [text]})


@pytest.mark.parametrize(
    "text",
    [
        "root",
        "duty@localhost",
        "Duty <duty@example.org>",
        '"On duty, 24 h" <duty@example.org>',
        "值班 <a.b+c@d.example>",
    ],
)
async def test_a_mailbox_is_told(text):
    async with mail_server() as (port, received):
        assert await mail(port, sender=text, to=[text]).send([Notice(event())], T) == Delivered()
    assert received


@given(st.from_regex(settings._MAILBOX, fullmatch=True), st.from_regex(settings._MAILBOX, fullmatch=True))
def test_whatever_passes_for_a_mailbox_can_be_written_to(sender, to):
    assume(sender.isprintable() and to.isprintable())
    message = mail(25, sender=sender, to=[to])._message([Notice(event())], T)
    assert len(message["To"].addresses) == len(message["From"].addresses) == 1
    assert message.as_bytes(policy=message.policy.clone(utf8=not (sender + to).isascii()))  # as smtplib has it


async def test_more_than_the_service_allows_in_a_minute_waits_and_is_not_sent():
    async with channel("wecom") as (made, service):
        outcomes = [await made.send([Notice(event())], T + n * 1000) for n in range(22)]
        assert [type(outcome) for outcome in outcomes] == [Delivered] * 20 + [Retry] * 2
        assert (outcomes[20].reason, outcomes[20].after_s, outcomes[21].after_s) == ("rate_limited", 40, 39)
        assert len(service.requests) == 20
        assert await made.send([Notice(event())], T + 60_000) == Delivered()
        assert isinstance(await made.send([Notice(event())], T + 60_500), Retry)


async def test_of_a_storm_only_what_was_not_taken_is_sent_again():
    """PagerDuty takes one event at a time; a refusal in the middle must not begin all anew."""
    notices = [Notice(event(episode=f"f{n}-1")) for n in range(5)]
    taken = set()
    async with channel("pagerduty") as (made, service):
        service.answers = [(200, YES["pagerduty"]), (200, YES["pagerduty"]), (429, b"")]
        assert isinstance(await _send(made, notices, taken, lambda: T), Retry)
        assert await _send(made, notices, taken, lambda: T) == Delivered()
        keys = [orjson.loads(body)["dedup_key"] for _, body in service.requests]
        assert keys == ["f0-1", "f1-1", "f2-1", "f2-1", "f3-1", "f4-1"]


LINKED = writer(paging="hotline", link_key="a-key-of-some-length", external_url="http://board/")


@pytest.mark.parametrize("kind", ["slack", "teams", "wecom", "dingtalk", "feishu"])
async def test_a_message_carries_links_by_which_its_receiver_answers(kind):
    many = [Notice(event(episode=f"f{n}-1", queue="水" * 200)) for n in range(30)]
    async with channel(kind, writer=LINKED) as (made, service):
        assert await made.send(many, T) == Delivered()
        text = service.requests[-1][1].decode().replace("&amp;", "&")
        links = re.findall(r"http://board/callbacks/alert\?[\w=&+%.-]+", text)
        told = [signed_links.read(dict(parse_qsl(urlsplit(link).query)), LINKED.link_key, T) for link in links]
        assert [link.answer for link in told] == ["acknowledge", "useful", "noise"]
        assert {link.receiver for link in told} == {"duty"}
        assert told[0].episodes[0] in {notice.event.episode for notice in many}


async def test_slacks_buttons_tell_the_answer_and_the_episodes():
    async with channel("slack", buttons=True) as (made, service):
        await made.send([Notice(event()), Notice(event(episode="f2-1"))], T)
        (actions,) = [block for block in service.body["blocks"] if block["type"] == "actions"]
        assert [(b["action_id"], b["value"]) for b in actions["elements"]] == [
            (answer, "f1-1 f2-1") for answer in ("acknowledge", "useful", "noise")
        ]
        await made.send([Notice(event("resolved"))], T)
        assert all(block["type"] != "actions" for block in service.body["blocks"])


async def test_a_message_says_when_it_is_due_in_the_hotlines_time():
    board = writer(paging="hotline", zones={"h": ZoneInfo("Asia/Shanghai")})
    async with channel("wecom", writer=board, language="zh") as (made, service):
        await made.send([Notice(event(), due_at=T + 3_600_000)], T)
        assert "请在 11-15 07:13 前处理" in service.body["markdown"]["content"]


OLD_MODULE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it


@OLD_MODULE
@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Delivered()), (500, Retry("server_error", None, "Apprise says that it was not taken"))],
)
async def test_apprise_carries_the_words_to_a_service_of_its_own(status, outcome):
    said = []

    async def post(request):
        said.append(await request.json())
        return web.Response(status=status)

    async with servers.serving(web.post("/notify", post)) as base:
        told = {"type": "apprise", "url": base.replace("http://", "json://") + "/notify"}
        made = people_channel(TypeAdapter(ChannelSettings).validate_python(told), "duty", LINKED)
        assert await made.send([Notice(event())], T) == outcome
    assert said[0]["title"] == "[FIRING 1] warning: h q"
    assert "5 waiting past 20 s" in said[0]["message"]
    assert "callbacks/alert?do=acknowledge" in said[0]["message"]
    assert said[0]["type"] == "warning"


@OLD_MODULE
async def test_an_address_that_apprise_does_not_know_is_refused():
    told = {"type": "apprise", "url": "nonsense://x"}
    made = people_channel(TypeAdapter(ChannelSettings).validate_python(told), "duty", LINKED)
    assert await made.send([Notice(event())], T) == Failed("client_error", "Apprise does not know this address")
