"""What comes back from PagerDuty, Slack and links in messages: only what is signed, by whom it says, written as a command's."""

import hmac
import json
import re
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import city
import pytest

from deploy.runtime import signed_links
from streams.contract.alerts import Acknowledgement, Feedback

PAGERDUTY, SLACK, LINKS = "pd-secret", "slack-secret", "a-key-of-some-length"
FINGERPRINT = "ServiceLevelUnderTarget-utilities"


@pytest.fixture
def settings():
    callbacks = {
        "pagerduty_secret": PAGERDUTY,
        "slack_secret": SLACK,
        "slack_team": "T1",
        "link_key": LINKS,
    }
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline", alerts={"callbacks": callbacks})


@pytest.fixture
def written(site) -> list:
    records: list = []

    async def write(kafka, record) -> None:
        records.append(record)

    site.site.callbacks.write = write
    return records


@pytest.fixture
def episode(site):
    alert = site.site.board.alerts[FINGERPRINT]
    alert.episode = f"{FINGERPRINT}-1"  # as the alerts room names them: no two are alike
    return alert.episode


def signed(body, secret=PAGERDUTY):
    return "v1=" + hmac.new(secret.encode(), body, sha256).hexdigest()


def incident(episode, kind="incident.acknowledged", agent=True):
    """As PagerDuty's webhooks, version 3, send it."""
    who = {"id": "PXPGF42", "summary": "Earline Greenholt", "type": "user_reference"}
    event = {
        "id": "5ac64822", "event_type": kind, "resource_type": "incident", "occurred_at": "2026-05-20T14:00:00.000Z",
        "agent": who if agent else None, "client": {"name": "PagerDuty"},
        "data": {"id": "PT4KHLK", "type": "incident", "status": "acknowledged", "incident_key": episode},
    }  # fmt: skip
    return json.dumps({"event": event}).encode()


async def pagerduty(http, body, signature):
    return await http.post("/callbacks/pagerduty", data=body, headers={"X-PagerDuty-Signature": signature})


async def test_an_incident_acknowledged_in_pagerduty_is_taken_on_here(site, http, written, episode) -> None:
    body = incident(episode)
    response = await pagerduty(http, body, "v1=" + "0" * 64 + "," + signed(body))  # an old and a new secret
    assert response.status == 204
    assert written == [
        Acknowledgement(fingerprint=FINGERPRINT, author="Earline Greenholt", note="PagerDuty", at=site.now)
    ]


@pytest.mark.parametrize("signature", ["", "v1=", "v1=" + "0" * 64, signed(b"{}"), signed(incident("x"), "other")])
async def test_what_is_not_signed_is_refused(http, written, episode, signature) -> None:
    assert (await pagerduty(http, incident(episode), signature)).status == 403
    assert written == []


async def test_other_events_and_unknown_incidents_change_nothing(http, written, episode) -> None:
    for body in (incident(episode, "incident.resolved"), incident("nobody's")):
        assert (await pagerduty(http, body, signed(body))).status == 204
    assert written == []
    assert (await pagerduty(http, b"[]", signed(b"[]"))).status == 400


def pressed(action, episode, team="T1"):
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "chen", "name": "chen"},
        "team": {"id": team, "domain": "city"},
        "actions": [{"type": "button", "action_id": action, "value": f"{episode} unknown-1"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def slack(site, http, body, *, age_s=0, secret=SLACK):
    stamp = str(site.now // 1000 - age_s)
    sign = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, sha256).hexdigest()
    headers = {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return await http.post("/callbacks/slack", data=body, headers=headers)


async def test_a_button_in_slack_is_an_answer_of_its_user(site, http, written, episode) -> None:
    assert (await slack(site, http, pressed("acknowledge", episode))).status == 200
    assert (await slack(site, http, pressed("noise", episode))).status == 200
    taken, thought = written
    assert taken == Acknowledgement(fingerprint=FINGERPRINT, author="chen", note="Slack", at=site.now)
    assert isinstance(thought, Feedback)
    assert (thought.episode, thought.verdict, thought.author) == (episode, "noise", "chen")
    assert thought.rule == "ServiceLevelUnderTarget"


async def test_slack_is_believed_only_signed_fresh_and_of_our_team(site, http, written, episode) -> None:
    body = pressed("acknowledge", episode)
    assert (await slack(site, http, body, secret="other")).status == 403
    assert (await slack(site, http, body, age_s=301)).status == 403
    assert (await slack(site, http, pressed("acknowledge", episode, "T2"))).status == 403
    assert (await slack(site, http, pressed("delete_all", episode))).status == 400
    assert written == []


def link(site, answer, *episodes, key=LINKS, age_ms=0):
    said = signed_links.made(answer, episodes, "water-desk", site.now - age_ms)
    address = urlsplit(signed_links.address("http://board", said, key))
    return f"{address.path}?{address.query}"


async def test_a_link_asks_first_and_its_button_answers(site, http, written, episode) -> None:
    response = await http.get(link(site, "acknowledge", episode))
    page = await response.text()
    assert response.status == 200
    assert written == []  # whatever looks at links in advance answers for nobody
    assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    answered = await http.post("/callbacks/alert", data=form | {"name": "Chen\x07 Yu", "note": "on my way"})
    assert answered.status == 200
    assert written == [
        Acknowledgement(fingerprint=FINGERPRINT, author="Chen Yu (water-desk)", note="on my way", at=site.now)
    ]


async def test_a_link_that_is_forged_old_or_changed_is_refused(site, http, written, episode) -> None:
    fields = {name: told[0] for name, told in parse_qs(urlsplit(link(site, "noise", episode)).query).items()}
    assert (await http.get(link(site, "noise", episode, key="another-key-of-length"))).status == 403
    assert (await http.get(link(site, "noise", episode, age_ms=signed_links.GOOD_FOR_MS + 1))).status == 403
    for change in (
        {"do": "acknowledge"},
        {"of": "other-1"},
        {"for": "chief"},
        {"until": "9999999999999"},
        {"sign": ""},
    ):
        assert (await http.post("/callbacks/alert", data=fields | change)).status == 403
    assert (await http.post("/callbacks/alert", data={"do": "noise"})).status == 403
    assert written == []


async def test_what_is_over_cannot_be_taken_on_and_is_judged_still(site, http, written, episode) -> None:
    board = site.site.board
    board.alerts[FINGERPRINT].state = "resolved"
    for answer, count in (("acknowledge", 0), ("useful", 1)):
        fields = {name: told[0] for name, told in parse_qs(urlsplit(link(site, answer, episode)).query).items()}
        response = await http.post("/callbacks/alert", data=fields)
        assert response.status == 200
        assert ("it is over" in await response.text()) == (count == 0)
        assert len(written) == count
    assert written[0].author == "water-desk"


class TestClosed:
    """Without secrets there is no way in."""

    @pytest.fixture
    def settings(self):
        return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline")

    async def test_every_way_is_closed(self, site, http, written, episode) -> None:
        body = incident(episode)
        assert (await pagerduty(http, body, signed(body, ""))).status == 404
        assert (await slack(site, http, pressed("acknowledge", episode), secret="")).status == 404
        assert (await http.get(link(site, "acknowledge", episode, key=""))).status == 404
        assert written == []
