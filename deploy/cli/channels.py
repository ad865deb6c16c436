"""`hotline channels list|test`: whether a message gets through, before it has to."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256

import click

from alerts.app import build_channels, build_receivers
from alerts.channels import Channel, Delivered, Notice, Outcome
from alerts.channels.supervised import SupervisedChannel
from alerts.rules_file import load_rules
from deploy.runtime.settings import Settings, current
from streams.contract import AlertEvent

_NONE = (
    "none is configured: set HOTLINE_ALERTS__ALERTMANAGER__URL, HOTLINE_ALERTS__GRAFANA__URL or HOTLINE_ALERTS__WEBHOOKS, "
    "or with HOTLINE_PAGING=hotline HOTLINE_ALERTS__DUTY"
)


@click.group("channels")
def command() -> None:
    """List the channels that alerts are told by, and try one."""


@command.command("list")
def list_channels() -> None:
    """List the names that `test` takes.

    Machines are named by their target, people as receiver/channel.
    """
    channels = list(_channels(current()))
    for channel in channels:
        click.echo(f"{channel.kind:12}  {channel.target}")
    if not channels:
        click.echo(_NONE, err=True)


@command.command("test")
@click.argument("name")
def test(name: str) -> None:
    """Send a test message by channel NAME.

    It says that it is a test, and is followed by its end; what the service answered is printed. NAME is as
    `hotline channels list` shows it; a receiver alone means all of its channels. Exit codes: 0 all have taken it, 1 one has
    not (its line says why), 2 there is no such channel.
    """
    channels = list(_channels(current()))
    chosen = [channel for channel in channels if name in {channel.target, channel.target.partition("/")[0]}]
    if not chosen:
        known = ", ".join(channel.target for channel in channels)
        there = f"there are: {known}" if known else _NONE
        click.echo(f"hotline channels: no channel {name}; {there}", err=True)
        sys.exit(2)
    outcomes = asyncio.run(_try(chosen, int(time.time() * 1000)))
    for channel, outcome in zip(chosen, outcomes, strict=True):
        click.echo(f"{channel.target}: {_said(outcome)}")
    if not all(isinstance(outcome, Delivered) for outcome in outcomes):
        sys.exit(1)


def _channels(settings: Settings) -> Iterator[Channel]:
    rules = {rule.name: rule for rule in load_rules(settings.alerts.rules)}
    yield from build_channels(settings, rules)
    _, receivers = build_receivers(settings, rules)
    for ways in receivers.values():
        yield from ways


async def _try(channels: Sequence[Channel], now: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for channel in map(SupervisedChannel, channels):
        try:
            outcome = await channel.send([Notice(_event(channel.target, now, "firing"))], now)
            if isinstance(outcome, Delivered):
                ref = outcome.refs[0] if outcome.refs else ""
                outcome = await channel.send([Notice(_event(channel.target, now, "resolved"), ref)], now + 1)
            outcomes.append(outcome)
        finally:
            await channel.close()
    return outcomes


def _event(target: str, now: int, state: str) -> AlertEvent:
    fingerprint = sha256(f"test/{target}".encode()).hexdigest()[:16]
    return AlertEvent(
        fingerprint=fingerprint,
        episode=f"{fingerprint}-{now}",
        rule="HotlineTest",
        state="firing" if state == "firing" else "resolved",
        reason="condition_met" if state == "firing" else "condition_cleared",
        severity="info",
        feed="test",
        hotline="test",
        at=now,
        started_at=now,
        ended_at=None if state == "firing" else now,
        version=now,
        value=0,
        labels={"alertname": "HotlineTest", "severity": "info", "feed": "test", "hotline": "test"},
        summary={"en": "This is a test of Hotline: nothing is wrong", "zh": "这是 Hotline 的测试消息，一切正常"},
    )


def _said(outcome: Outcome) -> str:
    match outcome:
        case Delivered():
            return "taken"
        case _:
            again = "would be tried again" if type(outcome).__name__ == "Retry" else "would not be tried again"
            return f"NOT TAKEN: {outcome.reason} {outcome.detail} ({again})"
