"""The OpenAPI document of `/api/v1`, made from the same tables that the handlers read. Pure."""

from importlib.metadata import version
from typing import Any

from sinks.clickhouse.traces import MEASURES, NOW
from sinks.web.api import FORMATS
from sinks.web.beside import PARAMETERS as BESIDE_PARAMETERS
from sinks.web.breakdown import PARAMETERS as BREAKDOWN_PARAMETERS
from sinks.web.calls import CALLS_PARAMETERS, LONGEST_FILE
from sinks.web.day import PARAMETERS as DAY_PARAMETERS
from sinks.web.kinds import SETS
from sinks.web.one_call import LONGEST_ID
from sinks.web.one_call import PARAMETERS as CALL_PARAMETERS
from sinks.web.planned import PARAMETERS as EVENT_PARAMETERS
from sinks.web.planned import STATES
from sinks.web.rolling import WINDOWS, measures
from sinks.web.summary import FARTHEST, LONGEST_THRESHOLD_S, PARAMETERS, ROLLING_PARAMETERS, SUMMED
from streams.contract.cells import COUNTERS

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_RATIO: Json = {"type": ["number", "null"]}
_INSTANT: Json = {"type": ["string", "null"], "description": "ISO 8601, UTC"}

_PARAMETERS: dict[str, tuple[Json, str]] = {
    "feed": (_TEXT, "the stream of records; the board's unless told"),
    "hotline": (_TEXT, "the hotline; the board's unless told"),
    "queue": (_TEXT, "one queue; the whole hotline unless told"),
    "from": (_TEXT, "a local date (1999-01-31) or an instant on a whole minute with its offset"),
    "to": (_TEXT, "the same; a date includes its whole day"),
    "threshold_s": ({"type": "integer", "minimum": 0, "maximum": LONGEST_THRESHOLD_S}, "X of the service level, seconds"),
    "window": ({"type": "string", "enum": list(WINDOWS)}, "a rolling window, as of the data's clock"),
    "metric": ({"type": "string", "enum": [*NOW, *MEASURES]}, "which number"),
    "by": ({"type": "string", "enum": list(SETS)}, "broken down by this"),
    "within": (_TEXT, "only below this category"),
    "queues": (_TEXT, "a group of queues, with commas: totals are ratios of their sums"),
    "call": ({"type": "string", "minLength": 1, "maxLength": LONGEST_ID}, "the id of a call"),
    "limit": ({"type": "integer", "minimum": 0, "maximum": LONGEST_FILE}, "so many rows; at most 1,000 as JSON"),
    "offset": ({"type": "integer", "minimum": 0, "maximum": FARTHEST}, "after so many rows"),
    "on": ({"type": "string", "enum": list(STATES)}, "only events that are on now, to come or past"),
    "name": (_TEXT, "only events whose name has this in it, in capitals or not"),
    "event": (_TEXT, "only the event of this id"),
}  # fmt: skip
_CSV: Json = {"name": "format", "in": "query", "schema": {"type": "string", "enum": list(FORMATS), "default": "json"}}
_ERROR: Json = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
_KEY: Json = {
    "feed": _TEXT,
    "hotline": _TEXT,
    "queue": {"type": ["string", "null"]},
    "from": _INSTANT,
    "to": _INSTANT,
    "time_zone": _TEXT,
}


def _object(properties: Json, **more: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), **more}


def _figures() -> Json:
    """What is made of counts: every counter, and every ratio by its name."""
    counters = {name: _COUNT | {"description": COUNTERS.get(name, "sources times minutes")} for name in SUMMED}
    return (
        counters
        | {"rated": {"type": "object", "additionalProperties": _COUNT}}
        | dict.fromkeys(measures({}, 0), _RATIO)
    )


