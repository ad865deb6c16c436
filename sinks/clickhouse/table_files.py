"""A table's rows as files and back: one compressed file of text for each partition of a table.

ClickHouse's tab-separated text reads back to the same values in every version, and can be cut at any line.
"""

import gzip
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client

from sinks.clickhouse.client import ClickHouseAway

FORMAT = "TabSeparated"
_READ = 1 << 20
_LONGEST_LINE = 1 << 20
_INSERT_BYTES = 16 << 20
_ASKED = 8


class TableFile(msgspec.Struct, frozen=True):
    """One partition of a table. `file`: its path below the backup; `checksum`: SHA-256 of the file, hex."""

    table: str
    partition: str
    columns: tuple[str, ...]
    rows: int
    file: str
    checksum: str


class SeveralReplicasError(Exception):
    """One address, several replicas that answer; the text names them."""


class DamagedError(Exception):
    """A file of a backup is missing or not as it was written; the text names it."""


def partitions(client: Client) -> list[tuple[str, str]]:
    """(table, partition) of all that holds rows now; which migrations were applied is not among them."""
    found = client.query(
        "SELECT DISTINCT table, partition_id FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table != 'schema_migrations' ORDER BY ALL"
    )
    return [(str(table), str(partition)) for table, partition in found.result_rows]


def catch_up(client: Client) -> None:
    """Wait until this replica has every row that any replica had stored; at once where tables are no replicas.

    Raises SeveralReplicasError if the address leads now to one and now to another: the next question might be
    answered by one that has less.
    """
    found = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(engine, 'Replicated') "
        "ORDER BY name"
    )
    if not found.result_rows:
        return
    hosts = {str(client.query("SELECT hostName()").result_rows[0][0]) for _ in range(_ASKED)}
    if len(hosts) > 1:
        raise SeveralReplicasError(f"{', '.join(sorted(hosts))} answer in turn")
    for (table,) in found.result_rows:
        client.command(f"SYSTEM SYNC REPLICA `{table}` LIGHTWEIGHT")


def columns_of(client: Client, table: str) -> tuple[str, ...]:
    """The columns that are stored as they were inserted."""
    found = client.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position",
        {"table": table},
    )
    return tuple(str(name) for (name,) in found.result_rows)


def dump(client: Client, table: str, partition: str, folder: Path) -> TableFile:
    """Write one partition of a table to a file below `folder`. Raises ClickHouseAway if the answer was cut off."""
    columns = columns_of(client, table)
    target = folder / "tables" / table / f"{partition}.tsv.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    named = ", ".join(f"`{name}`" for name in columns)
    query = f"SELECT {named} FROM `{table}` WHERE _partition_id = {{partition:String}}"  # noqa: S608
    rows, end = 0, b""
    with (
        client.raw_stream(query, {"partition": partition}, fmt=FORMAT) as stream,
        gzip.open(target, "wb", compresslevel=1) as file,
    ):
        while chunk := stream.read(_READ):
            rows += chunk.count(b"\n")
            end = (end + chunk)[-_LONGEST_LINE:]
            file.write(chunk)
    last = end.removesuffix(b"\n").rpartition(b"\n")[2]
    if rows and (not end.endswith(b"\n") or last.count(b"\t") != len(columns) - 1):
        raise ClickHouseAway(f"reading {table} was cut off: {last[-200:].decode(errors='replace')}")
    return TableFile(table, partition, columns, rows, str(target.relative_to(folder)), checksum(target))


def load(client: Client, part: TableFile, folder: Path) -> None:
    """Insert the rows of a file into its table; repeating it adds no row that counts."""
    for block in _blocks(folder / part.file):
        client.raw_insert(part.table, part.columns, block, fmt=FORMAT)


def check(path: Path, expected: str) -> None:
    """Raises DamagedError unless the file is as it was written."""
    if not path.is_file():
        raise DamagedError(f"{path} is missing")
    if checksum(path) != expected:
        raise DamagedError(f"{path} is not as it was written (its SHA-256 differs)")


def checksum(path: Path) -> str:
    """SHA-256 of a file, hex."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ):
            digest.update(chunk)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    """The text of a file in pieces of whole lines."""
    rest = b""
    with gzip.open(path, "rb") as file:
        while chunk := file.read(_INSERT_BYTES):
            whole, newline, rest_of_it = (rest + chunk).rpartition(b"\n")
            rest = rest_of_it
            if newline:
                yield whole + newline
    assert not rest, f"{path} ends in the middle of a line"
