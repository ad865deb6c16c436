"""`hotline why`: from a number to the visits that made it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, get_args

import click
import orjson
from clickhouse_connect.driver.client import Client

from deploy.cli.clickhouse import REFUSED, ask, client, errors_for_people, feed_option, format_option, not_known
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Hotline, Settings, current
from deploy.runtime.written_times import local_ms
from sinks.clickhouse.traces import MEASURES, NOW
from sinks.clickhouse.why import Asked, Statement, WhyError, number, require, sums, visits
from streams.contract.metrics import Window, ratio, window_bounds

WINDOWS: tuple[Window, ...] = get_args(Window)


class Span(NamedTuple):
    """[start, end) in ms, and the instant by which it was asked for, if it was by one."""

    start: int
    end: int
    at: int | None = None


def read_key(text: str) -> tuple[str, dict[str, str]]:
    """(hotline, dimensions) of `12345`, `12345/water` or `12345,category=water/leak,district=440305`."""
    first, *rest = text.split(",")
    hotline, slash, queue = first.partition("/")
    dimensions = {"queue": queue} if slash else {}
    for part in rest:
        name, equals, value = part.partition("=")
        if not equals:
            raise click.UsageError(f"KEY {text}: after the comma write dimension=value, for instance category=water")
        dimensions[name] = value
    return hotline, dimensions


def read_time(text: str, window: Window, config: Hotline, as_of: int) -> Span:
    """The span that TIME names: a window that ends with an instant, a local day, or `begin..end`."""
    wanted = (
        f"TIME {text}: write now, 10:42, 2026-03-10 (the day), 2026-03-10T10:42 or 2026-03-10T09:00..2026-03-10T09:15"
    )
    try:
        if ".." in text:
            begin, end = (_instant(part, config, as_of) for part in text.split("..", 1))
            return Span(begin, end)
        if len(text) == len("2026-03-10"):
            day = date.fromisoformat(text)
            edges = (datetime(it.year, it.month, it.day, tzinfo=config.zone) for it in (day, day + timedelta(days=1)))
            return Span(*(round(edge.timestamp() * 1000) for edge in edges))
        at = _instant(text, config, as_of)
        return Span(*window_bounds(window, at, config.zone), at)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(wanted) from error


def _instant(text: str, config: Hotline, as_of: int) -> int:
    """`now`, a time of today, or an ISO instant, local unless it has an offset; ms."""
    if text == "now":
        return as_of
    if len(text) <= len("10:42:18"):
        text = f"{datetime.fromtimestamp(as_of / 1000, config.zone).date()}T{text}"
    return local_ms(text, config.zone)


def _require_come(text: str, span: Span, feed: str, config: Hotline, as_of: int) -> None:
    """Raises click.UsageError for a time that the feed's data does not reach: nothing is known of it, not even a 0."""
    if (span.start if span.at is None else span.at) > as_of:
        reached = datetime.fromtimestamp(as_of / 1000, config.zone)
        raise click.UsageError(
            f"TIME {text}: this has not come yet: the data of feed {feed} reaches to {reached:%Y-%m-%d %H:%M:%S} "
            f"{config.time_zone}; write now, or a time up to then"
        )


def _rows(found: Client, statement: Statement) -> list[dict[str, Any]]:
    return list(found.query(statement.sql, parameters=statement.parameters).named_results())


def data_as_of(found: Client, feed: str) -> int:
    """How far the feed's data is (ms). Raises click.UsageError for a feed that has none."""
    sql = "SELECT toUnixTimestamp64Milli(data_as_of) AS ms FROM v_clocks WHERE feed = {feed:String}"
    rows = _rows(found, Statement(sql, {"feed": feed}))
    if not rows:
        raise click.UsageError(f"feed {feed}: nothing is known of it; the view v_clocks has the feeds there are")
    return int(rows[0]["ms"])


class Why(NamedTuple):
    """The answer: the number by cells (None: none are kept) and by visits, each as (over, under)."""

    asked: Asked
    cells: tuple[int, int | None] | None
    visits: tuple[int, int | None]
    listed: int

    @property
    def agree(self) -> bool:
        return self.cells in {None, self.visits}

    def value(self, sums_: tuple[int, int | None]) -> float | None:
        over, under = sums_
        return over if under is None else ratio(over / MEASURES[self.asked.metric].scale, under)


def trace(found: Client, asked: Asked, settings: Settings) -> Why:
    """Compare what cells say with what visits add up to. Raises WhyError."""
    counted = number(asked, settings)
    rows = _rows(found, counted) if counted else []
    cells = None
    if asked.metric in NOW and rows:  # a gauge holds at its own instant, the last one until now
        end = asked.end if asked.end >= asked.as_of else rows[0]["at_ms"]
        asked = asked._replace(end=end, threshold_s=rows[0]["x"])
    if rows:
        cells = (int(rows[0]["over"]), _maybe(rows[0].get("under")))
    [told] = _rows(found, sums(asked))
    return Why(asked, cells, (int(told["over"]), _maybe(told.get("under"))), int(told["visits"]))


