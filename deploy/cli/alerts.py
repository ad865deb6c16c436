"""`hotline alerts`: the process; `hotline alerts list|who|ack|silence|unsilence|feedback`: what people ask and say about alerts."""

import asyncio
import re
import sys
import time
from collections.abc import Coroutine, Iterable
from datetime import datetime
from getpass import getuser
from typing import Any, NoReturn, TypeVar, get_args
from uuid import uuid4

import click
from aiokafka.errors import KafkaError

from alerts import control_log
from alerts.channels.alertmanager import SilenceRefusedError, silence_in_alertmanager
from alerts.controls import LONGEST_MS
from alerts.rules import LABELS
from alerts.rules_file import load_rules
from deploy.cli.duty import who
from deploy.cli.processes import run_process
from deploy.runtime.run_file import resolve
from deploy.runtime.settings import Settings, current
from streams.contract import DIMENSIONS
from streams.contract.alerts import Acknowledgement, AlertEvent, ControlRecord, Silence, Verdict, feedback_on
from streams.contract.controls import matches

_DURATION = re.compile(r"^(\d+)([mhd])$")
T = TypeVar("T")
_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_author = click.option("--author", default=getuser, show_default="your login", help="Who says so.")


@click.group("alerts", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Without a command: run the alert rules and their delivery.

    Reads hotline.signals and hotline.cells, writes hotline.alerts and tells Alertmanager, Grafana, webhooks and, where
    `paging` is `hotline`, the people that `alerts.duty` names. What is firing and what is not yet delivered lies in
    hotline.state.alerts: a restart forgets nothing.

    \b
    Needs:
      HOTLINE_KAFKA__BOOTSTRAP=host:9092                (or a running `hotline up`)
      HOTLINE_ALERTS__ALERTMANAGER__URL=http://…:9093   and the other channels, if wanted

    Serves /healthz and /metrics at HOTLINE_HEALTH__ALERTS_PORT.
    """
    if context.invoked_subcommand is None:
        run_process("alerts", "alerts.app")


def _do(settings: Settings, work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (KafkaError, OSError) as error:
        click.echo(f"hotline alerts: Kafka at {settings.kafka.bootstrap} does not answer: {error!r}", err=True)
        sys.exit(3)


def _say(settings: Settings, record: ControlRecord) -> None:
    """Write it down. Ends the command where it is not known that it is written."""
    if not _do(settings, control_log.say(settings.kafka, record)):
        lost = f"the answer of Kafka at {settings.kafka.bootstrap} is lost: it may have been recorded"
        click.echo(f"hotline alerts: {lost}; `hotline alerts list` shows what holds", err=True)
        sys.exit(3)


def place_of(event: AlertEvent) -> str:
    """What an alert is about: the hotline and the queue by their names, any other dimension as `name=value`."""
    others = {name: value for name in DIMENSIONS if name != "queue" and (value := event.labels.get(name))}
    if event.category:
        others["category"] = event.category
    return " ".join([event.hotline, *([event.queue] if event.queue else []), *(f"{n}={v}" for n, v in others.items())])


@command.command("list")
def list_alerts() -> None:
    """List the alerts that fire, and the silences.

    Of each alert: since when, what it is about in a sentence, who has taken it on, and whether it is silenced.
    """
    settings = resolve(current())

    async def read() -> tuple[Any, Any]:
        return await control_log.firing(settings.kafka), await control_log.load(settings.kafka)

    firing, controls = _do(settings, read())
    now = _now()
    for event in firing:
        taken = controls.acknowledgement_of(event, event.at)
        silence = controls.silence_of(event, now)
        said = f"  taken on by {taken.author}" + (f" ({taken.note})" if taken.note else "") if taken else ""
        said += f"  silenced until {_time(silence.ends_at, settings, event.hotline)}" if silence else ""
        told = (
            f"{event.fingerprint}  {event.severity:8}  {_time(event.started_at, settings, event.hotline)}  {event.rule}"
        )
        click.echo(f"{told}  {place_of(event)}{said}")
        if sentence := event.summary.get("en") or next(iter(event.summary.values()), ""):
            click.echo(f"    {sentence}")
    for silence in controls.active(now):
        matchers = " ".join(f"{name}={pattern}" for name, pattern in silence.matchers.items())
        until = _time(silence.ends_at, settings, silence.matchers.get("hotline", ""))
        click.echo(f"silence {silence.id}  until {until}  {matchers}  {silence.author}: {silence.reason}")
    if not firing:
        click.echo("nothing fires")


def _meant(beginning: str, known: Iterable[str], one: str, none: str) -> str:
    """The one of what is known that begins so."""
    found = sorted({name for name in known if name.startswith(beginning)})
    if not found:
        _refuse(none)
    if len(found) > 1 and beginning not in found:
        _refuse(f"{len(found)} {one} begin with {beginning}: write more of it ({', '.join(found[:5])})")
    return beginning if beginning in found else found[0]


@command.command("ack")
@click.argument("fingerprint")
@click.option("--note", default="", help="What you are doing about it.")
@_author
def acknowledge(fingerprint: str, note: str, author: str) -> None:
    """Take on an alert that fires.

    Nobody else is called for this episode. FINGERPRINT is as `hotline alerts list` shows it; its beginning will do.
    """
    settings = resolve(current())
    if settings.paging != "hotline":
        _refuse("paging is alertmanager: acknowledge where its receiver pages you, or silence the alert")
    firing = [event.fingerprint for event in _do(settings, control_log.firing(settings.kafka))]
    none = f"no alert {fingerprint} fires; `hotline alerts list` shows those that do"
    fingerprint = _meant(fingerprint, firing, "alerts that fire", none)
    said = Acknowledgement(fingerprint=fingerprint, author=author, note=note, at=_now())
    _say(settings, said)
    click.echo(f"{fingerprint}: taken on by {author}")


@command.command("silence")
@click.argument("matchers", nargs=-1, required=True)
@click.option("--for", "duration", required=True, help="How long: 30m, 2h, 1d; at most 14d.")
@click.option("--reason", required=True, help="Why; whoever finds it silent will want to know.")
@_author
def silence(matchers: tuple[str, ...], duration: str, reason: str, author: str) -> None:
    """Page nobody for some alerts for some time.

    Silenced are the alerts whose labels match all MATCHERS, as in `alertname=Demand* queue=water`. A label is one that
    every alert may have, or one that a rule adds.
    """
    settings = resolve(current())
    now = _now()
    labels = dict(_matcher(text) for text in matchers)
    _require_labels(labels, settings)
    made = Silence(
        id=uuid4().hex[:8], matchers=labels, author=author, reason=reason, at=now, ends_at=now + _duration_ms(duration)
    )
    until = _time(made.ends_at, settings, labels.get("hotline", ""))
    if settings.paging == "alertmanager":
        try:
            identity = asyncio.run(silence_in_alertmanager(settings.alerts.alertmanager, made))
        except SilenceRefusedError as error:
            _refuse(str(error))
        click.echo(f"silence {identity} in Alertmanager until {until}")
        return
    held = sum(matches(labels, event.labels) for event in _do(settings, control_log.firing(settings.kafka)))
    _say(settings, made)
    click.echo(f"silence {made.id} until {until}: of what fires now it holds back {held or 'nothing'}")


@command.command("feedback")
@click.argument("fingerprint")
@click.argument("verdict", type=click.Choice(get_args(Verdict)))
@click.option("--note", default="", help="What was wrong with it, or right.")
@_author
def feedback(fingerprint: str, verdict: Verdict, note: str, author: str) -> None:
    """Say whether an alert was useful.

    It is said of the last episode of the alert FINGERPRINT (its beginning will do), and counts in v_rule_precision.
    missed: it came too late.
    """
    settings = resolve(current())
    fired = _do(settings, control_log.last_episodes(settings.kafka))
    last = fired[_meant(fingerprint, fired, "alerts", f"no alert {fingerprint} has fired in the last 30 days")]
    said = feedback_on(last, verdict, author, note, _now())
    _say(settings, said)
    click.echo(f"{last.rule} of {_time(last.started_at, settings, last.hotline)}: {verdict}")


@command.command("unsilence")
@click.argument("identity")
def unsilence(identity: str) -> None:
    """End a silence now.

    IDENTITY is as `hotline alerts list` shows it; its beginning will do.
    """
    settings = resolve(current())
    if settings.paging != "hotline":
        _refuse("paging is alertmanager: its silences are ended there")
    controls = _do(settings, control_log.load(settings.kafka))
    holding = {made.id: made for made in controls.active(_now())}
    none = f"no silence {identity} holds; `hotline alerts list` shows those that do"
    found = holding[_meant(identity, holding, "silences", none)]
    found.ends_at = _now()
    _say(settings, found)
    click.echo(f"silence {found.id} has ended")


command.add_command(who)


def _matcher(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    if not (equals and pattern and re.fullmatch(r"[a-zA-Z_]\w*", name)):
        _refuse(f"{text}: write label=pattern; labels are {', '.join(LABELS)}, and those that rules add")
    return name, pattern


def _require_labels(names: Iterable[str], settings: Settings) -> None:
    """Refuse a silence by a label that no alert can have: it would hold for none, and whoever set it would be paged."""
    unknown = sorted(set(names) - {*LABELS})
    if not unknown:
        return
    added = sorted({name for rule in load_rules(settings.alerts.rules) for name in rule.labels})
    unknown = [name for name in unknown if name not in added]
    if unknown:
        others = (
            "; what is not Hotline's is silenced in Alertmanager itself" if settings.paging == "alertmanager" else ""
        )
        _refuse(f"no alert has a label {unknown[0]}: there are {', '.join((*LABELS, *added))}{others}")


def _duration_ms(text: str) -> int:
    found = _DURATION.match(text)
    length = int(found[1]) * _UNITS_MS[found[2]] if found else 0
    if not 0 < length <= LONGEST_MS:
        _refuse(f"--for {text}: write 30m, 2h or 1d, at most 14d")
    return length


def _refuse(problem: str) -> NoReturn:
    click.echo(f"hotline alerts: {problem}", err=True)
    sys.exit(2)


def _now() -> int:
    return int(time.time() * 1000)


def _time(ms: int, settings: Settings, hotline: str) -> str:
    """In the zone of the hotline (of the only one, if none is named): what is said of its alerts is, too."""
    zone = settings.hotline(hotline or settings.only_hotline).zone
    return f"{datetime.fromtimestamp(ms / 1000, zone):%Y-%m-%d %H:%M} {zone.key}"
