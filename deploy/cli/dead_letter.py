"""`hotline dead-letter list|show|replay`: events that are in no number, why, and how they get in."""

import asyncio
import json
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import click
import msgspec
from aiokafka.errors import KafkaError

from deploy.cli.clickhouse import ask, client, errors_for_people, format_option, print_rows
from deploy.producers.dead_letters import Original, Position, Resent, originals, send_again
from deploy.producers.publisher import NotReachableError
from deploy.runtime.run_file import resolve
from deploy.runtime.settings import Settings, SettingsError, current
from streams.contract.dead_letters import RejectionKind
from streams.privacy import mask_runs

_Answer = TypeVar("_Answer")

LATE = "late"
LEFT_BEHIND, USAGE, NOT_REACHABLE = 1, 2, 3
_TOLD = 20

_SELECTED = """
FROM {view:Identifier}
WHERE {reason:String} IN ('', reason) AND {source:String} IN ('', source)
  AND append_time >= fromUnixTimestamp64Milli({since:Int64})
ORDER BY append_time DESC, position DESC
LIMIT {limit:UInt32}
"""
_POSITION = "concat(topic, '/', partition, '/', offset) AS position"
_LIST = f"SELECT append_time, reason, field, detail, source, feed, {_POSITION}, preview {_SELECTED}"
_POSITIONS = f"SELECT append_time, {_POSITION} {_SELECTED}"


@click.group("dead-letter")
def command() -> None:
    """Events that could not be read (or came too late) and are in no number."""


_reason = click.option(
    "--reason", type=click.Choice([*get_args(RejectionKind), LATE]), help="Only these; late: readable, but too late."
)


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="The newest this many.")
@_reason
@format_option
def list_(limit: int, reason: str | None, form: str) -> None:
    """List dead letters, newest first.

    Of each: its position in the input topic, the reason, and a masked preview.
    """
    with errors_for_people(), client() as found:
        print_rows(ask(found, _LIST, form, _asked(reason, "", None, limit)), form, "no dead letter")


@command.command("show")
@click.argument("position", metavar="TOPIC/PARTITION/OFFSET")
@click.option("--plain", is_flag=True, help="As it was sent, callers' numbers too.")
def show(position: str, plain: bool) -> None:
    """Show the original of a dead letter.

    That is what its source sent; runs of digits are masked without --plain.

    \b
      hotline dead-letter show hotline.calls/3/10571
    """
    try:
        wanted = Position.parse(position)
    except ValueError:
        raise click.UsageError(f"{position}: a position is written hotline.calls/3/10571, see the list") from None
    original = _at_kafka(_original(wanted))
    if original.value is None:
        click.echo(f"hotline: {position} is not there: the topic does not keep it, or has not come so far", err=True)
        sys.exit(LEFT_BEHIND)
    text = original.value.decode("utf-8", "backslashreplace")
    click.echo(text if plain else mask_runs(text))


@command.command("replay")
@_reason
@click.option("--source", default="", help="Only what this source sent.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="Appended since (UTC).")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=10_000, show_default=True, help="The newest this many."
)
@click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Correct a field of each event first.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def replay(
    *,
    reason: str | None,
    source: str,
    since: datetime | None,
    limit: int,
    fields: Sequence[str],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send originals of dead letters once more.

    For when what was wrong with them was put right. Each is read by today's intake first: what would be rejected again, or is too old for live, is told and not sent.
    An event counts once however often it is sent: repeat a replay that was broken off.

    \b
      hotline dead-letter replay --reason future --dry-run
      hotline dead-letter replay --reason no_type --source pbx-2 --set type=queued

    Exit codes: 0 all were sent, 1 some were not, 2 usage, 3 Kafka or ClickHouse not reachable.
    """
    corrected = dict(_field(text) for text in fields)
    with errors_for_people(), client() as found:
        told = ask(found, _POSITIONS, "jsonl", _asked(reason, source, since, limit))
    positions = [Position.parse(json.loads(line)["position"]) for line in told.splitlines()]
    now = time.time_ns() // 1_000_000
    report = _at_kafka(send_again(_settings(), positions, now, corrected, dry_run=dry_run))
    click.echo(msgspec.json.encode(report).decode() if as_json else "\n".join(_lines(report, dry_run=dry_run)))
    sys.exit(0 if report.whole else LEFT_BEHIND)


def _asked(reason: str | None, source: str, since: datetime | None, limit: int) -> dict[str, object]:
    begin = round(since.replace(tzinfo=UTC).timestamp() * 1000) if since else 0
    view = "v_late_events" if reason == LATE else "v_dead_letters"
    return {"view": view, "reason": reason or "", "source": source, "since": begin, "limit": limit}


def _field(text: str) -> tuple[str, object]:
    """A value is JSON if it can be read as such (numbers, lists), else text."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.UsageError(f"--set {text}: write FIELD=VALUE, as in --set type=queued")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _settings() -> Settings:
    return resolve(current())


async def _original(position: Position) -> Original:
    async with aclosing(originals(_settings().kafka, [position])) as found:
        return await anext(found)


def _at_kafka(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    try:
        return asyncio.run(work)
    except (NotReachableError, KafkaError, SettingsError) as error:
        click.echo(f"hotline: {error}", err=True)
        sys.exit(NOT_REACHABLE)


def _lines(report: Resent, *, dry_run: bool) -> list[str]:
    lines = [f"{'would be sent' if dry_run else 'sent'}: {report.sent:,}"]
    counted = {"rejected again": report.rejected.total(), "too late for live": report.late, "gone": report.gone}
    lines += [f"{name}: {count:,}" for name, count in counted.items() if count]
    lines += [f"  {position} {reason}: {advice}" for position, reason, advice in report.refused[:_TOLD]]
    if len(report.refused) > _TOLD:
        lines.append(f"  … and {len(report.refused) - _TOLD:,} more (--json lists all)")
    return lines
