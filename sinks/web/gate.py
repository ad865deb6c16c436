"""Who asks: from a session of their own, from a proxy that is trusted, or from nobody in particular. Login and logout.

Foreign pages cannot act through somebody's browser: what changes something is JSON with a header of ours from this
very origin, and the session's cookie is of this site only.
"""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import orjson
from aiohttp import web

from deploy.runtime.settings import Settings
from sinks.web.answers import error_response, json_response
from sinks.web.audit import Audit
from sinks.web.passwords import Session, Sessions, Tries, hash_password, verify
from sinks.web.people import ANYBODY, RIGHTS, Person, of_proxy, person
from streams.contract.audit import AuditAction

COOKIE = "hotline_session"
HEADER = "X-Hotline-Action"
PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)
_AT_ONCE = 2
_HERE = (ip_network("127.0.0.0/8"), ip_network("::1"))


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants in."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


def foreign(request: web.Request) -> web.Response | None:
    """The refusal of a request that changes something and does not come from this page; None: it does."""
    origin = request.headers.get("Origin")
    other = origin is not None and urlsplit(origin).netloc != request.host
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if other or site != "same-origin" or HEADER not in request.headers:
        return error_response(HTTPStatus.FORBIDDEN, f"not from this page: {HEADER} and the same origin are needed")
    if request.content_type != "application/json":
        return error_response(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON as application/json")
    return None


class Gate:
    """Tells people apart. `now()` is wall time in ms."""

    def __init__(self, settings: Settings, now: Callable[[], int], audit: Audit) -> None:
        self.access, self.external_url = settings.web.access, settings.web.external_url
        self.now, self.audit = now, audit
        self._sessions = Sessions(self.access.session_key.get_secret_value().encode())
        self._tries = Tries()
        self._hashing = asyncio.Semaphore(_AT_ONCE)
        self._nobody = hash_password("") if self.access.mode == "accounts" else ""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/me", self.me),
            web.post("/api/v1/session", self.log_in),
            web.delete("/api/v1/session", self.log_out),
        ]

    def identify(self, request: web.Request) -> Person | None:
        """Who asks; None: nobody known."""
        match self.access.mode:
            case "open":
                return ANYBODY
            case "proxy":
                name = _said(request, self.access.name_header).strip()
                if not name or not self._trusted(request):
                    return None
                groups = _said(request, self.access.groups_header).split(",")
                return of_proxy(name, (group.strip() for group in groups), self.access)
            case "accounts":
                return self._of_session(request.cookies.get(COOKIE, ""))

    def _of_session(self, token: str) -> Person | None:
        name = self._sessions.name_of(token)
        account = self.access.people.get(name)
        if account is None or not account.password.get_secret_value():
            return None
        found = self._sessions.read(token, account.password.get_secret_value(), self.now())
        return person(name, account) if found is not None else None

    def note(self, request: web.Request, action: AuditAction, what: str = "") -> None:
        """Put a deed of whoever asks into the audit; without `what`, what was asked for."""
        found = request[PERSON]
        self.audit.say(action, found.name, self.address(request), role=found.role, what=what or str(request.rel_url))

    def address(self, request: web.Request) -> str:
        """Whence somebody asks: through a trusted proxy, what the proxy says."""
        told = _said(request, "X-Forwarded-For").rpartition(",")[2].strip()
        return told if told and self._trusted(request) else request.remote or ""

    def reads_metrics(self, request: web.Request) -> bool:
        """Whether the address asked from may read the process' metrics: this machine, and the networks named."""
        return self.access.mode == "open" or _within(request.remote, (*_HERE, *self.access.metrics_from))

    def _trusted(self, request: web.Request) -> bool:
        return _within(request.remote, self.access.trusted_proxies)

    async def me(self, request: web.Request) -> web.Response:
        """Who asks and what they may do; 401 where nobody is known."""
        found = request[PERSON]
        told = {
            "name": found.name,
            "role": found.role,
            "rights": sorted(RIGHTS[found.role]),
            "mode": self.access.mode,
            "sees": {name: None if names is None else sorted(names) for name, names in found.sees._asdict().items()},
        }
        return json_response(orjson.dumps(told))

    async def log_in(self, request: web.Request) -> web.Response:
        """A name and its password for a session."""
        refusal = foreign(request)
        if refusal is not None:
            return refusal
        if self.access.mode != "accounts":
            return error_response(HTTPStatus.CONFLICT, "there are no local accounts here (web.access.mode)")
        try:
            asked = msgspec.json.decode(await request.read(), type=Login)
        except msgspec.DecodeError as error:
            return error_response(HTTPStatus.BAD_REQUEST, str(error))
        keys = (f"name {asked.name}", f"address {self.address(request)}")
        wait_ms = self._tries.wait_ms(keys, self.now())
        if wait_ms:
            refused = error_response(HTTPStatus.TOO_MANY_REQUESTS, f"too many tries: wait {-(-wait_ms // 1000)} s")
            refused.headers["Retry-After"] = str(-(-wait_ms // 1000))
            return refused
        self._tries.failed(keys, self.now())  # counted before the hash is: tries side by side count too
        account = self.access.people.get(asked.name)
        stored = account.password.get_secret_value() if account else ""
        async with self._hashing:
            # somebody who does not exist takes as long as a wrong password
            fits = await asyncio.to_thread(verify, asked.password, stored or self._nobody)
        if not (fits and stored):
            self.audit.say("login_failed", asked.name, self.address(request))
            return error_response(HTTPStatus.UNAUTHORIZED, "this name and password do not fit")
        self._tries.passed(keys)
        self.audit.say("login", asked.name, self.address(request))
        hours = self.access.session_hours
        token = self._sessions.issue(Session(asked.name, self.now() + hours * 3_600_000), stored)
        response = json_response(orjson.dumps({"name": asked.name}))
        secure = self.external_url.startswith("https:")
        response.set_cookie(COOKIE, token, max_age=hours * 3600, httponly=True, samesite="Strict", secure=secure)
        return response

    async def log_out(self, request: web.Request) -> web.Response:
        refusal = foreign(request)
        if refusal is not None:
            return refusal
        self.audit.say("logout", request[PERSON].name, self.address(request))
        response = json_response(b"{}")
        response.del_cookie(COOKIE)
        return response


def _said(request: web.Request, header: str) -> str:
    """What a header says: in UTF-8, else in ISO-8859-1, as older proxies write names."""
    raw = request.headers.get(header, "").encode(errors="surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def _within(remote: str | None, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    return any(address in network for network in networks)
