"""Whom an alert with some labels would call, when, and by which channels: the duty file in words, as of a moment. Pure."""

from collections.abc import Iterator, Mapping

from alerts.duty import Duty, Route
from alerts.on_call import OnCall
from streams.contract.controls import matches


def called(duty: Duty, on_call: OnCall, labels: Mapping[str, str], now: int) -> Iterator[str]:
    """The first route that matches, a line per step of its chain; without labels every route."""
    found = [
        (number, route)
        for number, route in enumerate(duty.routes, start=1)
        if not labels or matches(route.match, dict(labels))
    ]
    if not found:
        yield "nobody: no route matches"
    for number, route in found if not labels else found[:1]:
        limits = " ".join(f"{name}={pattern}" for name, pattern in route.match.items()) or "everything else"
        yield f"route {number}: {limits}"
        yield from _chain(duty, on_call, route, now)


def _chain(duty: Duty, on_call: OnCall, route: Route, now: int) -> Iterator[str]:
    after_s = route.group_wait_s
    for step in route.chain:
        people = ", ".join(_person(duty, on_call, name, now) for name in step.tell)
        yield f"  after {lasting(after_s):6}  {people}"
        after_s += step.next_after_s
    if route.due_s:
        overdue = ", ".join(_person(duty, on_call, name, now) for name in route.overdue or route.chain[0].tell)
        yield f"  overdue after {lasting(route.due_s)}: {overdue}"


def _person(duty: Duty, on_call: OnCall, name: str, now: int) -> str:
    receiver = on_call.receiver(name, now)
    channels = {known.name: known.channels for known in duty.receivers}[receiver]
    kinds = " then ".join(channel.type for channel in channels)
    return f"{receiver} by {kinds}" if receiver == name else f"{receiver} (on call: {name}) by {kinds}"


def rotas(duty: Duty, on_call: OnCall, now: int) -> Iterator[tuple[str, str, int | None, str | None, str]]:
    """Of each schedule: its name, who is on call, until when (ms), who follows; its zone."""
    for schedule in duty.schedules:
        until = on_call.handover(schedule.name, now)
        following = None if until is None else on_call.receiver(schedule.name, until)
        yield schedule.name, on_call.receiver(schedule.name, now), until, following, schedule.time_zone


def lasting(seconds: int) -> str:
    """A span as people write it: 45s, 10m, 2h."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
