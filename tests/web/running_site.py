"""The wallboard's site on a free port of loopback, with a clock that the test sets."""

import asyncio
from collections.abc import Iterable

import city
from aiohttp import web

from deploy.runtime.settings import Settings
from sinks.web.board import Board, Record
from sinks.web.reader import Reader
from sinks.web.server import Site


class RunningSite:
    """A site on a port; `now` is what it takes for wall time, `fill` puts records on its board."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.now = city.MORNING + 2_000
        self.port = 0
        self.runner: web.AppRunner | None = None
        self.reset()

    def reset(self) -> None:
        """A process that starts anew: an empty board, nothing published."""
        self.board = Board("live")
        self.reader = Reader(self.board, self.settings)
        self.reader.known_from, self.reader.problem = city.midnight(city.MORNING) - 3_600_000, ""
        self.site = Site(self.board, self.reader, self.settings, now=lambda: self.now)

    def fill(self, records: Iterable[tuple[Record, int]]) -> None:
        for record, at in records:
            self.board.apply(record, at)
        self.site.publish()

    def put(self, *records: Record) -> None:
        self.fill((record, self.now) for record in records)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def raw(self, asked: str, *headers: bytes) -> tuple[int, bytes]:
        """Status and body of what is answered to these very bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        host = f"Host: 127.0.0.1:{self.port}".encode()
        writer.write(b"\r\n".join((f"{asked} HTTP/1.1".encode(), host, b"Connection: close", *headers, b"", b"")))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split()[1]), body

    async def start(self) -> None:
        self.runner = web.AppRunner(self.site.application(), access_log=None, shutdown_timeout=0.5)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None
