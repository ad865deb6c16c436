"""Asks processes whether they are ready."""

import asyncio
from collections.abc import Mapping

import aiohttp
import orjson


async def problem_of(session: aiohttp.ClientSession, url: str) -> str:
    """What is not ready according to a `/healthz`; empty: ready."""
    try:
        async with session.get(url) as answer:
            if answer.status == 200:
                return ""
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return "does not answer yet"
    try:
        problems = orjson.loads(body).get("problems") or []
    except (orjson.JSONDecodeError, AttributeError):
        problems = []
    return "; ".join(str(problem) for problem in problems) or f"answers {answer.status}"


async def problems_of(urls: Mapping[str, str]) -> dict[str, str]:
    """process -> what is not ready, for those that are not."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
        found = await asyncio.gather(*(problem_of(session, url) for url in urls.values()))
    return {name: problem for name, problem in zip(urls, found, strict=True) if problem}
