"""`hotline alerts who`: whom an alert would call, and who is on call."""

import asyncio
import re
import sys
import time
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

import click

from alerts import calendars
from alerts.called import called, rotas
from alerts.duty import load_duty
from alerts.rules_file import RulesError
from deploy.runtime.settings import current
from deploy.runtime.written_times import local_ms


@click.command("who")
@click.argument("labels", nargs=-1)
@click.option(
    "--at", "moment", metavar="TIME", help="Then instead of now: 2026-11-25T03:00, UTC unless it has an offset."
)
def who(labels: tuple[str, ...], moment: str | None) -> None:
    """Show whom an alert would call, and who is on call.

    LABELS are those of the alert: hotline=12345 queue=water severity=critical … Its route is shown step by step; without
    labels every route is.
    """
    settings = current()
    if settings.paging != "hotline":
        _refuse("Alertmanager calls people (paging): ask `amtool config routes test`, or set HOTLINE_PAGING=hotline")
    if settings.alerts.duty is None:
        _refuse("Hotline calls nobody: set HOTLINE_ALERTS__DUTY to a file of who is called; alerts/duty.py shows one")
    known = dict(_label(text) for text in labels)
    now = int(time.time() * 1000) if moment is None else _moment(moment)
    try:
        duty = load_duty(settings.alerts.duty)
        calendars.require_library(duty)
    except RulesError as error:
        _refuse(str(error))
    on_call = asyncio.run(calendars.load(duty, now))
    for line in called(duty, on_call, {"feed": settings.alerts.feed} | known if known else {}, now):
        click.echo(line)
    for name, person, until, following, zone in rotas(duty, on_call, now):
        handover = "" if until is None else f" until {_local(until, zone)}, then {following}"
        click.echo(f"on call in {name}: {person}{handover}")


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[a-zA-Z_]\w*", name):
        _refuse(f"{text}: write label=value")
    return name, value


def _moment(text: str) -> int:
    try:
        return local_ms(text, ZoneInfo("UTC"))
    except ValueError:
        _refuse(f"--at {text}: write 2026-11-25T03:00")


def _local(ms: int, zone: str) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"


def _refuse(problem: str) -> NoReturn:
    click.echo(f"hotline alerts: {problem}", err=True)
    sys.exit(2)
