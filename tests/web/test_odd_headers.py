"""Headers hold any bytes: names that are no UTF-8, signatures that are no text."""

import json

import city
import msgspec
import pytest
from running_site import RunningSite

from deploy.runtime.access import Access
from sinks.web.gate import COOKIE
from sinks.web.passwords import Session, Sessions, hash_password

HASH = hash_password("correct horse battery")


@pytest.fixture
def settings():
    callbacks = {"pagerduty_secret": "pd-secret", "slack_secret": "slack-secret"}
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline", alerts={"callbacks": callbacks})


@pytest.mark.parametrize("name", ["Müller".encode("iso-8859-1"), "Müller".encode()])
async def test_a_name_that_a_proxy_writes_in_latin_letters_is_read(site: RunningSite, name: bytes) -> None:
    site.site.gate.access = Access(mode="proxy", trusted_proxies=["127.0.0.1/32"], everybody={"role": "viewer"})
    who = b"X-Forwarded-User: " + name
    assert json.loads((await site.raw("GET /api/v1/me", who))[1])["name"] == "Müller"
    assert (await site.raw("GET /api/v1/board?format=csv", who, b"X-Forwarded-For: " + name))[0] == 403
    noted = site.site.audit._waiting.get_nowait()
    assert json.loads(msgspec.json.encode(noted))["name"] == "Müller"


async def test_a_session_whose_signature_is_no_text_is_none(site: RunningSite) -> None:
    site.site.gate.access = Access(mode="accounts", people={"ada": {"role": "admin", "password": HASH}})
    token = Sessions(b"another key").issue(Session("ada", 10**15), HASH).partition(".")[0].encode()
    assert (await site.raw("GET /api/v1/me", b"Cookie: " + COOKIE.encode() + b"=" + token + b".\xff"))[0] == 401


@pytest.mark.parametrize(
    ("way", "header"),
    [
        ("pagerduty", b"X-PagerDuty-Signature"),
        ("slack", b"X-Slack-Signature"),
        ("slack", b"X-Slack-Request-Timestamp"),
    ],
)
async def test_a_signature_that_is_no_text_is_refused(site: RunningSite, way: str, header: bytes) -> None:
    assert (await site.raw(f"POST /callbacks/{way}", header + b": \xff", b"Content-Length: 0"))[0] == 403
