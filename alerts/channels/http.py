"""One POST of JSON, and what its end means: the part that every HTTP channel shares."""

from collections.abc import Callable, Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from alerts.channels import Delivered, Failed, Outcome, Retry

TIMEOUT_S = 10.0
LONGEST_WAIT_S = 3600.0
MOST_BYTES = 1024 * 1024
LIMITED_S = 60.0
"""Robots of chat services that get too many messages refuse more for a minute."""


class JsonClient:
    """The connections of one channel, opened with the first call."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        url: str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        now: int,
        read: Callable[[bytes], Outcome] | None = None,
    ) -> Outcome:
        """POST `body` as JSON (bytes: as they are); a 2xx is Delivered, unless `read` finds another outcome in what
        was answered. Answers' bodies and the URL stay out of the outcome: they may hold secrets.

        `now` (ms) is what a Retry-After that is a date is compared with.
        """
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self._call("POST", url, data, headers=sent, now=now, read=read)

    async def get(self, url: str, *, now: int) -> Outcome:
        """GET; what is answered does not matter beyond its status."""
        return await self._call("GET", url, None, headers={}, now=now)

    async def _call(
        self,
        method: str,
        url: str,
        data: bytes | None,
        *,
        headers: Mapping[str, str],
        now: int,
        read: Callable[[bytes], Outcome] | None = None,
    ) -> Outcome:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers={"User-Agent": "hotline"})
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                return await _outcome(response, now, read)
        except TimeoutError:
            return Retry("timeout", detail="no answer in time")
        except aiohttp.InvalidURL:
            return Failed("client_error", detail="the URL in the settings is none")
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            return Retry("refused", detail=type(error).__name__)
        except aiohttp.ClientError as error:
            return Retry("bad_answer", detail=type(error).__name__)
        except ValueError:
            return Retry(
                "refused", detail="the settings' host is none, or a token has an end of a line: nothing was sent"
            )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _outcome(response: aiohttp.ClientResponse, now: int, read: Callable[[bytes], Outcome] | None) -> Outcome:
    """What an answer means; more than any service has to say is not read."""
    outcome = outcome_of_status(response.status, response.headers.get("Retry-After", ""), now)
    answer = bytearray()
    async for piece in response.content.iter_chunked(65_536):
        answer += piece
        if len(answer) > MOST_BYTES:
            response.close()
            break
    if read is None or not isinstance(outcome, Delivered):
        return outcome
    return Retry("bad_answer", detail="an answer without end") if len(answer) > MOST_BYTES else read(bytes(answer))


def outcome_of_code(
    answer: bytes, field: str, *, limited: Collection[int] = (), auth: Collection[int] = (), busy: Collection[int] = ()
) -> Outcome:
    """What an answer means whose JSON says in `field` whether it is a yes (0); chat services say no with a 200."""
    try:
        code = orjson.loads(answer)[field]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        code = None
    if not isinstance(code, int):
        return Retry("bad_answer", detail=f"no JSON with {field}")
    detail = f"{field} {code}"
    if code == 0:
        return Delivered()
    if code in limited:
        return Retry("rate_limited", LIMITED_S, detail)
    if code in auth:
        return Retry("auth", None, detail)
    return Retry("server_error", None, detail) if code in busy else Failed("client_error", detail)


def outcome_of_status(status: int, retry_after: str, now: int) -> Outcome:
    """What a status code means. A wrong token is worth a retry: whoever set it can correct it."""
    detail = f"HTTP {status}"
    match status:
        case _ if 200 <= status < 300:
            return Delivered()
        case 429:
            return Retry("rate_limited", retry_after_s(retry_after, now), detail)
        case 401 | 403 | 407:
            return Retry("auth", None, detail)
        case 408:
            return Retry("timeout", None, detail)
        case _ if status >= 500:
            return Retry("server_error", retry_after_s(retry_after, now), detail)
    return Failed("client_error", detail)


def retry_after_s(header: str, now: int) -> float | None:
    """The header Retry-After (seconds or a date), at most an hour; None if absent or unreadable."""
    if not header:
        return None
    try:
        seconds = float(header) if header.isdigit() else parsedate_to_datetime(header).timestamp() - now / 1000
    except (ValueError, OverflowError):  # a zone of thirty digits
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)
