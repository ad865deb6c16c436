"""`hotline simulate`: invented calls, with waits that follow from load, and incidents if wanted."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import click

from deploy.cli.replay import NOT_REACHABLE, USAGE, ShownAsNamed, Speed, addresses
from deploy.producers.publisher import NotReachableError, Publisher
from deploy.producers.queryable import connect, is_complete
from deploy.producers.simulator import demo
from deploy.producers.simulator.durations import parse_duration
from deploy.producers.simulator.incidents import Incident, parse_incident, parse_time
from deploy.producers.simulator.pace import BesideLive, behind_live
from deploy.producers.simulator.profile import SITES, Profile, calls_only, profile_of, sites_of
from deploy.producers.simulator.run import Control, Runner, TruthLog, history_span, send_history
from deploy.producers.simulator.simulation import Simulation
from deploy.producers.simulator.sources import Delivery
from deploy.runtime.kafka import cluster_id
from deploy.runtime.plurals import so_many
from deploy.runtime.run_file import RunFile, running
from deploy.runtime.settings import ClickHouse, Settings, SettingsError, current
from streams.contract.events import LIVE

_DAY_MS = 86_400_000
_SHARE = click.FloatRange(0, 1)


class _Duration(ShownAsNamed):
    name = "90s|10m|14d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Wanted(NamedTuple):
    """What was asked for on the command line."""

    hotline: str
    queue: tuple[str, ...]
    rate: float
    comfort: float | None
    seed: int
    speed: float | None
    length: int | None
    start: str
    warm_up: int
    menu: float | None
    feed: str
    open_end: bool
    history: int
    history_feed: str
    incident: tuple[str, ...]
    calls_only: bool
    source: tuple[str, ...]
    lines: int | None
    lost_endings: float
    duplicates: float
    disorder: float
    truth: Path | None
    drain: bool
    demo: bool


@click.command("simulate")
@click.option("--hotline", default="", help="Which hotline calls [default: the configured one].")
@click.option("--queue", multiple=True, help="Only these queues (repeat it) [default: all that are configured].")
@click.option("--rate", default=5000.0, show_default=True, type=click.FloatRange(1, 1e8), help="Calls per day in all.")
@click.option(
    "--comfort",
    type=click.FloatRange(0, 20),
    help="How well staffed: erlangs + COMFORT x sqrt(erlangs) agents [default: 1.2; with --calls-only 2.2].",
)
@click.option("--seed", default=1, show_default=True, help="The same seed and start give the same calls.")
@click.option("--speed", type=Speed(), default="1", show_default=True, help="Times real time; live runs at 1.")
@click.option("--for", "length", type=_Duration(), help="How long calls arrive; then those under way end.")
@click.option("--start", default="", help="Simulated begin, for a feed of its own [default: now].", metavar="TIME")
@click.option(
    "--warm-up", type=_Duration(), default=0, help="Live: so much of the past is sent at once (110m at most)."
)
@click.option("--menu", type=click.FloatRange(0, 600), help="Mean seconds in the menu; 0: there is none [default: 18].")
@click.option("--feed", default=LIVE, show_default=True, help="Name of the feed.")
@click.option(
    "--open", "open_end", is_flag=True, help="Leave that feed open for more [default: it ends with its calls]."
)
@click.option("--history", type=_Duration(), default=0, help="First publish this many days before today.")
@click.option("--history-feed", default="history", show_default=True, help="Name of the history's feed.")
@click.option("--incident", multiple=True, help="What goes wrong (repeat it).", metavar="KIND:KEY=VALUE,…")
@click.option("--calls-only", is_flag=True, help="Only plain calls: no agents, heartbeats, transfers, callbacks, ...")
@click.option("--source", multiple=True, help="Name of a source (repeat it) [default: PBX-1, PBX-2].")
@click.option("--lines", type=click.IntRange(1), help="Trunks of the hotline [default: enough for most days].")
@click.option("--lost-endings", type=_SHARE, default=0.0, show_default=True, help="Share of calls whose end is untold.")
@click.option("--duplicates", type=_SHARE, default=0.0, show_default=True, help="Share of events that are sent twice.")
@click.option("--disorder", type=_SHARE, default=0.0, show_default=True, help="Share of events up to 90 s late.")
@click.option("--truth", type=click.Path(dir_okay=False, path_type=Path), help="Write what really happened, as JSONL.")
@click.option("--drain", is_flag=True, help="On the first signal stop arrivals and let calls under way end.")
@click.option("--demo", "demo", is_flag=True, help="As `hotline up --demo` runs it: history once, 110 minutes, live.")
def command(**options: Any) -> None:
    """Publish simulated calls.

    Arrivals have a daily and weekly shape whose level differs from day to day; agents have several skills, work
    in shifts, pause and now and then miss a call; callers wait, lose patience and call again. So waits follow from
    load, and overload feeds itself. Calls are transferred, overflow, are blocked, called back, put on hold, rated
    days later and classified anew; two telephone systems send heartbeats, and a snapshot when they begin to send.
    A second run beside another into one feed needs --calls-only, or sources of its own.
    A feed of its own ends when every call is over: it is final then, and nothing can be added to it. With --open it
    stays open, and so does one whose run is stopped.

    \b
    Incidents (start counts from the beginning of the run; queue or source left out: all of them):
      spike:queue=utilities,start=+60s,for=10m,factor=4    four times the arrivals (text=WORDS: noted of those it adds)
      understaffed:queue=housing,start=+5m,for=30m,factor=0.3    three tenths of the agents
      silence:start=+10m,for=5m    nobody calls
      outage:source=PBX-2,start=+5m,for=20m    no agent of its centre takes a call (or centre=west)
      dead-feed:source=PBX-2,start=+5m,for=3m    nothing of it is sent; then it goes on with a snapshot
      doubled-feed:source=PBX-1,start=+5m,for=10m    everything of it is sent twice

    \b
      hotline simulate --rate 20000 --queue utilities --history 28d --incident spike:start=+60s,for=10m,factor=4
      hotline simulate --feed week --speed max --start 2026-11-16 --for 7d --truth week.jsonl

    Signals: SIGUSR1 pauses arrivals and lets them in again (calls under way go on to their end).
    SIGINT and SIGTERM stop at once; with --drain the first one stops arrivals only.

    Exit codes: 0 ok, 2 usage, 3 Kafka not reachable.
    """
    wanted = _Wanted(**options)
    try:
        settings = current()
        profile = _profile(settings, wanted)
        _check(wanted)
        resolved = addresses(settings, need=("kafka",))
        _check_beside(running(resolved.data_dir), profile, wanted)
        _check_feed(resolved.clickhouse, wanted.feed)
        asyncio.run(_demo(resolved, profile, wanted) if wanted.demo else _simulate(resolved, profile, wanted))
    except (SettingsError, ValueError) as error:
        click.echo(f"hotline simulate: {error}", err=True)
        sys.exit(USAGE)
    except NotReachableError as error:
        click.echo(f"hotline simulate: {error}", err=True)
        sys.exit(NOT_REACHABLE)


def _check_beside(run: RunFile | None, profile: Profile, wanted: _Wanted) -> None:
    """Raise SettingsError where the demo that runs here sends as these sources: each would end the other's calls."""
    if run is None or not run.demo or wanted.demo or wanted.feed != LIVE:
        return
    if both := {site.source for site in profile.sites} & {site.source for site in SITES}:
        raise SettingsError(
            f"the demo that runs here sends as {', '.join(sorted(both))} already: add --calls-only, or --source NAME"
        )