def _maybe(value: Any) -> int | None:
    return None if value is None else int(value)


def _said(why: Why, sums_: tuple[int, int | None]) -> str:
    over, under = sums_
    if under is None:
        return str(over)
    value, scale = why.value(sums_), MEASURES[why.asked.metric].scale
    shown = "no value" if value is None else f"{value:.4f}" + (" s" if scale != 1 else "")
    return f"{over} / {under}" + (f" / {scale:.0f}" if scale != 1 else "") + f" = {shown}"


def _headline(why: Why, key: str, config: Hotline) -> str:
    asked = why.asked
    end = datetime.fromtimestamp(asked.end / 1000, config.zone)
    start = datetime.fromtimestamp(asked.start / 1000, config.zone)
    span = (
        f"at {end:%Y-%m-%d %H:%M:%S}" if asked.metric in NOW else f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    )
    lines = [f"{asked.metric} of {key} {span} {config.time_zone}, feed {asked.feed}, X = {asked.threshold_s} s"]
    if why.cells is None:
        lines.append(
            f"no cells are kept for these dimensions; {so_many(why.listed, 'visit')}: {_said(why, why.visits)}"
        )
    else:
        verdict = "they agree" if why.agree else "THEY DIFFER"
        lines.append(
            f"cells: {_said(why, why.cells)}; {so_many(why.listed, 'visit')}: {_said(why, why.visits)}; {verdict}"
        )
    return "\n".join(lines)


def _as_json(why: Why, rows: Any) -> dict[str, Any]:
    def both(sums_: tuple[int, int | None]) -> Mapping[str, Any]:
        return {"value": why.value(sums_), "over": sums_[0], "under": sums_[1]}

    asked = why.asked
    return {
        "metric": asked.metric,
        "feed": asked.feed,
        "hotline": asked.hotline,
        "dimensions": dict(asked.dimensions),
        "from_ms": None if asked.metric in NOW else asked.start,
        "to_ms": asked.end,
        "threshold_s": asked.threshold_s,
        "cells": both(why.cells) if why.cells else None,
        "sum_of_visits": both(why.visits),
        "agree": why.agree,
        "visits": rows,
    }


@click.command("why")
@click.argument("metric")
@click.argument("key")
@click.argument("time", default="now")
@click.option(
    "--window", type=click.Choice(WINDOWS), default="15m", show_default=True, help="It ends with TIME's minute."
)
@feed_option
@click.option(
    "--threshold", "threshold_s", type=click.IntRange(0, 120), help="X in seconds; the queue's own unless told."
)
@format_option
def command(*, metric: str, key: str, time: str, window: Window, feed: str, threshold_s: int | None, form: str) -> None:
    """Show the visits that made a number: METRIC of KEY in the window that ends with TIME.

    \b
    hotline why abandoned 12345/utilities
    hotline why service_level_offered 12345/utilities 10:42 --window 30m
    hotline why waiting 12345 now
    hotline why offered 12345,category=water,district=440305 2026-03-10
    hotline why asa 12345 2026-03-10T09:00..2026-03-10T09:15 --format csv

    METRIC is any counter or ratio of the views, or what is so now: waiting, waiting_over_threshold, in_service. Callers
    are pseudonyms. `adds` is what a visit adds to the number, `of` what it adds to the whole. Times are the hotline's.
    Exit codes: 0 the sum of what is listed is the number, 1 it is not, 2 usage, 3 ClickHouse not reachable.
    """
    settings = current()
    hotline, dimensions = read_key(key)
    config = settings.hotline(hotline)
    with errors_for_people(), client() as found:
        as_of = data_as_of(found, feed)
        span = read_time(time, window, config, as_of)
        _require_come(time, span, feed, config, as_of)
        threshold = threshold_s if threshold_s is not None else config.thresholds(dimensions.get("queue", ""))[0]
        end = span.end
        if metric in NOW:
            end = min(span.end if span.at is None else span.at, as_of)
        asked = Asked(metric, feed, hotline, dimensions, span.start, end, threshold, config.short_abandon_s, as_of)
        try:
            require(asked)
            why = trace(found, asked, settings)
            listed = visits(why.asked, zone=config.time_zone)
        except WhyError as error:
            raise click.UsageError(str(error)) from error
        text = ask(found, listed.sql, form, listed.parameters)
        unknown = "" if why.listed else not_known(found, feed, hotline, dimensions.get("queue", ""))
    if form == "json":
        click.echo(orjson.dumps(_as_json(why, orjson.loads(text))))
    else:
        click.echo(_headline(why, key, config), err=form != "table")
        click.echo(text, nl=False)
    if unknown:
        click.echo(f"hotline: {unknown}", err=True)
    if not why.agree:
        click.echo(
            "hotline: cells and visits differ. While data is coming in one may be stored before the other (ask again); "
            "beyond the most values kept apart cells say (other).",
            err=True,
        )
        raise click.exceptions.Exit(REFUSED)
