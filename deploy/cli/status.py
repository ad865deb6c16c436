"""`hotline status`: how far the engine is, in words or as JSON."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from aiokafka.errors import KafkaError

from deploy.runtime.plurals import so_many
from deploy.runtime.run_file import Part, resolve
from deploy.runtime.settings import load
from deploy.status import Status, collect
from streams.contract.topics import CALLS

NOT_REACHABLE = 3
KAFKA: Part = "kafka"


def _time(ms: int | None) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if ms else "-"


def _counts(title: str, counts: dict[str, dict[str, int]]) -> str:
    parts = [f"{kind} {sum(by.values()):,}" for kind, by in sorted(counts.items())]
    return f"{title:<12}{', '.join(parts) or 'none'}"


def in_words(status: Status) -> str:
    """The status for a person."""
    lines = [f"Hotline {status.version}", ""]
    endpoints = status.endpoints
    lines += [
        f"{name:<12}{value or '-'}"
        for name, value in (
            ("wallboard", endpoints.web),
            ("Kafka", endpoints.kafka),
            ("ClickHouse", endpoints.clickhouse),
        )
    ]
    if status.processes:
        lines.append("")
    for process in status.processes:
        again = f", started again {so_many(process.restarts, 'time')}" if process.restarts else ""
        lines.append(f"{process.name:<12}{process.state:<9} pid {process.pid or '-'}{again}")
    lines += ["", f"{'topic':<22}{'read by':<10}{'position':>12}{'end':>12}{'lag':>10}  data as of"]
    for topic, reader in dict.fromkeys((p.topic, p.reader) for p in status.partitions):
        own = [p for p in status.partitions if (p.topic, p.reader) == (topic, reader)]
        clocks = [p.data_as_of for p in own if p.data_as_of]
        as_of = _time(min(clocks)) if len(clocks) == len(own) and topic == CALLS else ""
        sums = [sum(getattr(p, name) for p in own) for name in ("position", "end", "lag")]
        lines.append(f"{topic:<22}{reader:<10}{sums[0]:>12,}{sums[1]:>12,}{sums[2]:>10,}  {as_of}".rstrip())
    rows = "ClickHouse does not answer" if status.rows_written is None else f"{status.rows_written:,}"
    lines += [
        "",
        f"{'rows':<12}{rows}",
        _counts("repaired", status.repaired),
        _counts("rejected", status.rejected),
        f"{'misrouted':<12}{_by_source(status.misrouted, status.misrouted_by_source)}",
        f"{'late':<12}{_by_source(status.late, status.late_by_source)}",
        "",
    ]
    if status.missing:
        lines.append(f"missing     {so_many(status.missing, 'record')} gone unread from {CALLS}")
    lines += [f"WARNING     {warning}" for warning in status.warnings]
    if not status.alerts_firing:
        lines.append("no alert fires")
    for alert in status.alerts_firing:
        text = alert.summary.get("en") or next(iter(alert.summary.values()), alert.rule)
        lines.append(f"{alert.severity:<9} since {_time(alert.since)}: {text}")
    return "\n".join(lines)


def _by_source(total: int, by_source: dict[str, int]) -> str:
    parts = ", ".join(f"{source or '(no source)'} {count:,}" for source, count in sorted(by_source.items()))
    return f"{total:,} ({parts})" if parts else f"{total:,}"


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Of the Hotline to ask about.")
def command(*, as_json: bool, data_dir: Path | None) -> None:
    """Show positions, lag, data as of, what was mended or refused, and which alerts fire.

    Exit codes: 0 answered, 2 no address known, 3 Kafka does not answer.
    """
    settings = load(data_dir=data_dir) if data_dir else load()
    settings = resolve(settings, need=[KAFKA])
    try:
        status = asyncio.run(collect(settings))
    except (KafkaError, OSError) as error:
        click.echo(f"hotline status: Kafka at {settings.kafka.bootstrap} does not answer: {error!r}", err=True)
        sys.exit(NOT_REACHABLE)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(status), indent=2).decode())
    else:
        click.echo(in_words(status))
