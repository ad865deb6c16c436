"""`hotline detect`: the live detector over a file of counts."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Never, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from deploy.runtime.detection_settings import Demand
from deploy.runtime.plurals import so_many
from deploy.runtime.public_holidays import known_country
from deploy.runtime.written_times import local_ms
from streams.detection.series import INTERVALS, Judged, Series

_COLUMNS = ("timestamp", "count", "expected", "lower", "upper", "score", "alarm")
_UNITS = {"m": 1, "h": 60}


class Row(NamedTuple):
    """A row of a file of counts: its timestamp as written and in ms, and the calls from then on."""

    stamp: str
    start: int
    calls: int


@click.command()
@click.option(
    "--counts", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV: time, count."
)
@click.option("--interval", required=True, help="What a row covers, from its timestamp on.", metavar="5m")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="CSV to write.")
@click.option(
    "--budget",
    default=Demand().false_alarms_per_week,
    show_default=True,
    type=click.FloatRange(min=0, max=100, min_open=True),
    help="False alarms that may come of chance, per week.",
)
@click.option("--country", default="", help="Whose public holidays are kept: CN, DE-BY, … [default: nobody's].")
@click.option("--timezone", "zone_name", default="UTC", show_default=True, help="Of timestamps without an offset.")
def command(*, counts: Path, interval: str, out: Path, budget: float, country: str, zone_name: str) -> None:
    """Judge a series of counts by the very code that judges live demand: each row by itself and those before it.

    COUNTS has a header and two columns, in order of time; an interval without a row had no calls. OUT has a row for
    each: timestamp, count, expected, lower, upper (90 %), score, alarm. The first days are learned, not judged.

    \b
      hotline detect --counts calls.csv --interval 5m --out judged.csv --budget 0.5 --timezone Asia/Shanghai

    Exit codes: 0 written, 2 the file or an option is not what it should be (the line is named).
    """
    minutes = minutes_of(interval)
    try:
        zone = ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(
            f"{zone_name}: not a time zone; write Asia/Shanghai", param_hint="--timezone"
        ) from None
    try:
        country = known_country(country)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--country") from None
    series = Series(minutes, zone, Demand(false_alarms_per_week=budget), country)
    alarms = rows = 0
    was = False
    with counts.open(encoding="utf-8-sig", newline="") as found, out.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for line, row in rows_of(found, zone):
            try:
                judged = series.judge(row.start, row.calls)
            except ValueError as error:
                _refuse(line, f"{row.stamp} {error}")
            writer.writerow(_written(row, judged))
            rows += 1
            alarms += judged.alarm and not was
            was = judged.alarm
    click.echo(f"{so_many(rows, 'row')} judged, {so_many(alarms, 'alarm')}: {out}")


def minutes_of(interval: str) -> int:
    """The minutes that `5m` stands for. Raises BadParameter for a length that is not judged."""
    number, unit = interval[:-1], interval[-1:]
    minutes = int(number) * _UNITS[unit] if number.isdecimal() and unit in _UNITS else 0
    if minutes not in INTERVALS:
        allowed = ", ".join(f"{it}m" for it in INTERVALS)
        raise click.BadParameter(f"{interval}: use one of {allowed}", param_hint="--interval")
    return minutes


def rows_of(file: TextIO, zone: ZoneInfo) -> Iterator[tuple[int, Row]]:
    """(line, row) for each row after the header."""
    reader = csv.reader(file)
    if next(reader, None) is None:
        _refuse(1, "the file is empty: give it a header and two columns, timestamp and count")
    for fields in reader:
        if not fields:
            continue
        try:
            stamp, count = fields[0].strip(), float(fields[1])
            at = local_ms(stamp, zone)
        except (IndexError, ValueError):
            _refuse(reader.line_num, f"{','.join(fields)}: write 2026-03-02T07:05 (or with an offset) and a count")
        if count < 0 or not count.is_integer():
            _refuse(reader.line_num, f"{fields[1]} is no count: write a whole number from 0 on")
        yield reader.line_num, Row(stamp, at, int(count))


def _written(row: Row, judged: Judged) -> list[str | int]:
    expected = ["" if it is None else f"{it:.2f}" for it in (judged.expected, judged.lower, judged.upper)]
    return [row.stamp, row.calls, *expected, f"{judged.score:.4f}", int(judged.alarm)]


def _refuse(line: int, text: str) -> Never:
    click.echo(f"hotline detect: line {line}: {text}", err=True)
    sys.exit(2)
