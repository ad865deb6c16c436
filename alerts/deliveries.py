"""What still has to be told to whom: the delivery queue of one partition of `hotline.alerts`, without I/O.

The queue is made from the same records that everybody else reads, so what has been sent always stands
in the topic, and a decision taken again after a crash finds its episode known. Per target and episode
there is one entry; only the newest state is sent. What is sent is absolute (same labels, start and
end), so that a repetition, possible after a crash between sending and the next checkpoint, changes
nothing for a receiver that looks at the episode.

- A firing alert that is over before it was first tried is not told: nobody is paged for the past.
- A resolve waits for its own episode's firing only, and a new episode of an alert for the old one's end.
- Failures that may pass are tried again with back-off, up to a day; others are given up until the
  alert changes.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.notifications import Via, notified, output, said_of
from alerts.state_format import FORMAT, check
from deploy.runtime.processor import Output, Record
from streams.contract import AlertEvent, Notification
from streams.contract.alerts import Why
from streams.contract.topics import UNREADABLE

LONGEST_BACK_OFF_S = 300
GIVE_UP_MS = 86_400_000
REMEMBER_MS = 3_600_000

_event = msgspec.json.Decoder(AlertEvent)


class Item(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One episode for one target; times in ms by wall clock.

    `told`: the state that the target has accepted. `next_at`: when to try (again); None: nothing to do.
    `attempts`: tries without success since `told` or the alert changed. `tried`: the target may have
    heard of it. `ref`: what the channel wants back (Grafana: the annotation's id). `fault`: the last try ended in an
    error of ours.
    """

    told: Literal["", "firing"] = ""
    next_at: int | None = 0
    attempts: int = 0
    tried: bool = False
    since: int = 0
    ref: str = ""
    fault: bool = False


class _State(msgspec.Struct, kw_only=True):
    """`episodes`: those that a target has still to hear of, or whose end it will. `over`: episode -> ms."""

    format: int = FORMAT
    clock: int = 0
    episodes: dict[str, AlertEvent] = {}
    over: dict[str, int] = {}
    items: dict[str, dict[str, Item]] = {}


