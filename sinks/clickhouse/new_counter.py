"""`python -m sinks.clickhouse.new_counter NAME`: the migration that gives a counter of cells its column.

The counter must already stand in `streams.contract.cells.COUNTERS`; its definition becomes the comment.
"""

import re
import sys
from pathlib import Path

from streams.contract.cells import BY_NUMBER, COUNTERS

SCHEMA = Path(__file__).parent / "schema"
_VIEW = re.compile(r"CREATE OR REPLACE VIEW v_cells\n.*?;\n", re.DOTALL)


def _latest_view(migrations: list[Path]) -> str:
    """The definition of v_cells as the last migration that holds one left it."""
    for path in reversed(migrations):
        found = _VIEW.search(path.read_text(encoding="utf-8"))
        if found:
            return found.group()
    raise LookupError("no migration defines v_cells")


def migration(name: str, schema: Path = SCHEMA) -> Path:
    """Write the migration for counter `name` and return its path.

    Raises LookupError if the counter is not defined or has a column already.
    """
    if name not in COUNTERS:
        raise LookupError(
            f"define {name!r} in COUNTERS (streams/contract/cells.py) first: its text becomes the comment"
        )
    migrations = sorted(schema.glob("[0-9]*.sql"))
    view = _latest_view(migrations)
    if f"`{name}`" in view:
        raise LookupError(f"{name!r} has a column already")
    kind = "Map(UInt32, UInt64)" if name in BY_NUMBER else "UInt64"
    definition = COUNTERS[name]
    comment = (definition[0].upper() + definition[1:]).replace("\\", "\\\\").replace("'", "\\'")
    column = f"    `{name}` {kind} COMMENT '{comment}',\n"
    typed, listed = "    `day` Date", "    `day`\n"
    wider = view.replace(typed, column + typed, 1).replace(listed, f"    `{name}`,\n" + listed, 1)
    path = schema / f"{int(migrations[-1].name[:4]) + 1:04}_{name}.sql"
    head = f"-- The counter `{name}` of base cells.\n\nALTER TABLE cells ADD COLUMN IF NOT EXISTS\n"
    path.write_text(f"{head}{column.rstrip().rstrip(',')};\n\n{wider}", encoding="utf-8")
    return path


if __name__ == "__main__":
    try:
        print(migration(sys.argv[1]))  # noqa: T201 - the command's answer
    except (IndexError, LookupError) as error:
        sys.exit(f"new_counter: {error or 'name the counter'}")
