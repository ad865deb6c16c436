"""`hotline schema`: the contract as JSON Schema."""

from typing import Any

import click
import msgspec
import orjson

from streams import contract

RECORDS: dict[str, Any] = {
    "calls": contract.CallEvent,
    "visits": contract.VisitsRecord,
    "cells": contract.CellsRecord,
    "signals": contract.Signal,
    "alerts": contract.AlertEvent,
    "dead-letter": contract.DeadLetter,
}


@click.command("schema")
@click.argument("record", type=click.Choice(list(RECORDS)), default="calls")
def command(record: str) -> None:
    """Print the JSON Schema (2020-12) of what a topic carries; `calls` is what a producer sends."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(RECORDS[record])
    click.echo(orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode())