def _check_feed(settings: ClickHouse, feed: str) -> None:
    """Raise SettingsError for a feed that is complete: all that is sent into it would be too late, or of an older run.

    Without ClickHouse nobody knows; what is too late stands in `v_late_events`.
    """
    if feed == LIVE or not settings.url:
        return
    try:
        complete = is_complete(connect(settings), feed)
    except NotReachableError:
        return
    if complete:
        raise SettingsError(f"feed {feed!r} is complete, nothing counts that is added to it: name another by --feed")


def _check(wanted: _Wanted) -> None:
    """Raise SettingsError for what cannot go together."""
    if wanted.feed == LIVE and (wanted.speed != 1.0 or wanted.start):
        raise SettingsError("--speed and --start need a feed of their own: add --feed NAME")
    if wanted.open_end and wanted.feed == LIVE:
        raise SettingsError("--open needs a feed of its own: add --feed NAME")
    if wanted.speed is None and wanted.length is None:
        raise SettingsError("--speed max needs an end: add --for, such as --for 7d")
    if wanted.history % _DAY_MS:
        raise SettingsError("--history takes whole days, such as 14d")
    if wanted.history_feed in {LIVE, wanted.feed}:
        raise SettingsError("--history-feed needs a name of its own")
    if wanted.warm_up and wanted.feed != LIVE:
        raise SettingsError("--warm-up is for live runs: another feed begins at its --start")
    if wanted.warm_up > demo.WARM_UP_MS:
        raise SettingsError("--warm-up takes at most 110m: events of `live` count for two hours")
    if len(set(wanted.source)) != len(wanted.source):
        raise SettingsError("--source: every source needs a name of its own")
    if wanted.demo and (wanted.feed != LIVE or wanted.length is not None):
        raise SettingsError("--demo runs live and for ever: leave out --feed and --for")


