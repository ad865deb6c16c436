"""`/healthz` and `/metrics` of a process."""

from collections.abc import Callable
from typing import Any

import msgspec
import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


class Health(msgspec.Struct, frozen=True):
    """Whether a process does its work; `problems` says what is not ready, `facts` how far it is."""

    problems: tuple[str, ...] = ()
    facts: dict[str, Any] = {}

    @property
    def ready(self) -> bool:
        return not self.problems


async def serve_health(host: str, port: int, check: Callable[[], Health]) -> web.AppRunner:
    """Serve `/healthz` (200, or 503 and what is not ready) and `/metrics`; port 0 lets the system choose.

    The address is in `runner.addresses`; `await runner.cleanup()` ends it.
    """

    async def healthz(request: web.Request) -> web.Response:
        del request
        health = check()
        body = {"ready": health.ready, "problems": list(health.problems)} | health.facts
        status = 200 if health.ready else 503
        return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")

    async def metrics(request: web.Request) -> web.Response:
        del request
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
