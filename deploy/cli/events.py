"""`hotline events add|list|remove`: what is known to come, so that it is no surprise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from pydantic import ValidationError

from deploy.runtime.local_times import local_time
from deploy.runtime.planned_events import PlannedEvent, events_path, read_events, write_events
from deploy.runtime.settings import Settings, current


@click.group("events")
def command() -> None:
    """Announce events: planned works, exam results, holidays, school terms.

    From their begin to their end so many times the usual calls are expected, signals name them, and what comes
    meanwhile does not change what is usual. They stand in a file (demand.events, else events.yaml in the data
    directory), which may be written by hand too; `hotline streams` reads it again as it changes.
    """


def _time(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        return local_time(text, zone)
    except ValueError:
        raise click.BadParameter(f"{text}: write 2026-06-25T08:00", param_hint=option) from None


def _zone(settings: Settings, hotline: str) -> ZoneInfo:
    """Local times are those of the hotline; of the only one, where none is told."""
    return settings.hotline(hotline or settings.only_hotline).zone


def _known(settings: Settings, hotline: str, queue: str) -> None:
    if hotline and settings.hotlines and hotline not in settings.known_hotlines():
        raise click.BadParameter(f"{hotline}: there are {', '.join(settings.hotlines)}", param_hint="--hotline")
    queues = settings.hotline(hotline).queues if hotline else {}
    if queue and queues and queue not in queues:
        raise click.BadParameter(f"{queue}: there are {', '.join(queues)}", param_hint="--queue")


@command.command("add")
@click.argument("name")
@click.option(
    "--begin", required=True, metavar="TIME", help="2026-06-25T08:00, local to the hotline, or with an offset."
)
@click.option("--end", metavar="TIME", help="When it is over.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="How long it lasts, in place of --end.")
@click.option(
    "--lift",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, max=50, min_open=True),
    help="So many times the usual calls; 0.3 for a holiday; 1: nobody knows.",
)
@click.option("--hotline", default="", help="Which one; all unless told.")
@click.option("--queue", default="", help="Which queue of it; all of its calls unless told.")
def add(*, name: str, begin: str, end: str | None, hours: float | None, lift: float, hotline: str, queue: str) -> None:
    r"""Announce NAME.

    \b
    hotline events add "exam results" --begin 2026-06-25T08:00 --hours 12 --lift 2.5 --queue education
    """
    if (end is None) == (hours is None):
        raise click.UsageError("say --end or --hours")
    settings = current()
    _known(settings, hotline, queue)
    zone = _zone(settings, hotline)
    first = _time(begin, zone, "--begin")
    last = _time(end, zone, "--end") if end is not None else first.astimezone(UTC) + timedelta(hours=hours or 0)
    try:
        event = PlannedEvent(
            name=name, begin=first, end=last.astimezone(first.tzinfo), lift=lift, hotline=hotline, queue=queue
        )
    except ValidationError as error:
        raise click.UsageError("; ".join(str(it["msg"]) for it in error.errors())) from error
    path = events_path(settings)
    events = read_events(path)
    if any((it.name, it.begin) == (event.name, event.begin) for it in events):
        raise click.UsageError(f"{name} at {begin} is announced already; remove it first")
    write_events(path, sorted((*events, event), key=lambda it: it.begin))
    click.echo(f"{path}: {_line(event)}")


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
def list_events(*, everything: bool) -> None:
    """One line per event that is on or to come."""
    path, now = events_path(current()), datetime.now(UTC)
    found = [event for event in read_events(path) if everything or event.end > now]
    for event in found:
        click.echo(_line(event))
    if not found:
        click.echo(f"{path}: no event is announced")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Take back every event of that NAME."""
    path: Path = events_path(current())
    events = read_events(path)
    left = [event for event in events if event.name != name]
    if len(left) == len(events):
        raise click.UsageError(
            f"{path}: no event {name}; there are {', '.join(sorted({it.name for it in events})) or 'none'}"
        )
    write_events(path, left)
    click.echo(f"{path}: {len(events) - len(left)} removed")


def _line(event: PlannedEvent) -> str:
    where = "/".join(part for part in (event.hotline or "all hotlines", event.queue) if part)
    span = f"{event.begin.isoformat(timespec='minutes')} to {event.end.isoformat(timespec='minutes')}"
    return f"{span}  {where}  x{event.lift:g}  {event.name}"
