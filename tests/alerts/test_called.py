"""`hotline alerts who`: whom an alert would call, and who is on call."""

import pytest
import servers
import yaml
from aiohttp import web
from click.testing import CliRunner

from alerts import calendars
from alerts.called import called, lasting
from alerts.duty import Duty
from alerts.on_call import OnCall
from deploy.cli import duty as command
from deploy.cli.main import cli
from deploy.runtime.alerts_settings import Alerts
from deploy.runtime.settings import Settings

MONDAY = 1_764_460_800_000  # 2025-11-30 00:00 UTC, 08:00 in Shanghai
HOUR = 3_600_000


def plan(**schedule):
    chat = [{"type": "slack", "url": "https://chat.example.org/secret"}]
    desk = [
        {"type": "wecom", "url": "https://chat.example.org/secret"},
        {"type": "sms", "url": "https://sms.example.org/secret", "to": ["+1"]},
    ]
    turns = {"people": ["li", "wang"], "begin": "2025-11-23T09:00"}
    rota = {"name": "engineers", "time_zone": "Asia/Shanghai", "otherwise": "li", "rotations": [turns]} | schedule
    desk_first = [{"tell": ["water-desk"], "next_after_s": 600}, {"tell": ["engineers"]}]
    return {
        "receivers": [
            {"name": "water-desk", "channels": desk},
            *({"name": name, "channels": chat} for name in ("li", "wang")),
        ],
        "schedules": [rota],
        "routes": [
            {"match": {"queue": "water*"}, "due_s": 7200, "chain": desk_first},
            {"chain": [{"tell": ["engineers"]}]},
        ],
    }


def test_the_first_route_that_matches_step_by_step_with_whoever_is_on_call_then():
    duty = Duty.model_validate(plan())
    on_call = OnCall(duty.schedules)
    assert list(called(duty, on_call, {"queue": "water-1"}, MONDAY)) == [
        "route 1: queue=water*",
        "  after 5s      water-desk by wecom then sms",
        "  after 605s    li (on call: engineers) by slack",
        "  overdue after 2h: water-desk by wecom then sms",
    ]
    others = list(called(duty, on_call, {"queue": "tax"}, MONDAY + HOUR))
    assert others == ["route 2: everything else", "  after 5s      wang (on call: engineers) by slack"]
    assert len(list(called(duty, on_call, {}, MONDAY))) == 6
    only_water = duty.model_copy(update={"routes": duty.routes[:1]})
    assert list(called(only_water, on_call, {"queue": "tax"}, MONDAY)) == ["nobody: no route matches"]


def test_a_handover_is_found_to_the_minute():
    duty = Duty.model_validate(plan())
    on_call = OnCall(duty.schedules)
    assert on_call.handover("engineers", MONDAY + 1) == MONDAY + HOUR
    assert on_call.handover("engineers", MONDAY + HOUR) == MONDAY + 7 * 24 * HOUR + HOUR
    assert on_call.handover("li", MONDAY) is None


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (5, "5s"), (600, "10m"), (7200, "2h"), (605, "605s")])
def test_spans_are_said_as_people_write_them(seconds, text):
    assert lasting(seconds) == text


async def test_calendars_are_read_once_and_one_that_does_not_answer_leaves_the_rotation():
    shift = (
        "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:wang\r\nDTSTART:20251130T000000Z\r\nDTEND:20251130T060000Z\r\nEND:VEVENT\r\n"
    )
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{shift}END:VCALENDAR\r\n"

    async def calendar(_request):
        return web.Response(text=text)

    async with servers.serving(web.get("/ics", calendar)) as base:
        for path, person in (("/ics", "wang"), ("/away", "li")):
            duty = Duty.model_validate(plan(calendar={"url": base + path}))
            assert (await calendars.load(duty, MONDAY)).receiver("engineers", MONDAY) == person


@pytest.fixture
def who(tmp_path, monkeypatch):
    path = tmp_path / "duty.yaml"
    path.write_text(yaml.safe_dump(plan()), encoding="utf-8")

    def run(*arguments, paging="hotline", duty=path):
        settings = Settings(paging=paging, alerts=Alerts(duty=duty))
        monkeypatch.setattr(command, "current", lambda: settings)
        return CliRunner().invoke(cli, ["alerts", "who", *arguments])

    return run


def test_the_command_says_whom_and_until_when_and_no_address(who):
    done = who("queue=water-1", "--at", "2025-11-30T00:00")
    assert done.exit_code == 0, done.output
    assert "li (on call: engineers) by slack" in done.output
    assert "on call in engineers: li until 2025-11-30 09:00 Asia/Shanghai, then wang" in done.output
    assert "secret" not in done.output


def test_what_cannot_be_asked_is_refused_with_what_to_write(who):
    assert "write label=value" in who("water").output
    assert "write 2026-11-25T03:00" in who("--at", "tomorrow").output
    done = who(paging="alertmanager")
    assert (done.exit_code, "amtool config routes test" in done.output) == (2, True)
    done = who(duty=None)
    assert (done.exit_code, "set HOTLINE_ALERTS__DUTY" in done.output) == (2, True)
