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
from sinks.web.board import KEPT_MS, Board, Key
from sinks.web.calls import calls_behind, read_page
from sinks.web.past import AwayError, Past, bounds_of, minutes, to_counts, windows
from sinks.web.reader import Reader
from sinks.web.rolling import WINDOWS, bounds, measures
from sinks.web.summary import BadRequestError, Query, answer, choose, in_memory, iso, named, parse
from sinks.web.tables import flat, to_csv
from sinks.web.worst import answer_rate_24h_worst
from streams.contract.cells import Counts

MINUTE_MS = 60_000
FORMATS = ("json", "csv")
WORST_DAYS = 30
"""So many local days are looked through for the worst 24 hours unless a span is named."""


class NotFoundError(LookupError):
    """Nothing is known of what was asked for; the text says of what."""


def json_response(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        body=body, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def error_response(status: HTTPStatus, text: str) -> web.Response:
    return json_response(orjson.dumps({"error": text}), status)


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
        except NotFoundError as error:
            return error_response(HTTPStatus.NOT_FOUND, str(error))
        except AwayError as error:
            return error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return json_response(orjson.dumps(found)) if form == "json" else csv_response(rows(found), table)

    return handle


def csv_response(rows: Sequence[Mapping[str, Any]], table: str) -> web.Response:
    flattened = [flat(row) for row in rows]
    return web.Response(
        text=to_csv(flattened, list(dict.fromkeys(name for row in flattened for name in row))),
        content_type="text/csv",
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{table}.csv"'},
    )


def asked(request: web.Request) -> dict[str, str]:
    """The parameters that say what is asked for; a parameter given twice means its last value."""
    return {name: value for name, value in request.query.items() if name != "format"}


class Api:
    """Answers from memory what memory holds, everything else from ClickHouse; the formulas are the same."""

    def __init__(self, board: Board, reader: Reader, settings: Settings, now: Callable[[], int]) -> None:
        self.board, self.reader, self.settings, self.now = board, reader, settings, now
        self.past = Past(settings.clickhouse)

    async def summary(self, query: Query) -> dict[str, Any]:
        """The figures of the span."""
        counts = in_memory(query, self.board, self.reader.known_from)
        source = "clickhouse" if counts is None else "memory"
        if counts is None:
            counts = await self.past.counts(query)
        return answer(query, counts, self.settings, source=source)

    async def rolling(self, query: Query, name: str | None) -> dict[str, Any]:
        """The figures of one rolling window, or of all. Raises NotFoundError for an unknown feed or hotline."""
        found = self._remembered(query)
        source = "clickhouse" if found is None else "memory"
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

    def _remembered(self, query: Query) -> dict[str, tuple[int, int, Counts]] | None:
        """window -> (begin, end, counts) from memory; None if memory does not hold the longest of them."""
        board, known_from = self.board, self.reader.known_from
        if query.feed != board.feed or board.feed != "live" or board.clock is None or known_from is None:
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
            "feed": query.feed,
            "hotline": query.hotline,
            "queue": query.queue,
            "from": iso(query.start),
            "to": iso(query.end),
            "time_zone": self.settings.hotline(query.hotline).time_zone,
            "answer_rate_24h_worst": worst.rate if worst else None,
            "begin": iso(worst.begin) if worst else None,
            "end": iso(worst.end) if worst else None,
            "answered": worst.answered if worst else None,
            "inbound": worst.inbound if worst else None,
        }

    async def calls(self, request: web.Request) -> Answer:
        """The calls behind a number."""
        as_file = request.query.get("format") == "csv"
        page = read_page(asked(request), self.board, self.settings, self.now(), as_file=as_file)
        return await calls_behind(page, self.past, self.settings)

    def routes(self) -> list[web.RouteDef]:
        """The routes of what is answered in JSON or CSV."""

        async def summary(request: web.Request) -> Answer:
            return await self.summary(self._span(request))

        async def rolling(request: web.Request) -> Answer:
            return await self.rolling(*choose(asked(request), self.board, self.settings))

        async def worst(request: web.Request) -> Answer:
            return await self.answer_rate_24h(self._span(request, days=WORST_DAYS))

        def windows_of(answer: Answer) -> list[Answer]:
            return [{"window": name, **figures} for name, figures in answer["windows"].items()]

        return [
            web.get("/api/v1/summary", answering(summary, "summary", lambda answer: [answer])),
            web.get("/api/v1/rolling", answering(rolling, "windows", windows_of)),
            web.get("/api/v1/answer_rate_24h", answering(worst, "answer-rate-24h", lambda answer: [answer])),
            web.get("/api/v1/calls", answering(self.calls, "calls", lambda answer: answer["rows"])),
        ]

    def _span(self, request: web.Request, days: int = 1) -> Query:
        return parse(asked(request), self.board, self.settings, self.board.clock or self.now(), days=days)