def _schemas() -> Json:
    number = _object(
        {"value": {"type": ["number", "null"]}, "over": {"type": "integer"}, "under": {"type": ["integer", "null"]}}
    )
    return {
        "Error": _object({"error": _TEXT}),
        "Number": number | {"description": "over / under (of times in seconds), or over alone"},
        "Figures": _object(_figures(), description="counts by arrival and what is made of them; a rate over nothing is null"),
        "Summary": {"allOf": [_object(_KEY | {"source": _TEXT}), {"$ref": "#/components/schemas/Figures"}]},
        "Rolling": _object(
            {name: _KEY[name] for name in ("feed", "hotline", "queue", "time_zone")}
            | {
                "data_as_of": _INSTANT,
                "source": _TEXT,
                "windows": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Figures"}},
            }
        ),
        "Worst": _object(
            _KEY
            | {"answer_rate_24h_worst": _RATIO, "begin": _INSTANT, "end": _INSTANT}
            | {name: {"type": ["integer", "null"]} for name in ("answered", "inbound")}
        ),
        "Calls": _object(
            _KEY
            | {
                "metric": _TEXT,
                "window": {"type": ["string", "null"]},
                "data_as_of": _INSTANT,
                "threshold_s": _COUNT,
                "cells": {"anyOf": [{"$ref": "#/components/schemas/Number"}, {"type": "null"}]},
                "sum_of_visits": {"$ref": "#/components/schemas/Number"},
                "visits": _COUNT,
                "offset": _COUNT,
                "next_offset": {"type": ["integer", "null"]},
                "names": {"type": "object", "description": "what people call the categories and districts"},
                "rows": {"type": "array", "items": {"type": "object", "required": ["visit", "call", "adds"]}},
            }
        ),
    }  # fmt: skip


_SERIES: Json = {"type": "array", "items": {"type": ["number", "null"]}}
_NAMES: Json = {"type": "object", "additionalProperties": _TEXT}


def _more_schemas() -> Json:
    """What pages beside the board ask for."""
    instant = {"type": ["integer", "null"], "description": "ms since 1970, UTC"}
    condition = _object(
        {
            "id": _TEXT,
            "kind": _TEXT,
            "queue": _TEXT,
            "category": _TEXT,
            "since": instant,
            "breach": {"type": "boolean"},
            "slice": {"type": "boolean"},
            "verdict": {
                "type": ["string", "null"],
                "description": "what somebody thought of it: useful, noise, missed",
            },
        }
    )
    row = _object(
        {"value": _TEXT, "name": _NAMES, "offered": _COUNT, "answered": _COUNT, "abandoned": _COUNT, "today": _COUNT}
        | dict.fromkeys(
            ("service_level_offered", "answer_rate_offered", "abandonment_rate", "asa", "per_10000"), _RATIO
        )
        | {"few": {"type": "boolean"}, "alarmed": {"type": "boolean"}, "spark": _SERIES}
    )
    district = _object(
        {
            "code": _TEXT,
            "name": _NAMES,
            "population": _COUNT,
            "path": _TEXT,
            "x": {"type": "number"},
            "y": {"type": "number"},
        }
    )
    return {
        "Breakdown": _object({"hotline": _TEXT, "by": _TEXT, "window": _TEXT, "few_below": _COUNT, "rows": {"type": "array", "items": row}}),
        "Day": _object(
            {"hotline": _TEXT, "start": instant, "end": instant, "step_s": _COUNT, "threshold_s": _COUNT}
            | dict.fromkeys(("targets", "offered", "met", "judged", "expected", "lower", "upper"), _SERIES)
        ),
        "LastWeek": _object(
            _KEY
            | {"start": instant, "step_s": _COUNT, "offered": _SERIES}
            | {"figures": {"type": ["object", "null"], "description": "up to the same time of day, as a window of /rolling"}}
        ),
        "EstimatedWait": _object(
            {name: _KEY[name] for name in ("feed", "hotline", "queue", "time_zone")}
            | {"estimated_wait_s": _RATIO, "mean_error_s": _RATIO, "served_at": _INSTANT, "served": _COUNT}
        ),
        "Alerts": _object(
            {key: {"type": "array", "items": condition} for key in ("firing", "ended")}
            | {"silences": {"type": "array", "items": _object(
                {"id": _TEXT, "matchers": {"type": "object"}, "author": _TEXT, "reason": _TEXT, "at": instant, "ends_at": instant})}}
        ),
        "Events": _object({"now": _COUNT, "numbers": _object(dict.fromkeys(STATES, _COUNT)), "total": _COUNT, "offset": _COUNT, "events": {"type": "array", "items": _object(
            {"id": _TEXT, "revision": _COUNT, "name": _TEXT, "on": {"enum": list(STATES)}, "begin": {"type": "integer"},
             "end": {"type": "integer"}, "lift": {"type": "number"}, "hotline": _TEXT, "queue": _TEXT, "time_zone": _TEXT, "author": _TEXT,
             "at": {"type": ["integer", "null"]}, "changes": {"type": "boolean"}})}}),
        "Call": _object({"call": _TEXT, "topic": _TEXT, "partition": _COUNT, "last_offset": _COUNT}
            | {key: {"type": "array", "items": {"type": "object", "required": ["visit"]}} for key in ("visits", "earlier")}),
        "Map": _object({"width": {"type": "number"}, "height": {"type": "number"}, "districts": {"type": "array", "items": district}}),
    }  # fmt: skip


