"""The pieces a dashboard is built from, as Grafana's classic JSON has them (schema version 41).

A panel takes SQL (or PromQL) and says its unit and, in its description, the definition of what it shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from deploy.grafana.words import NAMES, Text

Json = dict[str, Any]

SCHEMA_VERSION = 41
PLUGIN_VERSION = "4.20.0"
CLICKHOUSE: Json = {"type": "grafana-clickhouse-datasource", "uid": "hotline-clickhouse"}
PROMETHEUS: Json = {"type": "prometheus", "uid": "hotline-prometheus"}
GRAFANA: Json = {"type": "grafana", "uid": "-- Grafana --"}

_FORMATS = {"timeseries": 0, "table": 1}
NOTHING = Text("", "")


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


def promql_target(expression: str, legend: str, *, ref: str = "A", instant: bool = False) -> Json:
    """A query of Prometheus; `instant`: its newest value alone, as a table."""
    how: Json = {"instant": True, "range": False, "format": "table"} if instant else {"range": True}
    return {"refId": ref, "datasource": PROMETHEUS, "expr": expression, "legendFormat": legend, **how}


def thresholds(base: str, *steps: tuple[float, str]) -> Json:
    """Colours by value: `base` below the first step."""
    rest = [{"color": color, "value": value} for value, color in steps]
    return {"mode": "absolute", "steps": [{"color": base, "value": None}, *rest]}


def override(name: str, **properties: Any) -> Json:
    """Properties of the column or series called `name`; `custom__x` stands for the id `custom.x`."""
    settings = [{"id": key.replace("__", "."), "value": _property(key, value)} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": settings}


def _property(key: str, value: Any) -> Any:
    return Text(value, NAMES[value]) if key == "custom__fillBelowTo" else value


def shares(*names: str) -> list[Json]:
    """Columns that are fractions 0-1."""
    return [override(name, unit="percentunit", decimals=1) for name in names]


def seconds(*names: str) -> list[Json]:
    """Columns that are seconds."""
    return [override(name, unit="s", decimals=0) for name in names]


def said(values: Mapping[str, tuple[Text, str]]) -> list[Json]:
    """Value mappings: what is stored -> how it is said, and its colour."""
    options = {
        value: {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(values.items())
    }
    return [{"type": "value", "options": options}]


def coloured(name: str, colors: Json, **more: Any) -> Json:
    """A column whose cells have the colour of their value."""
    return override(name, thresholds=colors, custom__cellOptions={"type": "color-background", "mode": "basic"}, **more)


def leads_to(name: str, title: Text, url: str) -> Json:
    """A column whose values lead somewhere: a dashboard or the wallboard."""
    return override(name, links=[{"title": title, "url": url, "targetBlank": False}])


def _panel(kind: str, title: Text, description: Text, targets: Sequence[Json], **more: Any) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": targets[0]["datasource"],
        "targets": list(targets),
        **more,
    }


def stat(
    title: Text, description: Text, target: Json, *, unit: str = "none", decimals: int = 0, colors: Json | None = None
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
    title: Text,
    description: Text,
    targets: Sequence[Json],
    *,
    unit: str = "none",
    minimum: float | None = 0,
    maximum: float | None = None,
    overrides: Sequence[Json] = (),
    interval: str = "1m",
    stacked: bool = False,
) -> Json:
    """Lines over time (`stacked`: bars that add up); a gap stays a gap. `interval` is the shortest step: cells have one
    row per minute.
    """
    custom: Json = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}
    if stacked:
        custom |= {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}}
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


def bars(title: Text, description: Text, target: Json, *, x: str, unit: str = "none") -> Json:
    """Bars over the values of column `x`, one on the other."""
    custom = {"fillOpacity": 80, "lineWidth": 0}
    return _panel(
        "barchart",
        title,
        description,
        [target],
        fieldConfig={"defaults": {"unit": unit, "min": 0, "custom": custom}, "overrides": []},
        options={
            "xField": x,
            "stacking": "normal",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    )


def table(
    title: Text, description: Text, target: Json, *, overrides: Sequence[Json] = (), sort: str | None = None
) -> Json:
    by = [{"displayName": sort, "desc": True}] if sort else []
    return _panel(
        "table",
        title,
        description,
        [target],
        fieldConfig={
            "defaults": {"unit": "none", "noValue": "–", "custom": {"filterable": True}},
            "overrides": list(overrides),
        },
        options={"showHeader": True, "cellHeight": "sm", "sortBy": by},
    )


def query_variable(
    name: str,
    label: Text,
    sql: str,
    *,
    current: str | None = None,
    multi: bool = False,
    description: Text = NOTHING,
) -> Json:
    """A variable filled by a query; with `multi` several values or all of them."""
    chosen = "$__all" if multi else current
    text = Text("All", "全部") if multi else current
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": CLICKHOUSE,
        "definition": sql.strip(),
        "query": {"refId": name, "editorType": "sql", "queryType": "sql", "rawSql": sql.strip()},
        "refresh": 2,  # when the time range changes: what there is to choose from may have changed with it
        "sort": 0,
        "multi": multi,
        "includeAll": multi,
        "options": [],
        "current": {"text": [text], "value": [chosen]} if multi else {"text": text, "value": chosen} if current else {},
        "hide": 0,
    }


def text_variable(name: str, label: Text, value: str, description: Text) -> Json:
    """A text that whoever looks may change."""
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": value,
        "current": {"text": value, "value": value},
        "options": [{"text": value, "value": value, "selected": True}],
        "hide": 2,
    }


def annotation(name: Text, sql: str, *, color: str) -> Json:
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
        "name": Text("Pushed", "推送"),
        "builtIn": 1,
        "type": "dashboard",
        "datasource": GRAFANA,
        "enable": True,
        "hide": True,
        "iconColor": "blue",
        "target": {"type": "dashboard", "limit": 100, "matchAny": False, "tags": []},
    }


def rows(*sections: tuple[Text, Sequence[Sequence[tuple[int, int, Json]]]]) -> list[Json]:
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
            assert x <= 24, f"{title.en}: a line is {x} columns wide, a dashboard has 24"
            y += max(height for _, height, _ in line)
    return [{"id": number, **panel} for number, panel in enumerate(placed, start=1)]


def _grid(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def dashboard(
    uid: str,
    title: Text,
    description: Text,
    *,
    variables: Sequence[Json],
    annotations: Sequence[Json],
    panels: Sequence[Json],
    refresh: str = "10s",
    since: str = "now-6h",
    links: Sequence[Json] = (),
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
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(variables)},
        "annotations": {"list": list(annotations)},
        "links": list(links),
        "panels": list(panels),
    }