def _profile(settings: Settings, wanted: _Wanted) -> Profile:
    name = wanted.hotline or settings.web.hotline or next(iter(settings.hotlines), "12345")
    hotline = settings.known_hotlines().get(name)
    if hotline is None:
        raise SettingsError(
            f"hotline {name!r} is not configured; add to hotline.yaml:\n"
            f'hotlines:\n  "{name}":\n    time_zone: Asia/Shanghai\n    thresholds_s: [15]'
        )
    unknown = sorted(set(wanted.queue) - set(hotline.queues)) if hotline.queues else []
    if unknown:
        raise SettingsError(f"hotline {name!r} has no queue {', '.join(unknown)}; it has {', '.join(hotline.queues)}")
    profile = profile_of(name, hotline.time_zone, wanted.rate, wanted.queue or tuple(hotline.queues))
    if wanted.calls_only:
        profile = calls_only(profile)
    if wanted.source:
        profile = profile._replace(sites=sites_of(wanted.source))
    if wanted.menu is not None:
        profile = profile._replace(menu_s=wanted.menu)
    habits = profile.habits._replace(lost_ending=wanted.lost_endings)
    profile = profile._replace(habits=habits if wanted.lines is None else habits._replace(lines=wanted.lines))
    return profile if wanted.comfort is None else profile._replace(comfort=wanted.comfort)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _incidents(wanted: _Wanted, profile: Profile, begin: int) -> list[Incident]:
    queues = [queue.name for queue in profile.queues]
    zone = ZoneInfo(profile.zone)
    return [
        parse_incident(text, begin=begin, zone=zone, queues=queues, sites=profile.sites) for text in wanted.incident
    ]


def _tell(text: str) -> None:
    click.echo(f"simulate: {text}", err=True)


def _listen(control: Control) -> None:
    loop = asyncio.get_running_loop()

    def toggle() -> None:
        control.toggle_pause()
        _tell("paused: nobody calls" if control.paused else "calls arrive again")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, control.stop)
    loop.add_signal_handler(signal.SIGUSR1, toggle)


