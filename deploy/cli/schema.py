"""`hotline schema`: the contract as JSON Schema."""

from typing import Any

import click
import msgspec
import orjson

from deploy.cli.asyncapi import document
from streams import contract

ENVELOPED = "calls-cloudevent"
RECORDS: dict[str, Any] = {
    "calls": contract.CallEvent,
    ENVELOPED: contract.CallEvent,
    "visits": contract.VisitsRecord,
    "cells": contract.CellsRecord,
    "signals": contract.Signal,
    "alerts": contract.AlertEvent,
    "alert-control": contract.ControlRecord,
    "announcements": contract.Announcement,
    "notifications": contract.Notification,
    "dead-letter": contract.DeadLetter,
}


@click.command("schema", epilog=f"RECORD is one of {', '.join(RECORDS)}.")
@click.argument("record", metavar="[RECORD]", type=click.Choice(list(RECORDS)), default="calls")
@click.option("--asyncapi", is_flag=True, help="All topics and their records as one AsyncAPI 3 document.")
def command(*, record: str, asyncapi: bool) -> None:
    """Print the JSON Schema (2020-12) of what a topic carries.

    `calls`, which is printed unless told, is what a producer sends; `calls-cloudevent` is the same in the envelope of
    CloudEvents 1.0.
    """
    if asyncapi:
        click.echo(orjson.dumps(document(RECORDS), option=orjson.OPT_INDENT_2).decode())
        return
    schema = msgspec.json.schema(RECORDS[record])
    if record == ENVELOPED:
        schema = _in_an_envelope(schema)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
    click.echo(orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode())


def _in_an_envelope(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an event in a CloudEvents envelope: what `data` leaves out, the envelope tells."""
    event = schema["$defs"]["CallEvent"]
    event["required"] = []
    text = {"type": "string", "minLength": 1}
    return schema | {
        "$ref": "#/$defs/CloudEvent",
        "$defs": schema["$defs"]
        | {
            "CloudEvent": {
                "title": "CloudEvent",
                "description": "CloudEvents 1.0, structured mode. Binary mode is not read: its attributes are headers.",
                "type": "object",
                "properties": {
                    "specversion": {"type": "string", "pattern": r"^1\.[0-9]+$"},
                    "id": text,
                    "source": text | {"description": "`source`, where data names none"},
                    "type": text
                    | {"description": "where data has no `type`, its last word: org.example.pbx.queued.v1"},
                    "subject": {"type": "string", "description": "`call` (agent_state: `agent`), where data has none"},
                    "time": {"type": "string", "format": "date-time", "description": "`time`, where data has none"},
                    "datacontenttype": {"type": "string", "description": "application/json, also where it is absent"},
                    "data": {"$ref": "#/$defs/CallEvent"},
                    "data_base64": {"type": "string", "contentEncoding": "base64"},
                },
                "required": ["specversion", "id", "source", "type"],
            }
        },
    }
