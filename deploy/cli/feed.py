"""`hotline feed test`: tells a provider what would become of a file, before anything is sent."""

import sys
import time
from pathlib import Path
from typing import Any

import click
import orjson

from deploy.cli.replay import mapping_for
from deploy.producers.feed_test import FeedTest, summary
from deploy.producers.mapping import MappingError
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import SettingsError, current

REJECTED, USAGE = 1, 2
_LISTED = 12


@click.group("feed")
def command() -> None:
    """Feeds of calls: try a provider's file before anything is sent."""


@command.command("test")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mapping", "mapping_name", default="", help="A built-in mapping or a YAML file.", metavar="NAME|FILE")
@click.option("--hotline", default="", help="Read for this hotline, in its time zone, instead of the mapping's.")
@click.option(
    "--examples", default=3, show_default=True, help="Lines shown of each kind.", type=click.IntRange(0, 1000)
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def test(*, file: Path, mapping_name: str, hotline: str, examples: int, as_json: bool) -> None:
    """Say what would become of FILE.

    That is: what would be mended or rejected, and why. Nothing is sent, and no Kafka is needed.

    With --mapping FILE is an export, as for `hotline replay`. Without, each line is an event as it would be sent to
    hotline.calls: a JSON object, plain or in a CloudEvents envelope. It is the engine's own intake that reads them.

    \b
      hotline feed test calls.csv --mapping call-records
      tail -1000 events.jsonl | hotline feed test /dev/stdin --json

    Exit codes: 0 nothing would be rejected, 1 something would, 2 usage.
    """
    if hotline and not mapping_name:
        raise click.UsageError("--hotline goes with --mapping: events name their hotline themselves")
    try:
        settings = current()
        mapping = mapping_for(mapping_name, hotline, settings) if mapping_name else None
        tester = FeedTest(settings, now=time.time_ns() // 1_000_000, examples=examples)
        report = tester.events_of(file) if mapping is None else tester.rows_of(file, mapping)
        found = summary(report, settings, mapping, file)
    except (MappingError, SettingsError) as error:
        click.echo(f"hotline feed test: {error}", err=True)
        sys.exit(USAGE)
    except OSError as error:
        click.echo(f"hotline feed test: {file} cannot be read: {error}", err=True)
        sys.exit(USAGE)
    click.echo(orjson.dumps(found).decode() if as_json else "\n".join(_lines(found)))
    sys.exit(REJECTED if found["rejected"] else 0)


def _lines(found: dict[str, Any]) -> list[str]:
    """The report for people."""
    lines = [f"{found['file']}: {so_many(found['read'], 'row')}, {so_many(found['events'], 'event')}"]
    if found["from"]:
        lines.append(f"  from {found['from']} to {found['to']} ({found['zone']})")
    counted = [name for name in ("types", "outcomes", "hotlines", "queues", "sources") if found[name]]
    lines += [f"  {name:<10}{_counts(found[name])}" for name in counted]
    if found["left_out"]:
        lines.append(f"  {'left out':<10}{so_many(found['left_out'], 'row')} that the mapping does not ask for")
    for name in ("rejected", "repaired"):
        lines.append(f"{name}: {'none' if not found[name] else ''}".rstrip())
        for kind, finding in found[name].items():
            lines.append(f"  {kind} {finding['count']:,}: {finding['what_to_do']}")
            lines += [f"    line {_example(**example)}" for example in finding["examples"]]
    for name, says in (
        ("not_understood", "values that the mapping does not understand, by column"),
        ("unknown_fields", "fields that are in no contract (kept only if intake.keep_fields lists them)"),
    ):
        if found[name]:
            lines.append(f"{says}: {_counts(found[name])}")
    if found["unused_columns"]:
        lines.append(f"columns that the mapping does not use: {', '.join(found['unused_columns'])}")
    return lines + [f"note: {note}" for note in found["notes"]]


def _counts(counts: dict[str, int]) -> str:
    listed = [f"{name or '(none)'} {count:,}" for name, count in list(counts.items())[:_LISTED]]
    return ", ".join(listed) + (f" and {len(counts) - _LISTED} more" if len(counts) > _LISTED else "")


def _example(line: int, field: str, detail: str, preview: str) -> str:
    why = ": ".join(part for part in (field, detail) if part)
    return f"{line}: {why}\n      {preview}" if why else f"{line}: {preview}"
