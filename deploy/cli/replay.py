"""`hotline replay`: publish an export as a feed of its own, and say what became of each row."""

import asyncio
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import Any, NoReturn

import click
import orjson

from deploy.producers import contents as exports
from deploy.producers import mapping as mappings
from deploy.producers import queryable, replay
from deploy.producers.contents import Contents
from deploy.producers.mapping import MappingError
from deploy.producers.publisher import NotReachableError
from deploy.runtime import run_file
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Settings, SettingsError, current

_LISTED = 20
REJECTED, USAGE, NOT_REACHABLE = 1, 2, 3


class ShownAsNamed(click.ParamType):
    """A type of values that help shows as it is named: click would shout it."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        del param, ctx
        return self.name


class Speed(ShownAsNamed):
    """`max`, or how many times faster than it happened."""

    name = "max|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value is None or isinstance(value, float):
            return value
        if value == "max":
            return None
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed < 1e9:
            self.fail(f"{value!r} is neither max nor a number above 0", param, ctx)
        return speed


@click.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping", "mapping_name", required=True, help="A built-in mapping or a YAML file.", metavar="NAME|FILE"
)
@click.option("--hotline", default="", help="Replay for this hotline, in its time zone, instead of the mapping's.")
@click.option("--feed", default="", help="Name of the feed [default: replay-<first 8 hex of the file's SHA-256>].")
@click.option("--speed", type=Speed(), default="max", show_default=True, help="Times real time.")
@click.option("--wait", is_flag=True, help="Return when SQL can ask for it.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to wait at most.", type=click.FloatRange(1))
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def command(
    *,
    file: Path,
    mapping_name: str,
    hotline: str,
    feed: str,
    speed: float | None,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Publish an export (CSV, TSV, JSONL, .xlsx, Parquet) as a feed of its own.

    The mapping says what the columns mean. Built in are call-records (a row per call), asterisk-queue-log,
    12345-tickets, baltimore-311 and anonymous-bank, whose YAML explains every key. A replay never mixes with
    `live`; replayed again, it replaces itself. `hotline feed test` says beforehand what would be mended or rejected.

    \b
      hotline replay anonbank_january.txt --mapping anonymous-bank --wait
      hotline sql "SELECT * FROM v_hotline_daily WHERE feed LIKE 'replay-%'"

    Exit codes: 0 ok, 1 rows were rejected, 2 usage, 3 Kafka or ClickHouse not reachable (or not in time).
    """
    try:
        settings = current()
        mapping = mapping_for(mapping_name, hotline, settings)
        replay.check_hotline(mapping, settings)
        name = replay.feed_name(feed, file)
        resolved = addresses(settings, need=("kafka", "clickhouse") if wait else ("kafka",))
        client = queryable.connect(resolved.clickhouse) if wait else None
        generation = time.time_ns() // 1_000_000
        contents = exports.read(file, mapping, feed=name, generation=generation)
        summary = _summary(name, generation, contents)
        events = so_many(len(contents.events), "event")
        _tell(f"read {so_many(contents.read, 'row')} of {file.name}: {events} for feed {name}")
        if len(contents.events):
            marks = replay.markers_of(contents, mapping, feed=name, generation=generation)
            summary["published"] = _publish(resolved, contents, marks, speed)
            if client is not None:
                _tell("waiting until SQL can ask for it")
                at = queryable.wait_until_queryable(client, name, generation, timeout_s=timeout, progress=_waited)
                summary["queryable_at"] = at.replace(tzinfo=at.tzinfo or UTC).isoformat(timespec="milliseconds")
    except (MappingError, SettingsError) as error:
        _fail(str(error), USAGE)
    except OSError as error:
        _fail(f"{file} cannot be read: {error}", USAGE)
    except NotReachableError as error:
        _fail(str(error), NOT_REACHABLE)
    _report(summary, contents, as_json=as_json)
    for note in contents.calls.notes():
        _tell(f"note: {note}")
    contents.events.close()
    sys.exit(REJECTED if contents.rejected else 0)


def mapping_for(name: str, hotline: str, settings: Settings) -> mappings.Mapping:
    """The mapping, for the hotline given (in the zone that settings know it by), else for its own.

    Raises MappingError; a hotline that is not configured keeps the mapping's zone.
    """
    mapping = mappings.load(name)
    if not hotline:
        return mapping
    known = settings.known_hotlines().get(hotline)
    return mapping.model_copy(update={"hotline": hotline, "zone": known.time_zone if known else mapping.zone})


def addresses(settings: Settings, need: tuple[run_file.Part, ...]) -> Settings:
    """Settings with the addresses of what runs; raises NotReachableError if it neither runs nor is configured."""
    try:
        return run_file.resolve(settings, need=need)
    except SettingsError as error:
        raise NotReachableError(str(error)) from error


def _summary(feed: str, generation: int, contents: Contents) -> dict[str, Any]:
    return {
        "feed": feed,
        "generation": generation,
        "read": contents.read,
        "published": 0,
        "visits": contents.visits,
        "menu": contents.outcomes["ended_in_menu"],
        "phantom": contents.outcomes["phantom"],
        "apart": {name: contents.outcomes[name] for name in ("blocked", "test", "nuisance")},
        "rejected": dict(sorted(contents.refused.items())),
        "repaired": dict(sorted(contents.repaired.items())),
        "not_understood": dict(sorted(contents.not_understood.items())),
        "left_out": {name: contents.outcomes[name] for name in ("left_out", "ignored") if contents.outcomes[name]},
        "queryable_at": None,
    }


def _publish(settings: Settings, contents: Contents, marks: replay.Markers, speed: float | None) -> int:
    started = time.monotonic()
    progress = _Counter(len(contents.events))
    published = asyncio.run(
        replay.publish(settings.kafka, contents.events, marks, speed=speed, progress=progress, waits=_held_up)
    )
    _tell(f"published {so_many(published, 'event')} in {time.monotonic() - started:.1f} s")
    return published


def _report(summary: dict[str, Any], contents: Contents, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(summary).decode())
    else:
        _table(summary)
    for number, rejection in contents.rejected[:_LISTED]:
        click.echo(f"line {number}: {rejection.reason}: {rejection.detail}", err=True)
    rejected = contents.refused.total()
    if rejected > _LISTED:
        click.echo(f"… and {so_many(rejected - _LISTED, 'more line')} rejected", err=True)


class _Counter:
    """Tells every tenth of the way, for people who look on."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._told = 0

    def __call__(self, published: int) -> None:
        tenth = published * 10 // self._total
        if tenth > self._told and sys.stderr.isatty():
            self._told = tenth
            click.echo(f"  {published:,} of {self._total:,}", err=True)


def _held_up(records: int | None) -> None:
    if records is None:
        _tell("streams reads nothing: the rest is published without waiting for it")
    elif sys.stderr.isatty():
        _tell(f"  waiting for streams, which has {so_many(records, 'record')} to read")


def _waited(seconds: float) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r  {seconds:.0f} s", err=True, nl=False)


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"hotline replay: {text}", err=True)
    sys.exit(code)


def _table(summary: dict[str, Any]) -> None:
    for name, value in summary.items():
        if isinstance(value, dict):
            parts = [f"{kind} {count:,}" for kind, count in value.items() if count]
            if parts or name in {"rejected", "repaired"}:
                click.echo(f"{name:<13}{', '.join(parts) or 'none'}")
        elif name == "generation":
            click.echo(f"{name:<13}{value}")
        else:
            click.echo(f"{name:<13}{value if isinstance(value, str) else '-' if value is None else f'{value:,}'}")
