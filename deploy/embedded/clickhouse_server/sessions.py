"""Sessions: a handle that stays open between requests of one client, as `session_id` asks for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploy.embedded.clickhouse_server.engine import Handle
from deploy.embedded.clickhouse_server.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, ServerError

_PATIENCE_S = 5.0
"""How long a request waits for the one before it in its session: that may be one that was just cancelled."""


@dataclass
class _Session:
    handle: Handle
    lock: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0


class Sessions:
    """Handles by session id; one request at a time each, closed when not used for their time-out."""

    def __init__(self, open_handle: Callable[[], Handle], now: Callable[[], float] = time.monotonic) -> None:
        self._open = open_handle
        self._now = now
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    @contextmanager
    def use(self, session_id: str, timeout_s: int, *, must_exist: bool = False) -> Iterator[Handle]:
        """The session's handle, for one request. Raises ServerError if another request keeps it."""
        with self._lock:
            self._close_expired()
            session = self._sessions.get(session_id)
            if session is None:
                if must_exist:
                    raise ServerError(SESSION_NOT_FOUND, f"Session {session_id} not found")
                session = self._sessions[session_id] = _Session(self._open())
            ours = session.lock.acquire(blocking=False)
        if not ours and not session.lock.acquire(timeout=_PATIENCE_S):
            raise ServerError(SESSION_IS_LOCKED, f"Session {session_id} is locked by a concurrent client")
        try:
            yield session.handle
        finally:
            session.until = self._now() + timeout_s
            session.lock.release()

    def _close_expired(self) -> None:
        now = self._now()
        for session_id, session in list(self._sessions.items()):
            if session.until < now and session.lock.acquire(blocking=False):
                del self._sessions[session_id]
                session.handle.close()

    def close(self) -> None:
        with self._lock:
            for session in self._sessions.values():
                session.handle.close()
            self._sessions.clear()
