"""The API: figures of any span, of the rolling windows, the worst 24 hours, and the calls behind a number.

Each table leaves as JSON, or as CSV with `format=csv`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from deploy.runtime.settings import Settings
from sinks.web import beside
from sinks.web.answers import csv_response, error_response, json_response
from sinks.web.board import KEPT_MS, Board, Key
from sinks.web.breakdown import breakdown
from sinks.web.breakdown import read as read_breakdown
from sinks.web.calls import calls_behind, read_page
from sinks.web.day import day
from sinks.web.districts import Outlines
from sinks.web.gate import PERSON, Gate
from sinks.web.kept import Kept
from sinks.web.limited_board import Readable, limited
from sinks.web.one_call import one_call
from sinks.web.past import AwayError, Past, bounds_of, minutes, to_counts, windows
from sinks.web.people import Right
from sinks.web.planned import events_answer, events_rows, read_events
from sinks.web.reader import Reader
from sinks.web.rolling import WINDOWS, bounds, measures
from sinks.web.sees import Sees
from sinks.web.snapshot import View, choose_hotline
from sinks.web.summary import (
    BadRequestError,
    NotYoursError,
    Query,
    answer,
    choose,
    given_of,
    heading,
    in_memory,
    iso,
    named,
    parse,
)
from sinks.web.worst import answer_rate_24h_worst
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.events import LIVE

FORMATS = ("json", "csv")
LAST_WEEK_S = 60.0
"""How long an answer about last week is kept before ClickHouse is asked again."""
ESTIMATE_S = 4.0
WORST_S = 60.0
WORST_DAYS = 30
"""Local days that are looked through for the worst 24 hours, unless a span is named."""


class NotFoundError(LookupError):
    """Nothing is known of what was asked for; the text says of what."""


Answer = dict[str, Any]
Rows = Callable[[Answer], Sequence[Mapping[str, Any]]]


def answering(handler: Callable[[web.Request], Awaitable[Answer]], table: str, rows: Rows) -> Handler:
    """A handler whose answer leaves as JSON, or its `rows` as CSV, and whose refusals say whose fault it is.

    `table` is the name of the file.
    """

    async def handle(request: web.Request) -> web.Response:
        form = request.query.get("format", "json")
        if form not in FORMATS:
            return error_response(HTTPStatus.BAD_REQUEST, f"format={form!r}: there are {', '.join(FORMATS)}")
        try:
            found = await handler(request)
        except BadRequestError as error:
            return error_response(HTTPStatus.BAD_REQUEST, str(error))
        except NotYoursError as error:
            return error_response(HTTPStatus.FORBIDDEN, str(error))
        except NotFoundError as error:
            return error_response(HTTPStatus.NOT_FOUND, str(error))
        except AwayError as error:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return json_response(orjson.dumps(found)) if form == "json" else csv_response(rows(found), table)

    return handle


def asked(request: web.Request) -> dict[str, str]:
    """The parameters that say what is asked for; a parameter given twice means its last value."""
    return {name: value for name, value in request.query.items() if name != "format"}


class Api:
    """Answers from memory what memory holds, everything else from ClickHouse; the formulas are the same."""

    def __init__(
        self,
        board: Board,
        reader: Reader,
        settings: Settings,
        now: Callable[[], int],
        *,
        gate: Gate,
        outlines: Outlines | None = None,
    ) -> None:
        self.gate = gate
        self.board, self.reader, self.settings, self.now = board, reader, settings, now
        self.outlines = outlines
        self.past = Past(settings.clickhouse)
        self.kept = Kept()

    def sees(self, request: web.Request) -> Sees:
        """What whoever asks may see."""
        return request[PERSON].sees

    def reading(self, request: web.Request) -> Readable:
        """The board as whoever asks may see it."""
        return limited(self.board, self.sees(request), self.settings)

    def _require(self, request: web.Request, right: Right) -> None:
        """Note who looks at calls. Raises NotYoursError for those who may not."""
        person = request[PERSON]
        if not person.may(right):
            self.gate.note(request, "refused")
            raise NotYoursError(f"a {person.role} does not see this: ask a supervisor")
        if right == "calls":
            self.gate.note(request, "calls")

    def _table(self, handler: Callable[[web.Request], Awaitable[Answer]], table: str, rows: Rows) -> Handler:
        """As `answering`, for those who may take tables away."""

        async def handle(request: web.Request) -> Answer:
            if request.query.get("format") == "csv":
                self._require(request, "export")
                self.gate.note(request, "export")
            return await handler(request)

        return answering(handle, table, rows)

    async def summary(self, query: Query, board: Readable) -> dict[str, Any]:
        """The figures of the span."""
        counts = in_memory(query, board, self.reader.known_from)
        source = "clickhouse" if counts is None else "memory"
        if counts is None:
            counts = await self.past.counts(query)
        return answer(query, counts, self.settings, source=source)

    async def rolling(self, query: Query, name: str | None, board: Readable) -> dict[str, Any]:
        """The figures of one rolling window, or of all. Raises NotFoundError for an unknown feed or hotline."""
        found = self._remembered(query, board)
        source = "clickhouse" if found is None else "memory"
        if found is None and query.queue is None and query.queues is not None:
            raise BadRequestError("this is not in memory: name one of your queues with queue=")
        if found is None:
            rows = await self.past.ask(windows(query, name))
            if not rows:
                raise NotFoundError(f"nothing is known of hotline {query.hotline!r} in feed {query.feed!r}")
            found = {row["window"]: (row["begin_ms"], row["end_ms"], to_counts(row)) for row in rows}
            as_of = rows[0]["as_of_ms"]
        else:
            as_of = self.board.clock
        return {
            "feed": query.feed,
            "hotline": query.hotline,
            "queue": query.queue,
            "time_zone": self.settings.hotline(query.hotline).time_zone,
            "data_as_of": iso(as_of),
            "source": source,
            "windows": {
                window: {
                    "begin": iso(begin),
                    "end": iso(end),
                    **named(counts),
                    **measures(counts, query.threshold_s),
                }
                for window, (begin, end, counts) in found.items()
                if name in {None, window}
            },
        }

    def _remembered(self, query: Query, board: Readable) -> dict[str, tuple[int, int, Counts]] | None:
        """window -> (begin, end, counts) from memory; None if memory does not hold the longest of them."""
        known_from = self.reader.known_from
        if query.feed != board.feed or board.feed != LIVE or board.clock is None or known_from is None:
            return None
        spans = bounds(board.clock, self.settings.hotline(query.hotline).zone)
        if min(begin for begin, _ in spans.values()) < max(known_from, board.clock - KEPT_MS):
            return None
        key = Key(query.hotline, query.queue)
        return {name: (*spans[name], dict(board.rolling(key, name, spans[name]))) for name in WINDOWS}

    async def answer_rate_24h(self, query: Query) -> dict[str, Any]:
        """The worst answer rate over continuous 24 h of the span, as far as the feed has minutes."""
        [known] = await self.past.ask(bounds_of(query))
        worst = None
        if known["number"]:
            rows = await self.past.ask(minutes(query))
            start = max(known["first_ms"], query.start or known["first_ms"])
            end = min(known["last_ms"] + MINUTE_MS, query.end or known["last_ms"] + MINUTE_MS)
            came = {row["minute_ms"]: (row["answered"], row["inbound"]) for row in rows}
            worst = await asyncio.to_thread(answer_rate_24h_worst, came, start, end)
        return {
            **heading(query, self.settings.hotline(query.hotline)),
            "answer_rate_24h_worst": worst.rate if worst else None,
            "begin": iso(worst.begin) if worst else None,
            "end": iso(worst.end) if worst else None,
            "answered": worst.answered if worst else None,
            "inbound": worst.inbound if worst else None,
        }

    async def worst_of_board(self) -> dict[str, Any] | None:
        """The worst 24 hours of the last weeks of the hotline on the board; None before anything is known of it."""
        hotline = choose_hotline(self.board, self.settings)
        if not hotline or self.board.clock is None:
            return None
        query = parse({"hotline": hotline}, self.board, self.settings, self.board.clock, days=WORST_DAYS)
        found = await self.answer_rate_24h(query)
        if found["answer_rate_24h_worst"] is None:
            return None
        return {"rate": found["answer_rate_24h_worst"], "begin": found["begin"], "end": found["end"]}

    async def last_week(self, request: web.Request) -> Answer:
        """The same local day a week ago, up to the same time of day and per quarter of an hour."""
        board, now = self.reading(request), self.now()
        query = beside.last_week(asked(request), board, self.settings, now)
        config = self.settings.hotline(query.hotline)
        day = beside.day_of(query, config)
        steps = await self.kept.of((day.sql, str(day.parameters)), LAST_WEEK_S, lambda: self.past.ask(day))
        counts = await self.kept.of(query, LAST_WEEK_S, lambda: self.past.counts(query))
        return beside.week_answer(query, counts, steps, config, board.clock or now)

    async def estimated_wait(self, request: web.Request) -> Answer:
        """What somebody who queues now will wait, by the last one served."""
        board, sees = self.reading(request), self.sees(request)
        query, statement = beside.waits(asked(request), board, self.settings, self.now(), sees)
        [row] = await self.kept.of((query, sees), ESTIMATE_S, lambda: self.past.ask(statement))
        return beside.wait_answer(query, row, self.settings)

    async def calls(self, request: web.Request) -> Answer:
        """The calls behind a number."""
        self._require(request, "calls")
        as_file = request.query.get("format") == "csv"
        page = read_page(
            asked(request), self.reading(request), self.settings, self.now(), as_file=as_file, sees=self.sees(request)
        )
        found = await calls_behind(page, self.past, self.settings)
        return found | {"names": self._names(found["rows"], found["hotline"])}

    async def call(self, request: web.Request) -> Answer:
        """One call, and its caller's earlier ones."""
        self._require(request, "calls")
        found = await one_call(asked(request), self.reading(request), self.settings, self.past, self.sees(request))
        if found is None:
            raise NotFoundError("nothing is known of this call")
        return found | {"names": self._names([*found["visits"], *found["earlier"]], found["hotline"])}

    def _names(self, rows: Sequence[Mapping[str, Any]], hotline: str) -> dict[str, dict[str, str]]:
        """What people call the categories and districts of some calls; of a path the longest part that has a name."""
        labels = self.settings.hotline(hotline).labels
        names: dict[str, dict[str, str]] = {}
        for category in {row["category"] for row in rows}:
            levels = category.split("/")
            paths = ("/".join(levels[:depth]) for depth in range(len(levels), 0, -1))
            names[category] = next((labels[path] for path in paths if path in labels), {})
        districts = {d.code: dict(d.name) for d in self.outlines.districts} if self.outlines else {}
        for district in {row["district"] for row in rows}:
            names[district] = labels.get(district) or districts.get(district, {})
        return names

    async def breakdown(self, request: web.Request) -> Answer:
        """One rolling window by category, district or department."""
        board = self.reading(request)
        return breakdown(read_breakdown(asked(request), board, self.settings), board, self.settings, self.outlines)

    async def day(self, request: web.Request) -> Answer:
        """Today in cells of 5 minutes."""
        return day(asked(request), self.reading(request), self.settings, self.now())

    async def alerts(self, request: web.Request) -> Answer:
        """What fires, and what has ended."""
        given_of(asked(request), ())
        return View(self.reading(request), self.settings, self.now()).alarms()

    async def events(self, request: web.Request) -> Answer:
        """What is announced: now on, to come, and past."""
        page = read_events(asked(request))
        return events_answer(page, self.reading(request), self.sees(request), self.settings, self.now())

    async def districts(self, request: web.Request) -> Answer:
        """The outlines of the site's districts."""
        given_of(asked(request), ())
        if self.outlines is None:
            raise NotFoundError("this site has no map: name a GeoJSON file with web.map")
        return {
            "width": self.outlines.width,
            "height": self.outlines.height,
            "districts": [district._asdict() | {"name": dict(district.name)} for district in self.outlines.districts],
        }

    def routes(self) -> list[web.RouteDef]:
        """The routes of what is answered in JSON or CSV."""

        async def summary(request: web.Request) -> Answer:
            return await self.summary(self._span(request), self.reading(request))

        async def rolling(request: web.Request) -> Answer:
            board = self.reading(request)
            return await self.rolling(*choose(asked(request), board, self.settings), board)

        async def worst(request: web.Request) -> Answer:
            query = self._span(request, days=WORST_DAYS)
            return await self.kept.of(("worst", query), WORST_S, lambda: self.answer_rate_24h(query))

        def rows(answer: Answer) -> list[Answer]:
            found: list[Answer] = answer["rows"]
            return found

        def windows_of(answer: Answer) -> list[Answer]:
            return [{"window": name, **figures} for name, figures in answer["windows"].items()]

        def cells_of(answer: Answer) -> list[Answer]:
            names = ("offered", "met", "judged", "expected", "lower", "upper")
            starts = [iso(answer["start"] + n * answer["step_s"] * 1000) for n in range(len(answer["offered"]))]
            return [
                {"start": start} | dict(zip(names, cell, strict=True))
                for start, *cell in zip(starts, *(answer[name] for name in names), strict=True)
            ]

        def quarters_of(answer: Answer) -> list[Answer]:
            step_ms = answer["step_s"] * 1000
            return [
                {"start": iso(answer["start"] + n * step_ms), "offered_last_week": v}
                for n, v in enumerate(answer["offered"])
            ]

        return [
            web.get("/api/v1/summary", self._table(summary, "summary", lambda answer: [answer])),
            web.get("/api/v1/rolling", self._table(rolling, "windows", windows_of)),
            web.get("/api/v1/answer_rate_24h", self._table(worst, "answer-rate-24h", lambda answer: [answer])),
            web.get("/api/v1/last_week", self._table(self.last_week, "last-week", quarters_of)),
            web.get(
                "/api/v1/estimated_wait", self._table(self.estimated_wait, "estimated-wait", lambda answer: [answer])
            ),
            web.get("/api/v1/calls", self._table(self.calls, "calls", rows)),
            web.get("/api/v1/call", self._table(self.call, "call", lambda answer: answer["visits"])),
            web.get("/api/v1/breakdown", self._table(self.breakdown, "breakdown", rows)),
            web.get("/api/v1/day", self._table(self.day, "day", cells_of)),
            web.get(
                "/api/v1/alerts", self._table(self.alerts, "alerts", lambda answer: answer["firing"] + answer["ended"])
            ),
            web.get("/api/v1/events", self._table(self.events, "events", events_rows)),
            web.get("/api/v1/map", self._table(self.districts, "districts", lambda answer: answer["districts"])),
        ]

    def _span(self, request: web.Request, days: int = 1) -> Query:
        board = self.reading(request)
        return parse(asked(request), board, self.settings, board.clock or self.now(), days=days)
