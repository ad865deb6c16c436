"""One POST of JSON, and what its end means: the part that every HTTP channel shares."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from alerts.channels import Delivered, Failed, Outcome, Retry

TIMEOUT_S = 10.0
LONGEST_WAIT_S = 3600.0


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
    ) -> Outcome:
        """POST `body`; a 2xx is Delivered. Answers' bodies and the URL stay out of the outcome: they may hold secrets.

        `now` (ms) is what a Retry-After that is a date is compared with.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers={"User-Agent": "hotline"})
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        data = orjson.dumps(body)
        try:
            async with self._session.post(url, data=data, headers=sent, allow_redirects=False) as response:
                await response.read()
                return outcome_of_status(response.status, response.headers.get("Retry-After", ""), now)
        except TimeoutError:
            return Retry("timeout", detail="no answer in time")
        except aiohttp.InvalidURL:
            return Failed("client_error", detail="the URL in the settings is none")
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            return Retry("refused", detail=type(error).__name__)
        except aiohttp.ClientError as error:
            return Retry("bad_answer", detail=type(error).__name__)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


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
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)
