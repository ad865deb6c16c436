"""What Grafana and its ClickHouse plugin do to a query before it is sent, as their documentation says.

Grafana: `${name}` and `${name:sqlstring}` (quoted, quotes doubled, several values as a list).
The plugin, version 4: `$__timeFilter`, `$__timeInterval`, `$__dateFilter`, `$__fromTime`, `$__toTime`, `$__interval_s`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime


class UnknownMacroError(ValueError):
    pass


def _variable(values: Mapping[str, str | Sequence[str]], name: str, form: str | None) -> str:
    value = values[name]
    several = [value] if isinstance(value, str) else list(value)
    if form == "sqlstring":
        return ",".join("'" + one.replace("'", "''") + "'" for one in several)
    if form is not None:
        raise UnknownMacroError(f"${{{name}:{form}}}")
    assert len(several) == 1, f"${{{name}}} stands for {len(several)} values and is not quoted"
    return several[0]


def expand(
    sql: str, *, start: datetime, end: datetime, interval_s: int, variables: Mapping[str, str | Sequence[str]]
) -> str:
    """The SQL that reaches ClickHouse."""
    first, last = f"toDateTime({int(start.timestamp())})", f"toDateTime({int(end.timestamp())})"
    with_column = {
        "timeFilter": lambda column: f"{column} >= {first} AND {column} <= {last}",
        "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL {interval_s} second)",
        "dateFilter": lambda column: f"{column} >= toDate('{start:%Y-%m-%d}') AND {column} <= toDate('{end:%Y-%m-%d}')",
    }
    plain = {"fromTime": first, "toTime": last, "interval_s": str(interval_s)}
    sql = re.sub(r"\$\{(\w+)(?::(\w+))?\}", lambda m: _variable(variables, m[1], m[2]), sql)
    sql = re.sub(r"\$__(\w+)\(([^()]*)\)", lambda m: with_column[m[1]](m[2]) if m[1] in with_column else m[0], sql)
    sql = re.sub(r"\$__(\w+)", lambda m: plain.get(m[1], m[0]), sql)
    if "$" in sql:
        raise UnknownMacroError(sql[sql.index("$") :][:60])
    return sql