def _get(summary: str, schema: str | None, names: tuple[str, ...] = (), *, csv: bool = True, needs: str = "") -> Json:
    content: Json = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}}
    }
    parameters = [
        {"name": name, "in": "query", "required": name == needs, "schema": _PARAMETERS[name][0], "description": _PARAMETERS[name][1]}
        for name in names
    ]  # fmt: skip
    if csv:
        content["text/csv"] = {"schema": _TEXT}
        parameters.append(_CSV)
    refusals = {
        "400": "what was asked cannot be answered",
        "401": "nobody is logged in",
        "403": "not in the area of whoever asks",
        "404": "nothing is known of it",
        "503": "ClickHouse is needed and does not answer",
    }
    return {
        "get": {
            "summary": summary,
            "parameters": parameters,
            "responses": {"200": {"description": "the answer", "content": content}}
            | ({code: {"description": text, **_ERROR} for code, text in refusals.items()} if csv else {}),
        }
    }


def _post(summary: str, properties: Json, required: tuple[str, ...]) -> Json:
    refusals = {
        "400": "it makes no sense",
        "401": "nobody is logged in, or name and password do not fit",
        "403": "not from this page, or no actions are offered here",
        "404": "this alert does not fire, or there is no such event",
        "409": "Alertmanager pages: it is the home of silences; or: there are no local accounts; or: somebody was faster",
        "413": "too large",
        "415": "not JSON",
        "429": "too many tries: wait as long as Retry-After says",
        "503": "Kafka does not answer: nothing was changed",
        "504": "Kafka's answer is lost: it may have been recorded",
    }
    return {
        "post": {
            "summary": summary,
            "parameters": [{"name": "X-Hotline-Action", "in": "header", "required": True, "schema": _TEXT}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": properties,
                            "required": list(required),
                            "additionalProperties": False,
                        }
                    }
                },
            },
            "responses": {"200": {"description": "it is written"}}
            | {code: {"description": text, **_ERROR} for code, text in refusals.items()},
        }
    }


_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 64}
_SHORT: Json = {"type": "string", "maxLength": 64}
_LOCAL: Json = _SHORT | {"description": "date and time local to the hotline (2026-06-25T08:00), or with an offset"}
_EVENT: Json = {
    "author": _NAME,
    "name": {"type": "string", "minLength": 1, "maxLength": 200},
    "begin": _LOCAL,
    "end": _LOCAL,
    "lift": {"type": "number", "minimum": 0.01, "maximum": 50, "description": "so many times the usual calls"},
    "hotline": _SHORT | {"description": "left out or empty: all of them"},
    "queue": _SHORT | {"description": "left out or empty: all of its calls"},
}
_LAST: Json = {
    "author": _NAME,
    "event": _NAME,
    "revision": {"type": "integer", "description": "the one that was seen: whoever was overtaken changes nothing"},
}
_LOGIN: Json = {
    "name": {"type": "string", "minLength": 1, "maxLength": 64},
    "password": {"type": "string", "minLength": 1, "maxLength": 1024},
}


