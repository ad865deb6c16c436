"""`hotline events add|list|remove`: what is known to come, so that it is no surprise."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from datetime import datetime
from getpass import getuser
from math import isnan
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click
from aiokafka.errors import KafkaError

from deploy.runtime import announcement_log
from deploy.runtime.announcement_log import NoTopicError
from deploy.runtime.event_entry import LONGEST_MS, LONGEST_NAME, Span, checked, moment, readable
from deploy.runtime.planned_events import events_path, told_by_file
from deploy.runtime.run_file import resolve
from deploy.runtime.settings import Settings, current
from streams.contract.announcements import Announcement, Announcements, Fate, followed

HOUR_MS = 3_600_000

T = TypeVar("T")
_author = click.option("--author", default=getuser, show_default="your login", help="Who says so.")


@click.group("events")
def command() -> None:
    """Announce events: planned works, exam results, holidays, school terms.

    From their begin to their end so many times the usual calls are expected, signals name them, and what comes
    meanwhile does not change what is usual. They are the same as on the wallboard's page of events (in
    hotline.announcements). A file written by hand may name more (demand.events, else events.yaml in the data directory);
    `hotline streams` reads it again as it changes.
    """


def _zone(settings: Settings, hotline: str) -> ZoneInfo:
    """Local times are those of the hotline; of the only one, where none is told."""
    return settings.hotline(hotline or settings.only_hotline).zone


def _known(settings: Settings, hotline: str, queue: str) -> None:
    if hotline and settings.hotlines and hotline not in settings.known_hotlines():
        raise click.BadParameter(f"{hotline}: there are {', '.join(settings.hotlines)}", param_hint="--hotline")
    told = [settings.hotline(one).queues for one in ([hotline] if hotline else settings.hotlines)]
    if queue and told and all(told) and not any(queue in queues for queues in told):
        there = dict.fromkeys(name for queues in told for name in queues)
        raise click.BadParameter(f"{queue}: there are {', '.join(there)}", param_hint="--queue")


def _do(settings: Settings, work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except NoTopicError as error:
        click.echo(f"hotline events: {error}", err=True)
    except (KafkaError, OSError) as error:
        click.echo(f"hotline events: Kafka at {settings.kafka.bootstrap} does not answer: {error!r}", err=True)
    sys.exit(3)


def _settings() -> Settings:
    return resolve(current(), need=["kafka"])


def _entered(settings: Settings) -> Announcements:
    return _do(settings, announcement_log.load(settings.kafka))


def _say(settings: Settings, record: Announcement, overtaken: str) -> None:
    """Write it; `overtaken`: what to say where somebody was faster. Ends the command where it does not count."""
    fate: Fate = _do(settings, announcement_log.say(settings.kafka, record))
    if fate == "counts":
        return
    if fate == "overtaken":
        click.echo(f"hotline events: {overtaken}", err=True)
        sys.exit(1)
    lost = f"the answer of Kafka at {settings.kafka.bootstrap} is lost: {record.name} may have been recorded"
    click.echo(f"hotline events: {lost}: look with `hotline events list`", err=True)
    sys.exit(3)


@command.command("add")
@click.argument("name")
@click.option(
    "--begin", required=True, metavar="TIME", help="2026-06-25T08:00, local to the hotline, or with an offset."
)
@click.option("--end", metavar="TIME", help="When it is over.")
@click.option(
    "--hours",
    type=click.FloatRange(min=0, max=LONGEST_MS / HOUR_MS, min_open=True),
    help="How long it lasts, in place of --end.",
)
@click.option(
    "--lift",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, max=50, min_open=True),
    help="So many times the usual calls; 0.3 for a holiday; 1: nobody knows.",
)
@click.option("--hotline", default="", help="Which one; all unless told.")
@click.option("--queue", default="", help="Which queue of it; all of its calls unless told.")
@_author
def add(
    *, name: str, begin: str, end: str | None, hours: float | None, lift: float, hotline: str, queue: str, author: str
) -> None:
    """Announce NAME.

    \b
    hotline events add "exam results" --begin 2026-06-25T08:00 --hours 12 --lift 2.5 --queue education
    """
    if (end is None) == (hours is None):
        raise click.UsageError("say --end or --hours")
    settings = current()
    _known(settings, hotline, queue)
    if not readable(name) or len(name) > LONGEST_NAME or not readable(author):
        raise click.UsageError(f"write a name, {LONGEST_NAME} characters at most, without control characters")
    zone = _zone(settings, hotline)
    if isnan(lift) or isnan(hours or 0):
        raise click.UsageError("--lift, --hours: write a number")
    zone_of = hotline or settings.only_hotline
    try:
        first = moment("begin", begin, zone_of, settings)
        last = moment("end", end, zone_of, settings) if end is not None else first + round((hours or 0) * HOUR_MS)
        span = checked(Span(first, last))
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None
    settings = _settings()
    told = Announcement(
        id="",
        revision=1,
        name=name,
        begin=span.begin,
        end=span.end,
        lift=lift,
        hotline=hotline,
        queue=queue,
        author=author,
        at=_now(),
    )
    entered = _entered(settings)
    if any((it.name, it.begin) == (told.name, told.begin) for it in entered.holding()):
        raise click.UsageError(f"{name} at {begin} is announced already; remove it first")
    event = entered.numbered(told)
    _say(settings, event, f"somebody else has announced {name} at {begin} meanwhile: look with `hotline events list`")
    click.echo(_line(event, zone))


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
def list_events(*, everything: bool) -> None:
    """One line per event that is on or to come."""
    settings, now = _settings(), _now()
    known = (*_entered(settings).holding(), *told_by_file(events_path(settings)))
    events = [it for it in known if everything or it.end > now]
    for it in sorted(events, key=lambda it: it.begin):
        click.echo(f"{_line(it, _zone(settings, it.hotline))}  ({it.author})")
    if not events:
        click.echo("no event is announced")


@command.command("remove")
@click.argument("name")
@_author
def remove(name: str, author: str) -> None:
    """Take back every event of that NAME."""
    settings = _settings()
    events, path = _entered(settings).holding(), events_path(settings)
    gone = [it for it in events if it.name == name]
    if any(it.name == name for it in told_by_file(path)):
        click.echo(f"{name} stands in {path}: take it out there", err=True)
    elif not gone:
        raise click.UsageError(f"no event {name}; there are {', '.join(sorted({it.name for it in events})) or 'none'}")
    for number, it in enumerate(gone):
        done = f"{number} of {len(gone)} removed"
        overtaken = f"somebody has changed {name} meanwhile: look with `hotline events list` and try again ({done})"
        _say(settings, followed(it, author, _now()), overtaken)
    click.echo(f"{len(gone)} removed")


def _now() -> int:
    return round(time.time() * 1000)


def _line(event: Announcement, zone: ZoneInfo) -> str:
    where = "/".join(part for part in (event.hotline or "all hotlines", event.queue) if part)
    begin, end = (
        datetime.fromtimestamp(at / 1000, zone).isoformat(timespec="minutes") for at in (event.begin, event.end)
    )
    return f"{begin} to {end}  {where}  x{event.lift:g}  {event.name}"
