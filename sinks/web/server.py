"""What the web process serves: the page, its stream, the API, health and metrics."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from deploy.runtime.settings import Settings
from sinks.web.actions import Actions
from sinks.web.answers import csv_response, error_response, json_response
from sinks.web.api import FORMATS, Api
from sinks.web.audit import Audit
from sinks.web.board import Board
from sinks.web.callbacks import Callbacks
from sinks.web.deeds import LOOPBACK, offered
from sinks.web.districts import read as read_outlines
from sinks.web.figures import Figures
from sinks.web.gate import PERSON, Gate
from sinks.web.openapi import document
from sinks.web.past import AwayError
from sinks.web.people import Person
from sinks.web.planning import Planning
from sinks.web.reader import Reader
from sinks.web.screens import Look, Screens

STATIC = Path(__file__).with_name("static")
LOOK_S = 0.5
"""Seconds between two looks at the board when nothing comes: ages grow."""
LOOKS_APART_S = 0.25
LOOKING_AT_MOST = 0.15
"""Share of the time that looking may take when much comes: a large board is looked at less often than a small one."""
LOOK_BACK_S = 300.0
LOOK_BACK_FIRST_S = 15.0
RECONNECT_MS = 1_000
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MOST_BYTES = 64 * 1024
MOST_QUEUES = 100


def wall_ms() -> int:
    return int(time.time() * 1000)


class Site:
    """The routes and what they share. `now()` is wall time in ms."""

    def __init__(self, board: Board, reader: Reader, settings: Settings, *, now: Callable[[], int] = wall_ms) -> None:
        self.board, self.reader, self.settings, self.now = board, reader, settings, now
        self.audit = Audit(settings.kafka, lambda: self.now())  # noqa: PLW0108  (tests move the clock)
        self.gate = Gate(settings, lambda: self.now(), self.audit)  # noqa: PLW0108
        self.screens = Screens(board, reader, settings, lambda: self.now())  # noqa: PLW0108
        outlines = read_outlines(settings.web.map) if settings.web.map else None
        self.api = Api(board, reader, settings, lambda: self.now(), gate=self.gate, outlines=outlines)  # noqa: PLW0108
        self.actions = Actions(board, settings, lambda: self.now(), self.gate)  # noqa: PLW0108
        self.planning = Planning(board, reader, settings, lambda: self.now(), self.gate)  # noqa: PLW0108
        self.callbacks = Callbacks(board, settings, lambda: self.now())  # noqa: PLW0108
        self._published = asyncio.Event()
        self._closing = False
        self._metrics = CollectorRegistry()
        self._metrics.register(Figures(board, reader, lambda: self.screens.open))

    def application(self) -> web.Application:
        """The aiohttp application; its clean-up ends the open streams."""
        app = web.Application(middlewares=[self._guard], client_max_size=MOST_BYTES)
        app.add_routes(
            [
                web.get("/", self.page),
                web.get("/api/v1/stream", self.stream),
                web.get("/api/v1/board", self.show_board),
                web.get("/api/v1/openapi.json", self.openapi),
                *self.api.routes(),
                *self.actions.routes(),
                *self.planning.routes(),
                *self.callbacks.routes(),
                *self.gate.routes(),
                web.get("/healthz", self.healthz),
                web.get("/metrics", self.metrics),
                web.static("/static", STATIC),
            ]
        )
        app.on_shutdown.append(self._close)
        return app

    def publish(self) -> None:
        """Take a look at the board and wake the streams if anything changed."""
        if self.screens.publish():
            self._wake()

    def look(self, person: Person, request: web.Request) -> Look:
        """What somebody is shown: what they may see, of the group of queues asked for."""
        group = request.query.get("queues", "")
        sees = person.sees.narrowed(group.split(",")[:MOST_QUEUES]) if group else person.sees
        judges = offered(self.settings) and person.may("act")
        return Look(sees, acts=judges and self.settings.paging == "hotline", judges=judges)

    async def publish_for_ever(self) -> None:
        """Look at the board when something has come, or every half a second."""
        came = self.reader.intake.came
        while True:
            came.clear()
            begun = time.perf_counter()
            self.publish()
            took = time.perf_counter() - begun
            apart = min(LOOK_S, max(LOOKS_APART_S, took / LOOKING_AT_MOST))
            await asyncio.sleep(apart)
            with suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), LOOK_S - apart)

    async def look_back_for_ever(self) -> None:
        """Ask ClickHouse for what the board shows of the last weeks; while it is away the last answer stands."""
        while True:
            with suppress(AwayError):
                self.screens.worst = await self.api.worst_of_board()
            await asyncio.sleep(LOOK_BACK_S if self.screens.worst else LOOK_BACK_FIRST_S)

    async def page(self, request: web.Request) -> web.FileResponse:
        known = self.gate.identify(request) is not None or self.settings.web.access.mode != "accounts"
        return web.FileResponse(
            STATIC / ("index.html" if known else "login.html"), headers={"Cache-Control": "no-cache"}
        )

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: everything first (or what changed since `Last-Event-ID`), then what changes."""
        response = web.StreamResponse(
            headers=HEADERS
            | {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        seen = request.headers.get("Last-Event-ID")
        look = self.look(request[PERSON], request)
        parts = self.screens.hold(look)
        if parts is None:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, "too many different boards are open: try again later")
        try:
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RECONNECT_MS)
            while not self._closing and self.look_holds(request, look):
                published = self._published
                message = parts.since(seen)
                if message is None:
                    await published.wait()
                    continue
                await response.write(message.encode())
                seen = message.id
        except ConnectionResetError:
            pass  # the screen went away; it comes back by itself with the id it saw last
        finally:
            self.screens.let_go(look)
        return response

    def look_holds(self, request: web.Request, look: Look) -> bool:
        """Whether whoever opened a stream may still see it: a session that is over ends its streams."""
        person = self.gate.identify(request)
        return person is not None and self.look(person, request) == look

    async def show_board(self, request: web.Request) -> web.Response:
        """The whole board; with `format=csv` its tiles, a row per queue."""
        form = request.query.get("format", "json")
        if request.query.keys() - {"format", "queues"} or form not in FORMATS:
            return error_response(HTTPStatus.BAD_REQUEST, f"the parameters are queues and format: {', '.join(FORMATS)}")
        self.publish()
        parts = self.screens.parts(self.look(request[PERSON], request))
        if form == "csv":
            if not request[PERSON].may("export"):
                self.gate.note(request, "refused")
                return error_response(HTTPStatus.FORBIDDEN, f"a {request[PERSON].role} takes no tables away")
            self.gate.note(request, "export")
            board = orjson.loads(parts.board())
            return csv_response([board["tiles"][queue] for queue in board["order"]], "board")
        return json_response(parts.board())

    async def openapi(self, request: web.Request) -> web.Response:
        del request
        return json_response(orjson.dumps(document()))

    async def healthz(self, request: web.Request) -> web.Response:
        del request
        problems = [self.reader.problem] if self.reader.problem else []
        body = {
            "ready": not problems,
            "problems": problems,
            "data_as_of": self.board.clock,
            "screens": self.screens.open,
            "positions": {f"{p.topic}/{p.partition}": offset for p, offset in self.reader.positions.items()},
        }
        return json_response(orjson.dumps(body), HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK)

    async def metrics(self, request: web.Request) -> web.Response:
        if not self.gate.reads_metrics(request):
            return error_response(HTTPStatus.FORBIDDEN, "metrics are read from this machine or web.access.metrics_from")
        body = generate_latest(REGISTRY) + generate_latest(self._metrics)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _wake(self) -> None:
        published, self._published = self._published, asyncio.Event()
        published.set()

    async def _close(self, app: web.Application) -> None:
        del app
        self._closing = True
        self._wake()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Security headers, and on loopback only names of this machine: a foreign page must not read us by its name."""
        try:
            response = await self._admit(request, handler)
        except web.HTTPException as refused:  # aiohttp's own: no such path, another method, too large
            refused.headers.update(HEADERS)
            raise
        if not response.prepared:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            if request.path.startswith("/static/"):
                response.headers.setdefault("Cache-Control", "no-cache")
        return response

    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.settings.web.host in LOOPBACK and _host(f"//{request.host}") not in self._names():
            return error_response(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"this is not {request.host}: open http://127.0.0.1:{self.settings.web.port}/ or set web.external_url",
            )
        person = self.gate.identify(request)
        if person is not None:
            request[PERSON] = person
        elif request.path.startswith("/api/") and not (request.path == "/api/v1/session" and request.method == "POST"):
            return error_response(HTTPStatus.UNAUTHORIZED, "log in first")
        return await handler(request)

    def _names(self) -> frozenset[str | None]:
        return LOOPBACK | {_host(self.settings.web.external_url)}


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
