"""The ClickHouse schema: numbered files applied in order, recorded, and checked at start."""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.runtime.settings import Settings
from sinks.clickhouse import replicas
from sinks.clickhouse.client import UNKNOWN_DATABASE, connect
from sinks.clickhouse.hotlines import write_hotlines

UNKNOWN_TABLE = 60

_RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    `feed` LowCardinality(String) COMMENT 'Always empty: the schema serves every feed',
    `name` String COMMENT 'File of the migration, without .sql; it begins with its number',
    `checksum` String COMMENT 'SHA-256 of the file as it was applied, hex',
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied, UTC'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY (feed, name)
COMMENT 'Which migrations of the schema have been applied'
"""

# Quoted text, quoted names and comments are passed over whole; what is left of `;` ends a statement.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|;", re.DOTALL)


class SchemaError(Exception):
    """The schema in ClickHouse is not the one this version works with; the text says what to do."""


class Migration(NamedTuple):
    """One file: its name without `.sql`, and its text."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        return split_statements(self.text)


def split_statements(text: str) -> list[str]:
    """The statements of an SQL file, without their `;`. Raises ValueError if the last one has none."""
    found, start = [], 0
    for token in _TOKEN.finditer(text):
        if token.group() == ";":
            found.append(text[start : token.start()].strip())
            start = token.end()
    rest = _TOKEN.sub(lambda token: "" if token.group().startswith(("--", "/*")) else token.group(), text[start:])
    if rest.strip():
        raise ValueError(f"a statement does not end with ';': {rest.strip()[:80]}")
    return found


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    folder = files("sinks.clickhouse") / "schema"
    found = [Migration(f.name.removesuffix(".sql"), f.read_text("utf-8")) for f in folder.iterdir()]
    return sorted(m for m in found if m.name[:4].isdigit())


def pending(known: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    """Which migrations are still to be applied, given name -> checksum of those that were.

    Raises SchemaError if the database is ahead of this version or a file was changed after it was applied.
    """
    ahead = sorted(set(applied) - {m.name for m in known})
    if ahead:
        raise SchemaError(
            f"the database has {', '.join(ahead)}, which this version does not know: run the version of Hotline that "
            "applied it, or name another database with HOTLINE_CLICKHOUSE__DATABASE"
        )
    for migration in known:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise SchemaError(
                f"{migration.name}.sql was changed after it had been applied: restore the file and put the change "
                "into a new migration"
            )
    return [m for m in known if m.name not in applied]


def applied(client: Client) -> dict[str, str]:
    """The migrations that the database has: name -> checksum; none where there is no schema or database."""
    try:
        rows = client.query("SELECT name, checksum FROM schema_migrations FINAL").result_rows
    except DatabaseError as error:
        if error.code in {UNKNOWN_TABLE, UNKNOWN_DATABASE}:
            return {}
        raise
    return {str(name): str(checksum) for name, checksum in rows}


def check_schema(client: Client) -> None:
    """Raise SchemaError, saying what to do, unless the schema is exactly the one of this version."""
    missing = pending(migrations(), applied(client))
    if missing:
        names = ", ".join(m.name for m in missing)
        raise SchemaError(f"the ClickHouse schema is behind by {len(missing)} ({names}): run `hotline migrate`")


def apply(client: Client, known: Sequence[Migration], *, on_replicas: bool = False) -> list[str]:
    """Apply what is pending; returns the names. One that fails half-way can be applied again."""

    def execute(statement: str) -> None:
        if on_replicas:
            client.command(replicas.replicated(statement), settings=replicas.SETTINGS)
        else:
            client.command(statement)

    execute(_RECORDS)
    names = []
    for migration in pending(known, applied(client)):
        for statement in migration.statements:
            execute(statement)
        client.insert("schema_migrations", [["", migration.name, migration.checksum]], ["feed", "name", "checksum"])
        names.append(migration.name)
    return names


def create_database(settings: Settings) -> None:
    """Create the database if it is not there, on all replicas of a cluster. Raises as `migrate`."""
    name, cluster = settings.clickhouse.database, settings.clickhouse.cluster
    with connect(settings.clickhouse, database=False) as client:
        if cluster:
            _create_on_replicas(client, name, cluster)
        else:
            client.command(f"CREATE DATABASE IF NOT EXISTS `{name}`")


def _create_on_replicas(client: Client, name: str, cluster: str) -> None:
    """Raises SchemaError for a cluster that is none or has shards, and for a database that is one server's."""
    query = "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = {cluster:String}"
    shards = int(client.query(query, {"cluster": cluster}).result_rows[0][0])
    if shards == 0:
        raise SchemaError(
            f"ClickHouse knows no cluster {cluster!r} (clickhouse.cluster): define it in remote_servers, or name one "
            "that system.clusters lists"
        )
    if shards > 1:
        raise SchemaError(
            f"the cluster {cluster!r} has {shards} shards: every replica holds everything here, name a cluster of one "
            "shard with several replicas"
        )
    client.command(replicas.database(name, cluster), settings=replicas.CREATE_SETTINGS)
    engine = client.query("SELECT engine FROM system.databases WHERE name = {name:String}", {"name": name}).result_rows
    if engine != [("Replicated",)]:
        raise SchemaError(
            f"the database {name} is one server's (engine {engine[0][0] if engine else 'none'}): `hotline backup` "
            "it, name another with HOTLINE_CLICKHOUSE__DATABASE, and `hotline restore` it there"
        )


def replicas_of(client: Client, settings: Settings) -> tuple[int, int]:
    """(replicas that hold the database and are up, replicas that the cluster has)."""
    query = (
        "SELECT countIf(cluster = {database:String} AND database_replica_name != '' AND is_active), "
        "countIf(cluster = {cluster:String} AND database_replica_name = '') FROM system.clusters"
    )
    names = {"database": settings.clickhouse.database, "cluster": settings.clickhouse.cluster}
    up, all_of_them = client.query(query, names).result_rows[0]
    return int(up), int(all_of_them)


def migrate(settings: Settings) -> list[str]:
    """Create the database if needed, bring its schema and the table of hotlines up to date.

    Returns the names of the migrations applied now. Raises ClickHouseAway, SchemaError, or the driver's
    DatabaseError for what the server refuses.
    """
    create_database(settings)
    with connect(settings.clickhouse) as client:
        names = apply(client, migrations(), on_replicas=bool(settings.clickhouse.cluster))
        write_hotlines(client, settings)
    return names