class Deliveries:
    """A `Processor` for `hotline.alerts`: `due` and `settle` are the sender's side. Outputs: what was told to whom.

    `targets`: target -> seconds after which a firing alert is told again (None: once is enough). A
    target that is new is told of what is firing; one that is no more is forgotten.
    """

    def __init__(self, targets: Mapping[str, int | None], snapshot: Mapping[str, bytes] | None = None) -> None:
        self._resend = dict(targets)
        self._ready = False
        self._now = 0
        self._outputs: list[Output] = []
        self.unreadable = 0
        self.overtaken = 0
        state = _State() if snapshot is None else msgspec.msgpack.decode(snapshot["all"], type=_State)
        check("the delivery queue has", state.format)
        self._state = state
        # Whoever wrote the snapshot may have told more before it ended.
        self._restored = snapshot is not None
        for items in state.items.values():
            for item in items.values():
                item.tried = True
        for target in state.items.keys() - targets.keys():
            del state.items[target]
        for target in targets.keys() - state.items.keys():
            firing = {episode: event for episode, event in state.episodes.items() if event.state == "firing"}
            state.items[target] = {episode: Item(since=event.at) for episode, event in firing.items()}
        for episode in list(state.episodes):
            self._close(episode)

    @property
    def clock(self) -> int:
        return self._state.clock

    def apply(self, records: Sequence[Record]) -> None:
        for record in records:
            self._state.clock = max(self._state.clock, record.timestamp)
            try:
                event = _event.decode(record.value or b"")
            except UNREADABLE:
                self.unreadable += 1
                continue
            if event.state == "firing":
                self._fires(event)
            elif event.state == "resolved":
                self._ends(event)

    def tick(self, now: int, *, caught_up: bool) -> None:
        self._now = now
        if caught_up:
            self._ready = True
            self._state.clock = max(self._state.clock, now)
            over = self._state.over
            for episode in [episode for episode, at in over.items() if now - at > REMEMBER_MS]:
                del over[episode]

    def outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def snapshot(self) -> dict[str, bytes]:
        return {"all": msgspec.msgpack.encode(self._state)}

    def due(self, target: str, now: int, limit: int) -> list[Notice]:
        """What the target is to be told now, oldest first; nothing while a backlog is being read.

        Whoever asks is taken to tell it: from now on the target may have heard of these alerts.
        """
        notices: list[Notice] = []
        if not self._ready:
            return notices
        waiting: set[str] = set()
        for episode, item in self._state.items[target].items():
            event = self._state.episodes[episode]
            if item.told != event.state and item.next_at is not None:
                earlier = event.fingerprint in waiting
                waiting.add(event.fingerprint)
                if earlier:
                    continue
            if item.next_at is not None and item.next_at <= now:
                item.tried = True
                notices.append(Notice(event, item.ref))
                if len(notices) == limit:
                    break
        return notices

    def settle(self, via: Via, notices: Sequence[Notice], outcome: Outcome, now: int) -> None:
        """Take in what came of telling the target; if the alert changed meanwhile, that is still to be told."""
        target = via.target
        items = self._state.items[target]
        for index, notice in enumerate(notices):
            episode = notice.event.episode
            item = items.get(episode)
            if item is None:
                continue
            given_up = isinstance(outcome, Failed) or now - item.since > GIVE_UP_MS
            present = self._state.episodes[episode]
            overtaken = (present.state, present.severity) != (notice.event.state, notice.event.severity)
            if item.told != notice.event.state:
                self._note(via, notice.event, outcome, now, attempt=item.attempts + 1, given_up=given_up)
            item.fault = isinstance(outcome, Retry) and outcome.reason == "fault"
            match outcome:
                case Delivered(refs):
                    item.ref = refs[index] if refs else item.ref
                    if not overtaken:
                        item.told, item.attempts = "firing", 0
                        self._done(target, episode, item, now)
                case Retry(_, after_s) if not given_up:
                    item.attempts += 1
                    item.next_at = now + int(1000 * max(after_s or 0, back_off_s(item.attempts)))
                case Retry() | Failed() if not overtaken:
                    self._done(target, episode, item, now)

    def firing(self) -> list[AlertEvent]:
        """The alerts that fire, as far as they are remembered here."""
        return [event for event in self._state.episodes.values() if event.state == "firing"]

    def waiting(self, target: str) -> int:
        """How many alerts the target has not accepted in their present state."""
        episodes = self._state.episodes
        items = self._state.items[target].items()
        return sum(item.next_at is not None and item.told != episodes[episode].state for episode, item in items)

    def oldest_waiting_ms(self, target: str, now: int, *, faults: bool = False) -> int:
        """Age of the oldest of them, or of those that are `faults`; 0 without any."""
        episodes = self._state.episodes
        ages = [
            now - item.since
            for episode, item in self._state.items[target].items()
            if item.next_at is not None and item.told != episodes[episode].state and (item.fault or not faults)
        ]
        return max(ages, default=0)

    def _fires(self, event: AlertEvent) -> None:
        state = self._state
        known = state.episodes.get(event.episode)
        if event.episode in state.over or (known is not None and known.state == "resolved"):
            return
        state.episodes[event.episode] = event
        if known is not None and event.severity != known.severity:
            for items in state.items.values():
                if (item := items.get(event.episode)) is not None:
                    item.told, item.next_at, item.attempts = "", 0, 0
        if known is None:
            for items in state.items.values():
                items[event.episode] = Item(since=self._now or event.at, tried=self._restored and not self._ready)

    def _ends(self, event: AlertEvent) -> None:
        state = self._state
        if event.episode not in state.episodes:
            return
        state.episodes[event.episode] = event
        for items in state.items.values():
            item = items.get(event.episode)
            if item is None:
                continue
            if not item.tried:
                self.overtaken += 1
                del items[event.episode]
            else:
                item.attempts, item.next_at, item.since = 0, 0, self._now or event.at
        self._close(event.episode)

    def _done(self, target: str, episode: str, item: Item, now: int) -> None:
        """The alert as it is now was told, or given up: of one that is over nothing is left to tell."""
        if self._state.episodes[episode].state == "resolved":
            del self._state.items[target][episode]
            self._close(episode)
            return
        resend_s = self._resend[target]
        item.next_at = None if resend_s is None else now + resend_s * 1000

    def _note(self, via: Via, event: AlertEvent, outcome: Outcome, now: int, *, attempt: int, given_up: bool) -> None:
        """Write down what is news: it was accepted, it failed first, it is given up."""
        became, reason = said_of(outcome)
        given_up = given_up and became == "retry"
        if became == "retry" and attempt > 1 and not given_up:
            return
        louder = event.state == "firing" and event.reason == "severity_changed"
        why: Why = "resolved" if event.state == "resolved" else "louder" if louder else "first"
        news = f"{via.target}\x1f{event.episode}\x1f{event.state}\x1f{event.severity}"
        said = Notification(
            id=sha256(news.encode()).hexdigest()[:16],
            attempt=attempt,
            receiver=via.target,
            channel=via.kind,
            target=via.target,
            why=why,
            outcome="given_up" if given_up else became,
            reason=reason,
            at=now,
            feed=event.feed,
            hotline=event.hotline,
            alerts=notified([event]),
        )
        self._outputs.append(output(said))

    def _close(self, episode: str) -> None:
        """Forget an episode that is over and that nobody has to be told of."""
        state = self._state
        if state.episodes[episode].state == "resolved" and not any(episode in i for i in state.items.values()):
            del state.episodes[episode]
            state.over[episode] = state.clock


def back_off_s(attempts: int) -> int:
    """Seconds to wait after so many tries without success: 1, 2, 4, … 300."""
    return min(LONGEST_BACK_OFF_S, 1 << min(attempts - 1, 20))
