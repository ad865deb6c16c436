"""What only ClickHouse knows is waited for by whoever asks for it, and by nobody else."""

import asyncio
import socket

import city
import pytest
from aiohttp import ClientSession
from running_site import RunningSite

from sinks.clickhouse.why import Statement
from sinks.web.gate import HEADER
from sinks.web.passwords import hash_password

PASSWORD = "correct horse battery"
AT_ONCE = 40
"""More questions than there are threads for anything else."""


@pytest.fixture
def silent():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * AT_ONCE) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def settings(silent: socket.socket):
    people = {"ada": {"role": "admin", "password": hash_password(PASSWORD)}}
    return city.demo_settings(
        kafka={"bootstrap": "127.0.0.1:1"},
        clickhouse={"url": f"http://127.0.0.1:{silent.getsockname()[1]}"},
        web={"access": {"mode": "accounts", "people": people}},
    )


async def test_people_log_in_while_clickhouse_hangs(site: RunningSite, silent: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    async with ClientSession(site.url) as session:

        async def log_in() -> int:
            said = {"name": "ada", "password": PASSWORD}
            return (await session.post("/api/v1/session", json=said, headers={HEADER: "1"})).status

        past = site.site.api.past
        asking = [asyncio.create_task(past.ask(Statement("SELECT 1", {}))) for _ in range(AT_ONCE)]
        taken, _ = await loop.sock_accept(silent)
        try:
            async with asyncio.timeout(20):
                assert await log_in() == 200
        finally:
            silent.close()
            taken.close()
            await asyncio.gather(*asking, return_exceptions=True)
