"""`hotline channels`: each channel is tried as it is configured, and its answer said in words."""

import asyncio
import threading

import pytest
import servers
import yaml
from aiohttp import web
from click.testing import CliRunner

from deploy.cli import channels
from deploy.cli.main import cli
from deploy.runtime.alerts_settings import Alerts, Webhook
from deploy.runtime.settings import Settings


class Services:
    """A chat that says what it is told to and a webhook, served from a thread of its own (the command has its own loop)."""

    def __init__(self):
        self.said, self.answer = [], (200, "ok")
        self.ready, self.done = threading.Event(), None

    async def post(self, request):
        self.said.append((request.path, (await request.read()).decode()))
        status, text = self.answer
        return web.Response(status=status, text=text)

    def run(self):
        async def serve():
            self.done, self.loop = asyncio.Event(), asyncio.get_running_loop()
            async with servers.serving(web.post("/{kind}", self.post)) as self.base:
                self.ready.set()
                await self.done.wait()

        asyncio.run(serve())


@pytest.fixture
def services(tmp_path, monkeypatch):
    services = Services()
    thread = threading.Thread(target=services.run)
    thread.start()
    services.ready.wait(60)
    duty = {
        "receivers": [
            {
                "name": "chief",
                "channels": [
                    {"type": "slack", "url": services.base + "/slack"},
                    {"type": "wecom", "url": services.base + "/wecom"},
                ],
            }
        ],
        "routes": [{"chain": [{"tell": ["chief"]}]}],
    }
    path = tmp_path / "duty.yaml"
    path.write_text(yaml.safe_dump(duty), encoding="utf-8")
    settings = Settings(paging="hotline", alerts=Alerts(duty=path, webhooks=(Webhook(url=services.base + "/hook"),)))
    monkeypatch.setattr(channels, "current", lambda: settings)
    yield services
    services.loop.call_soon_threadsafe(services.done.set)
    thread.join(60)


def run(*arguments):
    return CliRunner().invoke(cli, ["channels", *arguments])


def test_a_test_message_and_its_end_are_sent_and_say_that_they_are_a_test(services):
    done = run("test", "chief/slack")
    assert (done.exit_code, done.output) == (0, "chief/slack: taken\n")
    assert [path for path, _ in services.said] == ["/slack", "/slack"]
    assert all("nothing is wrong" in text for _, text in services.said)
    assert "FIRING" in services.said[0][1]
    assert "RESOLVED" in services.said[1][1]


def test_a_receiver_means_all_of_its_channels_and_one_that_fails_says_why(services):
    done = run("test", "chief")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "chief/slack: taken",
        "chief/wecom: NOT TAKEN: bad_answer no JSON with errcode (would be tried again)",
    ]


def test_a_refusal_is_said_without_what_the_service_wrote(services):
    services.answer = (404, "no such hook: SECRET")
    done = run("test", "chief/slack")
    assert (done.exit_code, done.output) == (
        1,
        "chief/slack: NOT TAKEN: client_error HTTP 404 (would not be tried again)\n",
    )


def test_all_channels_are_listed_and_an_unknown_one_is_refused(services):
    lines = run("list").output.split()
    assert lines[::2] == ["webhook", "slack", "wecom"]
    assert lines[3::2] == ["chief/slack", "chief/wecom"]
    done = run("test", "nobody")
    assert done.exit_code == 2
    assert "no channel nobody; there are: webhook-" in done.output


def test_where_none_is_configured_it_is_said_what_to_set(monkeypatch):
    monkeypatch.setattr(channels, "current", Settings)
    listed, tried = run("list"), run("test", "water-desk")
    assert (listed.exit_code, tried.exit_code) == (0, 2)
    for done in (listed, tried):
        assert "HOTLINE_ALERTS__WEBHOOKS" in done.output
        assert "HOTLINE_ALERTS__DUTY" in done.output
