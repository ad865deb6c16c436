"""Who is to be told what, as a pure state machine: grouping, silences, inhibition, escalation, repeats.

Per episode there is a `Page`: how far its chain has come and who has been told at which step. What a
receiver is to hear of a group is put into one `Message`, and from that moment counts as told: the message
is kept and tried until somebody has taken it, so nothing is paged twice and nothing is lost.

A message is not sent before the state that holds it is written down, and that it was taken is written down at once
(`unsaved` asks for it): so a kill at any moment neither loses a page nor invents one. What it can do is repeat a message
(the same `id`) that was taken in the last moment and not yet written down: at most once per kill.

- A message that nobody took before all its alerts were over is dropped: nobody is woken for the past.
- While a message waits for a channel, news of its group waits for it too; one that is a fault of ours holds up no other.
- Silenced, inhibited, flapping: the page waits, and goes on when that is over and the alert still fires.
- Acknowledged: no further step, no repeat; only a higher severity is news.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.controls import Controls
from alerts.deliveries import GIVE_UP_MS, back_off_s
from alerts.duty import Duty, Inhibition, Route
from alerts.notifications import NOBODY, Via, notified, output, said_of
from alerts.on_call import OnCall
from alerts.pages import Message, Page, Told, load
from alerts.rules import SEVERITIES
from deploy.runtime.processor import Output
from streams.contract import AlertEvent, Notification
from streams.contract.alerts import NotificationOutcome, Why
from streams.contract.controls import matches

REMEMBER_MS = 3_600_000
TRIES_PER_CHANNEL = 2

_ORDER: tuple[Why, ...] = ("escalated", "overdue", "louder", "first", "repeated", "resolved")
WhyNot = Literal["silenced", "inhibited", "flapping", "acknowledged", "no_route", "resolved", "told"]


class Want(NamedTuple):
    """News of an episode for a receiver; `key`: its place in `Page.told`."""

    episode: str
    why: Why
    key: str = ""


class Paging:
    """Pages of the alerts in `hotline.alerts`. Nothing is decided before `controls` are known and the log is read."""

    def __init__(
        self, duty: Duty, controls: Controls, snapshot: bytes | None = None, on_call: OnCall | None = None
    ) -> None:
        self._duty = duty
        self._controls = controls
        self._on_call = on_call or OnCall(duty.schedules)
        self._outputs: list[Output] = []
        self._sent: dict[str, list[AlertEvent]] = {}
        self._in_snapshot: set[str] = set()
        self.unsaved = False
        self._ready = False
        self._now = 0
        self.given_up = 0
        self._inhibiting: list[tuple[Inhibition, AlertEvent]] = []
        self._people = {receiver.name for receiver in duty.receivers}
        self._state = state = load(snapshot)
        self._saved = set(state.messages)
        for message in state.messages.values():
            message.tried = True  # whoever wrote the snapshot may have told it before it ended
            # A former version let pages go that messages spoke of.
            message.firing = {it: first for it, first in message.firing.items() if it in state.pages}
            message.over &= state.pages.keys()

    def take(self, event: AlertEvent) -> None:
        """Take in a change of state of an alert."""
        state, page = self._state, self._state.pages.get(event.episode)
        if event.state == "firing" and page is None and event.episode not in state.gone:
            state.pages[event.episode] = Page(event=event, since=event.at)
            starts = state.fired.setdefault(event.fingerprint, [])
            starts.append(event.at)
            del starts[: -self._duty.flapping.episodes]
        elif page is not None and page.event.state == "firing" and event.state in {"firing", "resolved"}:
            page.event = event

    def tick(self, now: int) -> None:
        """Decide what is to be told now; called while everything in the log has been read."""
        self._now = now
        if not self._controls.ready:
            return
        if not self._ready:
            self._give_up_strangers()
        self._ready = True
        self._inhibiting = self._find_inhibiting()
        groups: dict[tuple[str, str], list[Want]] = {}
        for episode, page in list(self._state.pages.items()):
            route = self.route_of(page.event)
            if route is None:
                if page.event.state == "resolved":
                    page.ended |= page.heard()
                    self._tidy([episode])
                continue
            if page.event.state == "resolved":
                self._want_end(episode, page, route, groups)
            elif self.held_back(page) is None:
                self._want_news(episode, page, route, groups)
        for (group, receiver), wants in groups.items():
            self._speak(group, receiver, wants)
        self._forget()

    def route_of(self, event: AlertEvent) -> Route | None:
        return next((route for route in self._duty.routes if matches(route.match, event.labels)), None)

    def held_back(self, page: Page) -> WhyNot | None:
        """Why nobody is to hear of a firing alert just now; None: nothing speaks against it."""
        if self._controls.silence_of(page.event, self._now):
            return "silenced"
        if self._inhibited(page.event):
            return "inhibited"
        if not page.told and self._flaps(page):
            return "flapping"
        return None

    def standing(self) -> dict[str, int]:
        """How many firing alerts stand how: `told`, `acknowledged`, or why nobody is told."""
        counted: dict[str, int] = {}
        for page in self._state.pages.values():
            if page.event.state == "firing":
                acknowledged = self._controls.acknowledgement_of(page.event, page.since)
                why = "no_route" if self.route_of(page.event) is None else self.held_back(page)
                name = why or ("acknowledged" if acknowledged else "told" if page.told else "waiting")
                counted[name] = counted.get(name, 0) + 1
        return counted

    def due(self, receiver: str, now: int) -> tuple[Message, int, list[Notice]] | None:
        """The oldest message that the receiver is to get now: (message, number of the try, alerts as they stand).

        Whoever asks is taken to send it. None after a restart until everything was read: a message repeated from an
        older state would say less than it had said already.
        """
        if not self._ready:
            return None
        for message in list(self._state.messages.values()):
            if message.receiver != receiver or message.next_at > now or message.id not in self._saved:
                continue
            self._bring_up_to_date(message)
            if message.id not in self._state.messages:
                continue
            message.tried = True
            pages = [self._state.pages[episode] for episode in (*message.firing, *message.over)]
            self._sent[message.id] = [page.event for page in pages]
            return message, message.tries, [Notice(page.event, due_at=self._due_at(page)) for page in pages]
        return None

    def settle(self, identity: str, outcome: Outcome, now: int, via: Via) -> None:
        """Take in what came of sending a message through a channel."""
        message = self._state.messages.get(identity)
        if message is None:
            return
        became, reason = said_of(outcome)
        given_up = became != "delivered" and now - message.made_at > GIVE_UP_MS
        self._note(message, "given_up" if given_up else became, reason, now, via)
        message.fault = reason == "fault"
        self.unsaved = True
        match outcome:
            case Delivered():
                del self._state.messages[identity]
                self._tidy(message.over)
            case _ if given_up:
                del self._state.messages[identity]
                self.given_up += 1
                self._tidy(message.over)
            case Retry(_, after_s):
                message.tries += 1
                message.next_at = now + round(1000 * max(after_s or 0, back_off_s(message.tries)))
            case Failed():
                # Another channel may take what this one refuses for good; the first may be corrected.
                message.tries += TRIES_PER_CHANNEL - message.tries % TRIES_PER_CHANNEL
                message.next_at = now + 1000 * back_off_s(message.tries)

    def outputs(self) -> list[Output]:
        """What was told to whom, for `hotline.notifications`."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def snapshot(self) -> bytes:
        self._in_snapshot = set(self._state.messages)
        self.unsaved = False
        return msgspec.msgpack.encode(self._state)

    def saved(self) -> None:
        """The last snapshot is written down: its messages may be sent."""
        self._saved = self._in_snapshot

    def waiting(self, receiver: str) -> int:
        """How many messages nobody has taken yet."""
        return sum(message.receiver == receiver for message in self._state.messages.values())

    def oldest_fault_ms(self, now: int) -> int:
        """Age of the oldest message whose last try ended in an error of ours; 0 without any."""
        return max((now - message.made_at for message in self._state.messages.values() if message.fault), default=0)

    def _want_news(self, episode: str, page: Page, route: Route, groups: dict[tuple[str, str], list[Want]]) -> None:
        known = self._controls.acknowledgement_of(page.event, page.since) is not None
        # That an outage is over needs nobody to take it on: the first step is told, nobody else.
        acknowledged = known or (page.event.reason == "back_after_outage" and bool(page.told))
        after_s = route.chain[min(page.step, len(route.chain) - 1)].next_after_s
        if after_s and not acknowledged and page.step_at is not None and self._now - page.step_at >= after_s * 1000:
            page.step, page.step_at = page.step + 1, None
        for number, step in enumerate(route.chain[: page.step + 1]):
            for name in step.tell:
                why = self._why(page, number, name, route, acknowledged=acknowledged)
                if why is not None:
                    self._want(groups, route, page, name, Want(episode, why, f"{number}/{name}"))
        due_at = self._due_at(page)
        if due_at and self._now >= due_at:
            for name in route.overdue or route.chain[0].tell:
                if f"due/{name}" not in page.told:
                    self._want(groups, route, page, name, Want(episode, "overdue", f"due/{name}"))

    def _want(self, groups: dict[tuple[str, str], list[Want]], route: Route, page: Page, name: str, want: Want) -> None:
        receiver = self._on_call.receiver(name, self._now)
        groups.setdefault((_group(route, page.event), receiver), []).append(want)

    def _due_at(self, page: Page) -> int:
        """When it is due to be over (ms); 0: at no time."""
        route = self.route_of(page.event)
        return page.since + route.due_s * 1000 if route and route.due_s else 0

    def _why(self, page: Page, number: int, name: str, route: Route, *, acknowledged: bool) -> Why | None:
        told = page.told.get(f"{number}/{name}")
        if told is None:
            return None if acknowledged else "escalated" if number else "first"
        if SEVERITIES.index(page.event.severity) > SEVERITIES.index(told.severity):
            return "louder"
        if acknowledged or number < page.step or not route.repeat_s:
            return None
        return "repeated" if self._now - told.at >= route.repeat_s * 1000 else None

    def _want_end(self, episode: str, page: Page, route: Route, groups: dict[tuple[str, str], list[Want]]) -> None:
        silenced = self._controls.silence_of(page.event, self._now) is not None
        heard = page.heard()
        page.ended |= heard - self._people  # who is in the duty file no more
        if silenced or not route.resolved or page.event.reason == "back_after_outage":
            page.ended |= heard
        for receiver in sorted(heard - page.ended):
            if not any(m.receiver == receiver and episode in m.firing for m in self._state.messages.values()):
                groups.setdefault((_group(route, page.event), receiver), []).append(Want(episode, "resolved"))
        self._tidy([episode])

    def _speak(self, group: str, receiver: str, wants: Sequence[Want]) -> None:
        """Make one message of what a receiver is to hear of a group, if it is time."""
        state, now = self._state, self._now
        if any(m.group == group and m.receiver == receiver and not m.fault for m in state.messages.values()):
            return
        route = self.route_of(state.pages[wants[0].episode].event)
        assert route is not None
        last = state.spoken.setdefault(group, {}).get(receiver)
        if not any(want.why in {"escalated", "overdue"} for want in wants):
            begun = min(state.pages[want.episode].since for want in wants)
            if now - begun < route.group_wait_s * 1000:
                return
            if last is not None and now - last < route.group_interval_s * 1000:
                return
        state.count += 1
        identity = sha256(f"{group}\x1f{receiver}\x1f{now}\x1f{state.count}".encode()).hexdigest()[:16]
        firing = {want.episode: False for want in wants if want.why != "resolved"}
        firing |= {want.episode: True for want in wants if want.why in {"first", "escalated"}}
        over = {want.episode for want in wants if want.why == "resolved"}
        first = min(wants, key=lambda want: _ORDER.index(want.why))
        number = first.key.partition("/")[0]
        state.messages[identity] = Message(
            id=identity,
            receiver=receiver,
            group=group,
            why=first.why,
            firing=firing,
            over=over,
            made_at=now,
            next_at=now,
            step=int(number) + 1 if number.isdigit() else 1,
        )
        self.unsaved = True
        state.spoken[group][receiver] = now
        for want in wants:
            page = state.pages[want.episode]
            step, _, name = want.key.partition("/")
            if want.why == "resolved":
                page.ended.add(receiver)
            else:
                before = page.told.get(want.key)
                if before is not None and before.receiver not in {"", receiver}:
                    page.told[f"was/{before.receiver}"] = before  # off duty by now, but will hear of the end
                page.told[want.key] = Told(now, page.event.severity, "" if name == receiver else receiver)
                if step == str(page.step) and page.step_at is None:
                    page.step_at = now

    def _bring_up_to_date(self, message: Message) -> None:
        """Leave out what was over before the message was tried; what may have been heard is now told as over."""
        before = [self._state.pages[episode].event for episode in message.firing]
        for episode in [e for e in message.firing if self._state.pages[e].event.state == "resolved"]:
            first = message.firing.pop(episode)
            page = self._state.pages[episode]
            if message.tried:
                message.over.add(episode)
                page.ended.add(message.receiver)
            elif first:
                page.told = {
                    key: told
                    for key, told in page.told.items()
                    if told.at != message.made_at or _who(key, told) != message.receiver
                }
            self._tidy([episode])
        for episode in message.firing:
            page = self._state.pages[episode]
            for key, told in page.told.items():
                if _who(key, told) == message.receiver:
                    told.severity = page.event.severity  # the message says it as it is now
        if not message.firing and not message.over:
            del self._state.messages[message.id]
            self._sent[message.id] = before
            self._note(message, "overtaken", "", self._now, NOBODY)
            self.unsaved = True

    def _give_up_strangers(self) -> None:
        """Messages for who is in the duty file no more: those who are hear of their alerts anew."""
        for message in [it for it in self._state.messages.values() if it.receiver not in self._people]:
            del self._state.messages[message.id]
            self._sent[message.id] = [self._state.pages[it].event for it in (*message.firing, *message.over)]
            self._note(message, "given_up", "", self._now, NOBODY)
            self.unsaved = True

    def _note(self, message: Message, became: NotificationOutcome, reason: str, now: int, via: Via) -> None:
        events = self._sent.pop(message.id, [])
        said = Notification(
            id=message.id,
            attempt=message.tries + 1,
            receiver=message.receiver,
            channel=via.kind,
            target=via.target,
            why=message.why,
            step=message.step,
            outcome=became,
            reason=reason,
            at=now,
            feed=events[0].feed if events else "",
            hotline=events[0].hotline if events else "",
            alerts=notified(events),
        )
        self._outputs.append(output(said))

    def _tidy(self, episodes: Iterable[str]) -> None:
        """Let go of episodes that are over and of which everybody who heard has heard the end."""
        messages = self._state.messages.values()
        for episode in list(episodes):
            page = self._state.pages.get(episode)
            if page is None or page.event.state != "resolved":
                continue
            if any(episode in message.firing or episode in message.over for message in messages):
                continue
            if page.heard() <= page.ended:
                self._let_go(episode)

    def _let_go(self, episode: str) -> None:
        del self._state.pages[episode]
        self._state.gone[episode] = self._now

    def _forget(self) -> None:
        """Forget what says nothing any more."""
        state, now = self._state, self._now
        for gone in [episode for episode, at in state.gone.items() if now - at > REMEMBER_MS]:
            del state.gone[gone]
        horizon = now - 1000 * self._duty.flapping.within_s
        for key in [key for key, starts in state.fired.items() if starts[-1] < horizon]:
            del state.fired[key]
        for group in [group for group, at in state.spoken.items() if now - max(at.values(), default=0) > GIVE_UP_MS]:
            del state.spoken[group]

    def _find_inhibiting(self) -> list[tuple[Inhibition, AlertEvent]]:
        """The firing alerts that keep others quiet, each with its rule."""
        firing = [page.event for page in self._state.pages.values() if page.event.state == "firing"]
        return [(it, event) for it in self._duty.inhibitions for event in firing if matches(it.source, event.labels)]

    def _inhibited(self, event: AlertEvent) -> bool:
        return any(
            other.fingerprint != event.fingerprint
            and matches(rule.target, event.labels)
            and all(other.labels.get(name, "") == event.labels.get(name, "") for name in rule.equal)
            for rule, other in self._inhibiting
        )

    def _flaps(self, page: Page) -> bool:
        flapping = self._duty.flapping
        starts = self._state.fired.get(page.event.fingerprint, [])
        often = len(starts) >= flapping.episodes and page.since - starts[0] <= flapping.within_s * 1000
        return often and self._now - page.since < flapping.hold_s * 1000


def _group(route: Route, event: AlertEvent) -> str:
    chain = "/".join(name for step in route.chain for name in step.tell)
    return "\x1f".join((chain, *(event.labels.get(name, "") for name in route.group_by)))


def _who(key: str, told: Told) -> str:
    return told.receiver or key.partition("/")[2]


def channel_of(tries: int, channels: int) -> int:
    """Which of a receiver's channels the next try takes: each twice, then the next, then from the first again."""
    return tries // TRIES_PER_CHANNEL % channels
