"""Runs queries: who waits for whom, under which limits, in which handle.

Writers have a thread of their own, so that people's queries, however slow, never stop the rows coming in.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from threading import BoundedSemaphore

from deploy.embedded.clickhouse_server.engine import Answer, Engine, Handle, quote
from deploy.embedded.clickhouse_server.errors import (
    ACCESS_DENIED,
    READONLY,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    ServerError,
)
from deploy.embedded.clickhouse_server.policy import SYSTEM_FILTERS, Policy
from deploy.embedded.clickhouse_server.request import Query
from deploy.embedded.clickhouse_server.running import MARK, Registry, Running, killed, new_mark
from deploy.embedded.clickhouse_server.sessions import Sessions
from deploy.embedded.clickhouse_server.statement import Statement

MAX_SECONDS = 30
READER_LIMITS = {
    "max_execution_time": str(MAX_SECONDS),
    "max_memory_usage": str(1_000_000_000),
    "max_result_rows": str(1_000_000),
    "max_result_bytes": str(200_000_000),
    "allow_introspection_functions": "0",
    "max_threads": str(max(1, (os.cpu_count() or 2) - 1)),
}
# What a reader may ask for beside the query: how the answer is written, and tighter limits.
_READER_MAY_SET = ("output_format_", "date_time_output_format", "max_execution_time", "max_block_size", "extremes")
_FILTERS = "additional_table_filters"
# Sent along by drivers with every query; none of them changes what is read.
_IDLE = frozenset({"async_insert", "wait_for_async_insert", "network_compression_method"})


def reader_settings(settings: dict[str, str]) -> dict[str, str]:
    """A reader's limits with the settings of one request. Raises ServerError for one that is not theirs.

    Filters on tables are theirs to add, since they only take away: a data source of Grafana is provisioned with the
    filter of its team, which nobody's SQL can lift.
    """
    settings.pop("readonly", None)  # theirs is 1, whatever they ask for
    settings = {name: value for name, value in settings.items() if name not in _IDLE}
    filters = _with_ours(settings.pop(_FILTERS, ""))
    merged = READER_LIMITS | settings | {_FILTERS: filters}
    for name in settings:
        if not name.startswith(_READER_MAY_SET):
            raise ServerError(READONLY, f"Cannot modify '{name}' setting in readonly mode")
    try:
        seconds = float(merged["max_execution_time"])
    except ValueError:
        raise ServerError(READONLY, "max_execution_time is no number") from None
    merged["max_execution_time"] = str(seconds if 0 < seconds < MAX_SECONDS else MAX_SECONDS)
    return merged


def _with_ours(filters: str) -> str:
    """A map of filters, as text, with those that hold for every reader. Raises ServerError for what is no map."""
    ours = ", ".join(f"{quote(table)}: {quote(condition)}" for table, condition in SYSTEM_FILTERS.items())
    theirs = filters.strip()
    if not theirs:
        return f"{{{ours}}}"
    if theirs[0] != "{" or theirs[-1] != "}" or "system" in theirs.lower():
        raise ServerError(READONLY, f"{_FILTERS} is a map {{'table': 'condition', …}} of tables other than system's")
    return f"{{{ours}, {theirs[1:-1]}}}" if theirs[1:-1].strip() else f"{{{ours}}}"


class Executor:
    """Three queues: writes (one thread), our own reads, and people's reads (few, and few waiting)."""

    def __init__(self, engine: Engine, *, own: int = 4, people: int = 2, waiting: int = 16) -> None:
        self._engine = engine
        self._policy = Policy(engine.table_functions(), engine.functions())
        self._sessions = Sessions(engine.open)
        self._writer = ThreadPoolExecutor(1, "writer")
        self._own = ThreadPoolExecutor(own, "own")
        self._people = ThreadPoolExecutor(people, "people")
        self._room = BoundedSemaphore(people + waiting)
        self._registry = Registry(engine)

    def submit(self, query: Query, statement: Statement) -> Running:
        """Judge and queue one query. Raises ServerError when it is refused or there are too many."""
        mark = new_mark()
        if (query_id := killed(statement)) is not None and not query.by_get:
            future = self._own.submit(self._tell_killed, query, query_id, self._registry.kill(query_id, query.user))
        else:
            self._policy.require(statement, query.user, by_get=query.by_get)
            future = self._queue(query, statement, mark)
        return self._registry.take(Running(query, statement, mark, future))

    def end(self, running: Running) -> None:
        """Its client has gone: what only reads is ended, what writes is finished, as ClickHouse does."""
        if running.statement.kind == "read":
            self._registry.end(running)

    def _queue(self, query: Query, statement: Statement, mark: str) -> "Future[Answer]":
        if query.user == "reader":
            if query.database.lower() == "system":
                raise ServerError(
                    ACCESS_DENIED, "reader: write system.tables and the like; it is nobody's own database"
                )
            settings = reader_settings(dict(query.settings)) | {"readonly": "1", MARK: mark}
            if not self._room.acquire(blocking=False):
                raise ServerError(TOO_MANY_SIMULTANEOUS_QUERIES, "Too many simultaneous queries: try again shortly")
            future = self._people.submit(self._read_as_person, query, statement, settings)
            future.add_done_callback(lambda _: self._room.release())
            return future
        pool = self._own if statement.kind == "read" else self._writer
        return pool.submit(self._run_own, query, statement, mark)

    def _read_as_person(self, query: Query, statement: Statement, settings: dict[str, str]) -> Answer:
        with closing(self._engine.open()) as handle:
            if query.database:
                handle.use(query.database)
            handle.set(settings)
            return handle.query(statement.sql, query.default_format, query.params)

    @contextmanager
    def _handle(self, query: Query) -> Iterator[Handle]:
        # What is once read-only stays so: such a request gets a handle of its own.
        if query.session_id and query.settings.get("readonly", "0") == "0":
            with self._sessions.use(
                query.session_id, query.session_timeout_s, must_exist=query.session_must_exist
            ) as handle:
                before = handle.values(query.settings) if query.settings else {}
                try:
                    yield handle
                finally:
                    handle.put_back(before)
            return
        with closing(self._engine.open()) as handle:
            yield handle

    def _tell_killed(self, query: Query, query_id: str, found: int) -> Answer:
        told = {"id": query_id, "user": query.user, "found": str(found)}
        sql = "SELECT 'waiting' AS kill_status, {id:String} AS query_id, {user:String} AS user FROM numbers({found:UInt8})"
        with closing(self._engine.open()) as handle:
            return handle.query(sql, query.default_format, told)

    def _run_own(self, query: Query, statement: Statement, mark: str) -> Answer:
        with self._handle(query) as handle:
            if query.database:
                handle.use(query.database)
            try:
                handle.set({MARK: mark})
            except ServerError as error:  # a session that was set read-only: what runs in it is not ended early
                if error.code != READONLY:
                    raise
            # a mark of the client's own would stand in ours' place: nothing here reads it
            handle.set({name: value for name, value in query.settings.items() if name != MARK})
            if statement.data is not None:
                return handle.insert(statement)
            return handle.query(statement.sql, query.default_format, query.params)

    def close(self) -> None:
        """End what reads, finish what writes, refuse what waits, close every handle."""
        self._registry.close()
        for pool in (self._people, self._own, self._writer):
            pool.shutdown(cancel_futures=True)
        self._sessions.close()
        self._engine.close()
