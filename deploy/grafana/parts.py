"""The pieces a dashboard is built from, as Grafana's classic JSON has them (schema version 41).

A panel takes SQL (or PromQL) and says its unit and, in its description, the definition of what it shows.
"""

from collections.abc import Sequence
from typing import Any, Literal

Json = dict[str, Any]

SCHEMA_VERSION = 41
PLUGIN_VERSION = "4.20.0"
CLICKHOUSE: Json = {"type": "grafana-clickhouse-datasource", "uid": "hotline-clickhouse"}
PROMETHEUS: Json = {"type": "prometheus", "uid": "hotline-prometheus"}
GRAFANA: Json = {"type": "grafana", "uid": "-- Grafana --"}

_FORMATS = {"timeseries": 0, "table": 1}


def sql_target(sql: str, *, result: Literal["timeseries", "table"] = "table", ref: str = "A") -> Json:
    """A query of the ClickHouse plugin; in `timeseries`, text columns become the labels of the series."""
    return {
        "refId": ref,
        "datasource": CLICKHOUSE,
        "pluginVersion": PLUGIN_VERSION,
        "editorType": "sql",
        "queryType": result,
        "format": _FORMATS[result],
        "rawSql": sql.strip(),
    }


def promql_target(expression: str, legend: str, *, ref: str = "A") -> Json:
    return {"refId": ref, "datasource": PROMETHEUS, "expr": expression, "legendFormat": legend, "range": True}


def thresholds(base: str, *steps: tuple[float, str]) -> Json:
    """Colours by value: `base` below the first step."""
    rest = [{"color": color, "value": value} for value, color in steps]
    return {"mode": "absolute", "steps": [{"color": base, "value": None}, *rest]}


def override(name: str, **properties: Any) -> Json:
    """Properties of the column or series called `name`; `custom__x` stands for the id `custom.x`."""
    settings = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": settings}


def _panel(kind: str, title: str, description: str, targets: Sequence[Json], **more: Any) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": targets[0]["datasource"],
        "targets": list(targets),
        **more,
    }


def stat(
    title: str, description: str, target: Json, *, unit: str = "none", decimals: int = 0, colors: Json | None = None
) -> Json:
    """One number; a dash where there is none (a rate over nothing is not 0)."""
    defaults: Json = {"unit": unit, "decimals": decimals, "noValue": "–", "thresholds": colors or thresholds("text")}
    return _panel(
        "stat",
        title,
        description,
        [target],
        fieldConfig={"defaults": defaults, "overrides": []},
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "center",
            "textMode": "value",
        },
    )


def timeseries(
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    unit: str = "none",
    minimum: float | None = 0,
    maximum: float | None = None,
    overrides: Sequence[Json] = (),
    interval: str = "1m",
) -> Json:
    """Lines over time; a gap stays a gap. `interval` is the shortest step: cells have one row per minute."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}
    defaults: Json = {"unit": unit, "custom": custom, "color": {"mode": "palette-classic"}}
    defaults |= {key: value for key, value in (("min", minimum), ("max", maximum)) if value is not None}
    return _panel(
        "timeseries",
        title,
        description,
        targets,
        interval=interval,
        fieldConfig={"defaults": defaults, "overrides": list(overrides)},
        options={
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def table(
    title: str, description: str, target: Json, *, overrides: Sequence[Json] = (), sort: str | None = None
) -> Json:
    by = [{"displayName": sort, "desc": True}] if sort else []
    return _panel(
        "table",
        title,
        description,
        [target],
        fieldConfig={"defaults": {"noValue": "–", "custom": {"filterable": True}}, "overrides": list(overrides)},
        options={"showHeader": True, "cellHeight": "sm", "sortBy": by},
    )


def query_variable(
    name: str,
    label: str,
    sql: str,
    *,
    current: str | None = None,
    multi: bool = False,
    description: str = "",
) -> Json:
    """A variable filled by a query; with `multi` several values or all of them."""
    chosen = "$__all" if multi else current
    text = "All" if multi else current
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": CLICKHOUSE,
        "definition": sql.strip(),
        "query": {"refId": name, "editorType": "sql", "queryType": "sql", "rawSql": sql.strip()},
        "refresh": 1,
        "sort": 0,
        "multi": multi,
        "includeAll": multi,
        "options": [],
        "current": {"text": [text], "value": [chosen]} if multi else {"text": text, "value": chosen} if current else {},
        "hide": 0,
    }


def annotation(name: str, sql: str, *, color: str) -> Json:
    """Marks on every panel, by a query that returns `time`, `timeEnd`, `title`, `text` and `tags`."""
    return {
        "name": name,
        "datasource": CLICKHOUSE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "target": sql_target(sql, ref="Anno"),
    }


def pushed_annotations() -> Json:
    """Grafana's own list of marks: what is pushed to the dashboard by its API."""
    return {
        "name": "Pushed",
        "builtIn": 1,
        "type": "dashboard",
        "datasource": GRAFANA,
        "enable": True,
        "hide": True,
        "iconColor": "blue",
        "target": {"type": "dashboard", "limit": 100, "matchAny": False, "tags": []},
    }


def rows(*sections: tuple[str, Sequence[Sequence[tuple[int, int, Json]]]]) -> list[Json]:
    """Lay panels out: sections of lines of (width of 24, height, panel); ids count from 1, in order."""
    placed: list[Json] = []
    y = 0
    for title, lines in sections:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": _grid(0, y, 24, 1)})
        y += 1
        for line in lines:
            x = 0
            for width, height, panel in line:
                placed.append({**panel, "gridPos": _grid(x, y, width, height)})
                x += width
            assert x <= 24, f"{title}: a line is {x} columns wide, a dashboard has 24"
            y += max(height for _, height, _ in line)
    return [{"id": number, **panel} for number, panel in enumerate(placed, start=1)]


def _grid(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def dashboard(
    uid: str,
    title: str,
    description: str,
    *,
    variables: Sequence[Json],
    annotations: Sequence[Json],
    panels: Sequence[Json],
    refresh: str = "10s",
) -> Json:
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["hotline"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": refresh,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(variables)},
        "annotations": {"list": list(annotations)},
        "links": [],
        "panels": list(panels),
    }
