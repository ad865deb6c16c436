"""The schema on several replicas: what its statements are there. Pure.

The database has the engine Replicated: it passes each statement on to all of its replicas, to those that are away once
they are back, and to those that are added later from the first one on. So statements stay as they are but for the
engines of tables, which copy their rows.
"""

import re

# `throw_only_active`: a replica that is away catches up by itself, and nobody waits three minutes for it.
SETTINGS = {"distributed_ddl_output_mode": "throw_only_active"}

# A host that is away has the statement done when it is back. Every start of `hotline migrate` waits this long for it.
CREATE_SETTINGS = {"distributed_ddl_output_mode": "null_status_on_timeout", "distributed_ddl_task_timeout": 20}

_COMMENTS = re.compile(r"(?:\s*--[^\n]*\n)*\s*")
_CREATE_TABLE = "CREATE TABLE IF NOT EXISTS "
_AS_IT_IS = ("CREATE OR REPLACE VIEW ", "ALTER TABLE ")
_STORAGE = re.compile(
    r"\nENGINE = (ReplacingMergeTree\(\w+\)\n(?:PARTITION BY [^\n]+\n)?ORDER BY [^\n]+\n)(?=COMMENT ')"
)

# Replicated tables pass over a block that equals one of the last hour. Here a block may come again on purpose, after
# others with the same versions (terms made anew and back, rows deleted and restored), and repeats are told by version.
_EVERY_BLOCK_COUNTS = "SETTINGS replicated_deduplication_window = 0"


def database(name: str, cluster: str) -> str:
    """The statement that creates the database wherever it is not yet.

    The path is made of the name: by it a replica that is added later finds the others (a UUID would be its own).
    """
    path = f"/clickhouse/databases/{name}"
    return (
        f"CREATE DATABASE IF NOT EXISTS `{name}` ON CLUSTER `{cluster}` "
        f"ENGINE = Replicated('{path}', '{{shard}}', '{{replica}}')"
    )


def replicated(statement: str) -> str:
    """A statement of a migration for a database of several replicas.

    Raises ValueError for one of a kind that nobody has thought through for replicas (rows that are written by a
    migration, a materialized view, another engine).
    """
    words = _COMMENTS.sub("", statement, count=1)
    if words.startswith(_AS_IT_IS):
        return statement
    if words.startswith(_CREATE_TABLE):
        found, tables = _STORAGE.subn(rf"\nENGINE = Replicated\1{_EVERY_BLOCK_COUNTS}\n", statement)
        if tables == 1:
            return found
    raise ValueError(f"sinks/clickhouse/replicas.py does not know what this is on several replicas: {words[:80]}")
