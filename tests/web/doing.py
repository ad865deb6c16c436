"""Doing something on the board as its page does, and what is written of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientResponse, ClientSession
from running_site import RunningSite

from sinks.web.deeds import Deeds
from sinks.web.gate import HEADER


def posting(of: str) -> Callable[..., Awaitable[ClientResponse]]:
    """What asks for a deed of /api/v1/<of>/; `headers` are put over the page's own, _ for -."""

    async def post(http: ClientSession, what: str, body: object, **headers: str) -> ClientResponse:
        given = {HEADER: "1"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.post(f"/api/v1/{of}/{what}", json=body, headers=given)

    return post


def written_by(deeds: Deeds[Any], site: RunningSite) -> list[Any]:
    """What these deeds write from now on; it comes back to the board at once, as from the topic."""
    records: list[Any] = []

    async def write(kafka: object, record: Any) -> None:
        records.append(record)
        site.put(record)

    deeds.write = write
    return records
