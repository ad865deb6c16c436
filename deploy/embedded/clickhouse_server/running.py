"""What runs, and how it is ended before it is done: because its client has gone, or by `KILL QUERY` with its id.

The engine gives a query an id of its own, so each carries a mark in `log_comment`, by which the engine ends it at its
next block.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from uuid import uuid4

from deploy.embedded.clickhouse_server.engine import Answer, Engine, quote
from deploy.embedded.clickhouse_server.policy import User
from deploy.embedded.clickhouse_server.request import Query
from deploy.embedded.clickhouse_server.statement import Statement

MARK = "log_comment"
_AGAIN_S = 0.05
"""A query that is told to end may not have reached the engine yet."""


@dataclass(eq=False)
class Running:
    """One query that was taken on; `mark` is to be set before it is sent to the engine."""

    query: Query
    statement: Statement
    mark: str
    future: "Future[Answer]"


class Registry:
    """Every query that was taken on and is not done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._running: dict[str, Running] = {}
        self._ending: dict[str, Running] = {}
        self._pool = ThreadPoolExecutor(1, "ending")

    def take(self, running: Running) -> Running:
        with self._lock:
            self._running[running.mark] = running
        running.future.add_done_callback(lambda _: self._forget(running.mark))
        return running

    def _forget(self, mark: str) -> None:
        with self._lock:
            self._running.pop(mark, None)
            self._ending.pop(mark, None)

    def end(self, running: Running) -> None:
        """Have it ended soon; nothing if it is done."""
        if running.future.cancel():
            return
        with self._lock:
            if running.mark not in self._running:
                return
            self._ending[running.mark] = running
        self._pool.submit(self._end_all)

    def kill(self, query_id: str, user: User) -> int:
        """Have the user's own queries of this id ended; how many those are."""
        with self._lock:
            found = [it for it in self._running.values() if (it.query.query_id, it.query.user) == (query_id, user)]
        for running in found:
            self.end(running)
        return len(found)

    def _end_all(self) -> None:
        with closing(self._engine.open()) as handle:
            while True:
                with self._lock:
                    left = dict(self._ending)
                if not left:
                    return
                marks = ", ".join(map(quote, left))
                handle.query(f"KILL QUERY WHERE Settings[{quote(MARK)}] IN ({marks}) ASYNC")
                wait([it.future for it in left.values()], timeout=_AGAIN_S, return_when="FIRST_COMPLETED")

    def close(self) -> None:
        """End what reads."""
        with self._lock:
            left = [it for it in self._running.values() if it.statement.kind == "read"]
        for running in left:
            self.end(running)
        self._pool.shutdown()


def new_mark() -> str:
    return uuid4().hex


def killed(statement: Statement) -> str | None:
    """The id in `KILL QUERY WHERE query_id = '…'`, which is what JDBC sends; None for anything else."""
    texts = [token.text for token in statement.tokens]
    if texts[:5] != ["KILL", "QUERY", "WHERE", "QUERY_ID", "="] or texts[6:] not in ([], ["SYNC"], ["ASYNC"]):
        return None
    value = statement.tokens[5]
    return value.text[1:-1] if value.kind == "string" and value.text[0] == "'" and "\\" not in value.text else None
