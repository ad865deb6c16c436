"""Who is called for what, in what order: the file that `alerts.duty` names.

```yaml
receivers:
  - {name: water-desk, channels: [{type: wecom, url_file: /run/secrets/wecom}, {type: sms, …}]}   # the next if one fails
  - {name: chief, channels: [{type: email, …}]}
schedules: [{name: engineers, …}]          # on-call rotas; alerts/on_call.py shows one
routes:                                    # the first that matches; labels by shell pattern
  - match: {hotline: "12345", category: "utilities/water*", district: "4403*"}
    group_by: [hotline]
    due_s: 7200                            # said in the message; still firing by then: told once more
    chain: [{tell: [water-desk], next_after_s: 600}, {tell: [chief]}]
inhibitions:                               # while a `source` fires, its `target`s page nobody
  - {source: {alertname: DeadFeed}, target: {dimension_set: queue}, equal: [feed, hotline]}
```
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from alerts.channels.settings import ChannelSettings
from alerts.on_call import Name, Schedule
from alerts.rules import Seconds
from alerts.rules_file import RulesError, parse, read_text
from deploy.runtime.section import Section

Matchers = dict[str, str]


class Receiver(Section):
    """A person or a desk: reached by the first of `channels` that works."""

    name: Name
    channels: Annotated[tuple[ChannelSettings, ...], Field(min_length=1)]


class ChainStep(Section):
    """Who is told; if nobody acknowledges within `next_after_s`, the next step follows (0: this is the last)."""

    tell: Annotated[tuple[str, ...], Field(min_length=1)]
    next_after_s: Seconds = 0


class Route(Section):
    """What happens with alerts whose labels match.

    `group_by`: alerts equal in these labels come in one message. The first message waits `group_wait_s` for
    others to join; then a receiver hears of the group at most every `group_interval_s`, escalation excepted.
    `repeat_s`: told again while nobody has acknowledged (0: never). `resolved`: the end is told too. `due_s`: what is
    done about it is due so long after it fired (0: no time is said); if it fires still, `overdue` (else the first
    step) are told, acknowledged or not.
    """

    match: Matchers = Field(default_factory=dict)
    group_by: tuple[str, ...] = ("feed", "hotline")
    group_wait_s: Seconds = 5
    group_interval_s: Seconds = 60
    repeat_s: Seconds = 14_400
    resolved: bool = True
    due_s: Annotated[int, Field(ge=0, le=31 * 86_400)] = 0
    overdue: tuple[str, ...] = ()
    chain: Annotated[tuple[ChainStep, ...], Field(min_length=1)]


class Inhibition(Section):
    """While an alert that matches `source` fires, those that match `target` and are `equal` in these labels page nobody."""

    source: Annotated[Matchers, Field(min_length=1)]
    target: Annotated[Matchers, Field(min_length=1)]
    equal: tuple[str, ...] = ("feed", "hotline")


class Flapping(Section):
    """An alert that has fired `episodes` times `within_s` pages again only once it has lasted `hold_s`."""

    episodes: Annotated[int, Field(ge=2)] = 4
    within_s: Seconds = 3_600
    hold_s: Seconds = 300


OUTAGES = (
    Inhibition(source={"alertname": "DeadFeed"}, target={"dimension_set": "queue"}),
    Inhibition(source={"alertname": "DeadFeed"}, target={"alertname": "DemandBelowExpectation"}),
)
"""Without sources nothing can be said of queues: the outage is the message."""


class Duty(Section):
    """The whole file."""

    receivers: tuple[Receiver, ...]
    schedules: tuple[Schedule, ...] = ()
    routes: tuple[Route, ...]
    inhibitions: tuple[Inhibition, ...] = OUTAGES
    flapping: Flapping = Flapping()

    @model_validator(mode="after")
    def _everybody_is_known(self) -> Self:
        people = {receiver.name for receiver in self.receivers}
        names = [*(receiver.name for receiver in self.receivers), *(schedule.name for schedule in self.schedules)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]} stands twice among receivers and schedules")
        for schedule in self.schedules:
            if unknown := sorted(schedule.people() - people):
                raise ValueError(f"schedules.{schedule.name}: there is no receiver {unknown[0]}")
        for number, route in enumerate(self.routes, start=1):
            if unknown := sorted(set(route.overdue) - set(names)):
                raise ValueError(f"routes.{number}.overdue: there is no receiver or schedule {unknown[0]}")
            for place, step in enumerate(route.chain, start=1):
                if unknown := sorted(set(step.tell) - set(names)):
                    raise ValueError(
                        f"routes.{number}.chain.{place}.tell: there is no receiver or schedule {unknown[0]}"
                    )
                if (place == len(route.chain)) != (step.next_after_s == 0):
                    raise ValueError(f"routes.{number}.chain.{place}: next_after_s is for every step but the last")
        return self


def load_duty(path: Path) -> Duty:
    """The file. Raises RulesError with one line per problem; secrets are not repeated."""
    if not path.is_file():
        raise RulesError(f"{path}: no such file; correct alerts.duty")
    return parse(Duty, read_text(path), str(path), "receiver", otherwise="write `receivers:` and `routes:`")