async def _simulate(settings: Settings, profile: Profile, wanted: _Wanted) -> None:
    _incidents(wanted, profile, 0)  # what cannot be read is said before anything is sent
    control = Control(drain=wanted.drain)
    _listen(control)
    async with Publisher(settings.kafka) as publisher:
        control.at_stop.append(publisher.hurry)
        if wanted.history:
            days = wanted.history // _DAY_MS
            span = history_span(profile, _start(wanted, profile), days)
            _tell(f"sending {so_many(days, 'day')} of history as feed {wanted.history_feed}")
            started = time.monotonic()
            _, events = await send_history(
                publisher, profile, wanted.seed, feed=wanted.history_feed, span=span, control=control
            )
            _tell(f"history: {so_many(events, 'event')} in {time.monotonic() - started:.1f} s")
            if control.stopping:
                return
        start = _start(wanted, profile)
        incidents = _incidents(wanted, profile, start)
        end = None if wanted.length is None else start + wanted.length
        begin = start - wanted.warm_up
        simulation = Simulation(profile, wanted.seed, begin, end=end, incidents=incidents, feed=wanted.feed)
        _tell(f"{profile.rate:,.0f} calls a day on {profile.hotline} into feed {wanted.feed}")
        with TruthLog(wanted.truth) as truth:
            truth.write(incidents)
            delivery = Delivery(
                incidents, wanted.seed, duplicates=wanted.duplicates, disorder=wanted.disorder, counting=truth.wanted
            )
            ends = wanted.feed != LIVE and not wanted.open_end
            runner = Runner(simulation, publisher, control, truth, delivery, ends=ends)
            begun = time.monotonic()
            if wanted.warm_up:
                await runner.catch_up(start)
            if wanted.speed is None:
                await runner.at_full_speed(start)
            else:
                await runner.as_it_happens(_clock(start, wanted), _last_calls(simulation))
        _tell(f"{so_many(runner.published, 'event')} in {time.monotonic() - begun:.1f} s")


def _last_calls(simulation: Simulation) -> Callable[[Runner], None]:
    """Says once that arrivals are over: the calls under way go on for minutes, and so does the run."""
    told = False

    def look(_: Runner) -> None:
        nonlocal told
        if not told and simulation.arrivals_over and simulation.under_way:
            told = True
            _tell(f"nobody calls any more: this ends with the {so_many(simulation.under_way, 'call')} under way")

    return look


def _start(wanted: _Wanted, profile: Profile) -> int:
    return parse_time(wanted.start, ZoneInfo(profile.zone)) if wanted.start else _now()


def _clock(start: int, wanted: _Wanted) -> Callable[[], int]:
    """Simulated time: the wall clock for `live`, else `speed` times the time since now."""
    if wanted.feed == LIVE:
        return _now
    begun, speed = time.monotonic(), wanted.speed or 1.0
    return lambda: start + round((time.monotonic() - begun) * 1000 * speed)


async def _demo(settings: Settings, profile: Profile, wanted: _Wanted) -> None:
    control = Control(drain=wanted.drain)
    _listen(control)
    cluster = await cluster_id(settings.kafka)
    incidents = _incidents(wanted, profile, _now())
    async with Publisher(settings.kafka) as for_live, Publisher(settings.kafka) as for_history:
        control.at_stop += [for_live.hurry, for_history.hurry]
        with TruthLog(wanted.truth) as truth:
            truth.write(incidents)
            live = demo.live(
                for_live,
                profile,
                wanted.seed,
                cluster=cluster,
                data_dir=settings.data_dir,
                clock=_now,
                incidents=incidents,
                control=control,
                truth=truth,
                tell=_tell,
                duplicates=wanted.duplicates,
                disorder=wanted.disorder,
            )
            history = demo.history_once(
                for_history,
                profile,
                wanted.seed,
                cluster=cluster,
                data_dir=settings.data_dir,
                feed=wanted.history_feed,
                days=(wanted.history or 14 * _DAY_MS) // _DAY_MS,
                now=_now(),
                control=control,
                pace=BesideLive(partial(behind_live, settings.kafka, _now), lambda: control.stopping),
                tell=_tell,
            )
            await asyncio.gather(live, history)
