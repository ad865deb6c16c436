"""The engine (chdb): handles on it, what an answer consists of, and how data is inserted."""

import contextlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chdb
import orjson

from deploy.embedded.clickhouse_server.errors import BAD_ARGUMENTS, ServerError, from_engine
from deploy.embedded.clickhouse_server.statement import Statement

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer in its format, and what it cost."""

    data: bytes
    rows: int
    bytes_read: int
    elapsed_ns: int
    written: bool = False


def quote(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Handle:
    """One connection to the engine: its database, settings and temporary tables are its own."""

    def __init__(self, connection: Any, spool: Path) -> None:
        self._connection = connection
        self._spool = spool

    def query(self, sql: str | bytes, fmt: str = "TabSeparated", params: Mapping[str, str] | None = None) -> Answer:
        """Run one statement; raises ServerError with the engine's words."""
        try:
            result = self._connection.query(sql, fmt, params=dict(params or {}))
        except RuntimeError as error:  # chdb.ChdbError is one, and so is what its C++ side throws
            raise from_engine(str(error)) from error
        return Answer(
            bytes(result.bytes() or b""), result.rows_read(), result.bytes_read(), int(result.elapsed() * 1_000_000_000)
        )

    def insert(self, statement: Statement) -> Answer:
        """Run an INSERT whose data came with it (the engine takes binary data only from a file)."""
        assert statement.data is not None
        with tempfile.NamedTemporaryFile(dir=self._spool, suffix=".insert") as spooled:
            spooled.write(statement.data)
            spooled.flush()
            at = statement.infile_at
            infile = f"FROM INFILE {quote(spooled.name)} COMPRESSION 'none' ".encode()
            answer = self.query(statement.sql[:at] + infile + statement.sql[at:])
        return Answer(b"", answer.rows, answer.bytes_read, answer.elapsed_ns, written=True)

    def use(self, database: str) -> None:
        self.query(f"USE {'`' + database.replace('`', '``') + '`'}")

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings until they are set back (`readonly`: for good)."""
        if not settings:
            return
        for name in settings:
            if not _NAME.match(name):
                raise ServerError(BAD_ARGUMENTS, f"{name!r} is no name of a setting")
        self.query("SET " + ", ".join(f"{name} = {quote(value)}" for name, value in settings.items()))

    def values(self, names: Mapping[str, str]) -> dict[str, str | None]:
        """The present values of settings, None where it is the default."""
        listed = ", ".join(quote(name) for name in names)
        sql = f"SELECT name, value, changed FROM system.settings WHERE name IN ({listed})"  # noqa: S608  (quoted)
        found: dict[str, str | None] = dict.fromkeys(names)
        for line in self.query(sql, "JSONCompactEachRow").data.splitlines():
            name, value, changed = orjson.loads(line)
            found[name] = value if changed else None
        return found

    def put_back(self, values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            self.query(f"SET {name} = " + ("DEFAULT" if value is None else quote(value)))

    def close(self) -> None:
        self._connection.close()


class Engine:
    """The one engine of this process on a data directory."""

    def __init__(self, path: Path, database: str) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = str(path.resolve())
        self._spool = path.resolve().parent / "spool"
        self._spool.mkdir(exist_ok=True)
        for left_over in self._spool.glob("*.insert"):
            with contextlib.suppress(FileNotFoundError):
                left_over.unlink()
        self._database = "default"
        self._own = self.open()
        self._replace_default_database()
        if database != "default":
            self._own.query(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        self._database = database
        facts = self._own.query("SELECT version(), timezone(), displayName()").data.decode()
        self.version, self.time_zone, self.display_name = facts.rstrip("\n").split("\t")

    def _replace_default_database(self) -> None:
        """Take away the engine's own `default`, which reads any file whose path is written as a table."""
        with_files = self._own.query("SELECT engine != 'Memory' FROM system.databases WHERE name = 'default'").data
        if with_files.strip() == b"1":
            self._own.query("DROP DATABASE default SYNC")
            self._own.query("CREATE DATABASE default ENGINE = Memory")

    def open(self) -> Handle:
        """A fresh handle in the server's database (about a millisecond)."""
        handle = Handle(chdb.connect(self._path), self._spool)
        if self._database != "default":
            handle.use(self._database)
        return handle

    def table_functions(self) -> list[str]:
        """The functions over tables that this engine knows."""
        return self._own.query("SELECT name FROM system.table_functions", "TSVRaw").data.decode().split("\n")

    def functions(self) -> list[str]:
        """Every other function that this engine knows."""
        return self._own.query("SELECT name FROM system.functions", "TSVRaw").data.decode().split("\n")

    def close(self) -> None:
        self._own.close()
