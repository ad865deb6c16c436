"""The HTTP side: who may come in, and how answers and errors are written."""

import asyncio

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from deploy.embedded.clickhouse_server import blocks, handshake
from deploy.embedded.clickhouse_server.engine import Answer, Engine
from deploy.embedded.clickhouse_server.errors import BAD_ARGUMENTS, ServerError
from deploy.embedded.clickhouse_server.executor import Executor
from deploy.embedded.clickhouse_server.request import COMPRESS, Query, read_query
from deploy.embedded.clickhouse_server.statement import Statement, parse

MAX_BODY = 512 * 1024 * 1024
_CONTENT_TYPES = {
    "json": "application/json; charset=UTF-8",
    "csv": "text/csv; charset=UTF-8",
    "tabseparated": "text/tab-separated-values; charset=UTF-8",
    "tsv": "text/tab-separated-values; charset=UTF-8",
    "native": "application/octet-stream",
    "rowbinary": "application/octet-stream",
    "arrow": "application/octet-stream",
    "parquet": "application/octet-stream",
}


def content_type(name: str) -> str:
    """The type of an answer in format `name`."""
    lowered = name.lower()
    return next(
        (kind for start, kind in _CONTENT_TYPES.items() if lowered.startswith(start)), "text/plain; charset=UTF-8"
    )


def _host(value: str) -> str:
    """The host of a Host header, without its port."""
    return value[: value.find("]") + 1] if value.startswith("[") else value.partition(":")[0]


def guard(hosts: frozenset[str]) -> Middleware:
    """Refuse what a web page in somebody's browser could send: another Host, or an Origin at all."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if _host(host).lower() not in hosts:
            return web.Response(status=403, text=f"Host {host!r} is not served here: use 127.0.0.1 or localhost\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            return web.Response(status=403, text="requests from web pages are not served here\n")
        return await handler(request)

    return check


class Server:
    """The handlers of one engine."""

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    async def ping(self, http: web.Request) -> web.Response:
        del http
        return web.Response(text="Ok.\n", headers={"X-ClickHouse-Server-Display-Name": self._engine.display_name})

    async def query(self, http: web.Request) -> web.Response:
        """One query, its answer or its error."""
        if http.method in {"GET", "HEAD"} and "query" not in http.query:
            return await self.ping(http)
        try:
            return await self._answer(http)
        except ServerError as error:
            headers = {
                "X-ClickHouse-Server-Display-Name": self._engine.display_name,
                "X-ClickHouse-Exception-Code": str(error.code),
            }
            return web.Response(status=error.status, text=error.body(self._engine.version), headers=headers)

    async def _answer(self, http: web.Request) -> web.Response:
        query = read_query(http.method, http.query, http.headers, await http.read())
        if handshake.is_handshake(query.text, _protocol(http)):
            data = handshake.answer(self._engine.display_name, self._engine.version, self._engine.time_zone)
            return self._respond(query, "Native", Answer(data, 1, len(data), 0))
        statement = parse(query.text)
        running = self._executor.submit(query, statement)
        try:
            answer = await asyncio.wrap_future(running.future)
        except asyncio.CancelledError:  # the client has gone
            self._executor.end(running)
            raise
        # Packing a large answer takes seconds, in which the others must be heard.
        return await asyncio.to_thread(self._respond, query, _format(query, statement), answer)

    def _respond(self, query: Query, fmt: str | None, answer: Answer) -> web.Response:
        summary = {
            "read_rows": str(answer.rows),
            "read_bytes": str(answer.bytes_read),
            "written_rows": str(answer.rows if answer.written else 0),
            "written_bytes": str(answer.bytes_read if answer.written else 0),
            "total_rows_to_read": "0",
            "result_rows": "0",
            "result_bytes": str(len(answer.data)),
            "elapsed_ns": str(answer.elapsed_ns),
        }
        headers = {
            "X-ClickHouse-Server-Display-Name": self._engine.display_name,
            "X-ClickHouse-Query-Id": query.query_id,
            "X-ClickHouse-Timezone": self._engine.time_zone,
            "X-ClickHouse-Summary": orjson.dumps(summary).decode(),
            "Content-Type": content_type(fmt or ""),
        }
        if fmt:
            headers["X-ClickHouse-Format"] = fmt
        body = blocks.compress(answer.data) if query.in_blocks else answer.data
        if query.encoding and body:
            body = bytes(COMPRESS[query.encoding](body))
            headers["Content-Encoding"] = query.encoding
        return web.Response(body=body, headers=headers)


def _protocol(http: web.Request) -> int:
    text = http.query.get("client_protocol_version", "0")
    if not text.isdigit():
        raise ServerError(BAD_ARGUMENTS, "client_protocol_version is no number")
    return int(text)


def _format(query: Query, statement: Statement) -> str | None:
    """The format of the answer; None for a statement that answers nothing."""
    return (statement.format or query.default_format) if statement.kind == "read" else None


def application(engine: Engine, executor: Executor, hosts: frozenset[str]) -> web.Application:
    """The whole server as an aiohttp application."""
    server = Server(engine, executor)
    app = web.Application(middlewares=[guard(hosts)], client_max_size=MAX_BODY)
    app.add_routes(
        [
            web.get("/ping", server.ping),
            web.get("/replicas_status", server.ping),
            web.get("/", server.query),
            web.post("/", server.query),
        ]
    )
    return app