def document() -> Json:
    """The whole document."""
    name = {"type": "string", "minLength": 1, "maxLength": 64}
    stream = _get("The board as server-sent events: all of it, then what changes", None, ("queues",), csv=False)
    stream["get"]["responses"]["200"]["content"] = {"text/event-stream": {"schema": _TEXT}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hotline",
            "version": version("hotline-monitor"),
            "description": "The figures of the wallboard. Names and definitions are those of the SQL views.",
        },
        "paths": {
            "/api/v1/summary": _get("The figures of any span", "Summary", PARAMETERS),
            "/api/v1/rolling": _get("The figures of the rolling windows", "Rolling", ROLLING_PARAMETERS),
            "/api/v1/answer_rate_24h": _get("The worst continuous 24 hours", "Worst", PARAMETERS),
            "/api/v1/last_week": _get("The same local day a week ago", "LastWeek", BESIDE_PARAMETERS),
            "/api/v1/estimated_wait": _get(
                "What somebody who queues now will wait, by the last one served",
                "EstimatedWait",
                BESIDE_PARAMETERS,
                needs="queue",
            ),
            "/api/v1/calls": _get("The calls behind a number", "Calls", CALLS_PARAMETERS, needs="metric"),
            "/api/v1/call": _get("One call and its caller's earlier ones", "Call", CALL_PARAMETERS, needs="call"),
            "/api/v1/breakdown": _get(
                "A window by category, district or department", "Breakdown", BREAKDOWN_PARAMETERS
            ),
            "/api/v1/day": _get("Today in cells of 5 minutes", "Day", DAY_PARAMETERS),
            "/api/v1/alerts": _get("What fires and what has ended", "Alerts"),
            "/api/v1/events": _get("What is announced: now on, to come, past", "Events", EVENT_PARAMETERS),
            "/api/v1/events/add": _post("Announce an event", _EVENT, ("author", "name", "begin", "end")),
            "/api/v1/events/change": _post(
                "Say anew what an event is", _LAST | _EVENT, (*_LAST, "name", "begin", "end")
            ),
            "/api/v1/events/remove": _post("Take an event back", _LAST, tuple(_LAST)),
            "/api/v1/events/undo": _post(
                "Take back one's own last word on an event, a moment ago", _LAST, tuple(_LAST)
            ),
            "/api/v1/map": _get("The outlines of the site's districts", "Map"),
            "/api/v1/board": _get("The board as the page has it", None, ("queues",)),
            "/api/v1/stream": stream,
            "/api/v1/openapi.json": _get("This document", None, csv=False),
            "/api/v1/me": _get("Who asks, and what they may do", None, csv=False),
            "/api/v1/session": _post("Log in with a local account", _LOGIN, ("name", "password"))
            | {"delete": _post("Log out", {}, ())["post"] | {"requestBody": {"content": {"application/json": {}}}}},
            "/api/v1/alerts/acknowledge": _post(
                "Take on an alert",
                {"fingerprint": name, "author": name, "note": {"type": "string", "maxLength": 500}},
                ("fingerprint", "author"),
            ),
            "/api/v1/alerts/feedback": _post(
                "Say what an alert was worth, also once it is over",
                {
                    "fingerprint": name,
                    "author": name,
                    "verdict": {"type": "string", "enum": ["useful", "noise", "missed"]},
                    "note": {"type": "string", "maxLength": 500},
                },
                ("fingerprint", "author", "verdict"),
            ),
            "/api/v1/alerts/undo": _post(
                "Take back what oneself has said about an alert a moment ago",
                {"fingerprint": name, "author": name, "what": {"type": "string", "enum": ["acknowledge", "silence"]}},
                ("fingerprint", "author", "what"),
            ),
            "/api/v1/alerts/unsilence": _post(
                "End a silence now", {"silence": name, "author": name}, ("silence", "author")
            ),
            "/api/v1/alerts/silence": _post(
                "Page nobody for an alert, for a while",
                {
                    "fingerprint": name,
                    "author": name,
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500},
                    "minutes": {"type": "integer", "minimum": 1, "maximum": 20_160},
                },
                ("fingerprint", "author", "reason", "minutes"),
            ),
        },
        "components": {"schemas": _schemas() | _more_schemas()},
    }
