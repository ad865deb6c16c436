"""`hotline alerts` in memory, killed at any moment: the real cores, topics as lists, services that fail by a script.

What a kill may cost is what the cores promise: a message that was taken and whose taking was not yet written down is
repeated, with the same id, once per kill. Nothing else: no page is lost, none is told twice.
"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass

import msgspec
from alert_kit import S, T, rule, signal
from alert_kit import record as record_of
from paging_kit import VIA, duty

from alerts.channels import Delivered, Failed, Retry
from alerts.controls import Controls
from alerts.core import Alerts
from alerts.telling import Telling
from deploy.runtime.processor import Record
from streams.contract import AlertEvent, Notification
from streams.contract.alerts import Acknowledgement, Silence
from streams.contract.topics import ALERTS, NOTIFICATIONS

RULES = [rule(name="Waiting", for_s=10, keep_firing_s=20, fresh_s=120, steps=[{"severity": "critical", "after_s": 60}])]
RECEIVERS = ("one", "two", "three")
HOOK = VIA._replace(kind="webhook", target="hook")
KEYS = ("a", "b", "c")
SAVED_EVERY_MS = 5 * S


@dataclass(frozen=True)
class Taken:
    """What a service accepted: the message, for whom, what it said."""

    message: str
    receiver: str
    step: int
    why: str
    alerts: tuple[tuple[str, str, str], ...]
    """(episode, state, severity)"""


class Process:
    """One life of the process: from the last states written to the next kill."""

    def __init__(self, world):
        self.world = world
        self.plan = world.plan
        controls = Controls()
        for said in world.control:
            controls.take(said)
        controls.ready = True
        self.controls = controls
        at, parts = world.written["signals"]
        self.lifecycle, self.signals_at = Alerts(RULES, "live", parts), at
        at, parts = world.written["alerts"]
        self.telling, self.alerts_at = Telling({"hook": None}, self.plan, controls, parts), at
        self.written_at = world.now
        self.in_flight = set()

    def step(self):
        """What the worker does between two looks at the clock: read, tick, send, write states."""
        world = self.world
        for _ in range(world.rng.randint(1, 3)):
            chunk = world.signals[self.signals_at : self.signals_at + world.rng.randint(1, 4)]
            if chunk:
                self.lifecycle.apply(chunk)
                self.signals_at += len(chunk)
        self.lifecycle.tick(world.now, caught_up=self.signals_at == len(world.signals))
        self.send(self.lifecycle.outputs())
        chunk = world.alerts[self.alerts_at : self.alerts_at + world.rng.randint(1, 5)]
        self.telling.apply(chunk)
        self.alerts_at += len(chunk)
        self.telling.tick(world.now, caught_up=self.alerts_at == len(world.alerts))
        if world.now - self.written_at >= SAVED_EVERY_MS:
            self.written_at = world.now
            self.write("signals")
            self.write("alerts")
        elif self.telling.paging.unsaved and world.rng.random() < 0.7:  # else it has not come round to it yet
            self.write("alerts")

    def send(self, outputs):
        for output in outputs:
            self.world.send(output)

    def write(self, which):
        """Outputs first, then the state; killed in between, the outputs stand alone."""
        if self.world.broker_away:
            return
        core, at = (self.lifecycle, self.signals_at) if which == "signals" else (self.telling, self.alerts_at)
        self.send(core.outputs())
        parts = core.snapshot()
        self.world.may_die()
        self.world.written[which] = at, parts
        if which == "alerts":
            self.telling.saved()
            self.in_flight.clear()

    def deliver(self, receiver):
        """One try for a person."""
        due = self.telling.paging.due(receiver, self.world.now)
        if due is None:
            return
        message, _, notices = due
        alerts = tuple((n.event.episode, n.event.state, n.event.severity) for n in notices)
        taken = Taken(message.id, receiver, message.step, message.why, alerts)
        outcome = self.world.answer(taken, self)
        self.world.may_die()
        self.telling.paging.settle(message.id, outcome, self.world.now, VIA)

    def tell(self):
        """One try for the webhook."""
        for notice in self.telling.deliveries.due("hook", self.world.now, 1):
            outcome = self.world.answer_hook(notice)
            self.world.may_die()
            self.telling.deliveries.settle(HOOK, [notice], outcome, self.world.now)


class KilledError(Exception):
    pass


class World:
    def __init__(self, seed, wait=5, interval=30):
        self.rng = random.Random(seed)
        self.now = T
        self.signals, self.alerts, self.control, self.notifications = [], [], [], []
        self.written = {"signals": (0, None), "alerts": (0, None)}
        self.plan = duty(
            *RECEIVERS,
            group_wait_s=wait,
            group_interval_s=interval,
            flapping={"episodes": 9, "within_s": 60, "hold_s": 10},
            inhibitions=[{"source": {"queue": "c"}, "target": {"queue": "a"}}],
        )
        self.active = dict.fromkeys(KEYS, False)
        self.since = dict.fromkeys(KEYS, T)
        self.version = 0
        self.taken, self.hooked = [], []
        self.may_repeat = 0
        """So many repetitions what happened may explain."""
        self.dying = 0.0
        self.outage = None
        self.broker_away = False
        self.engine_away = False
        self.happened = Counter()
        self.process = Process(self)

    # what happens outside

    def signal(self, key, active=None):
        """The engine says how a queue is."""
        if active is not None and active != self.active[key]:
            self.active[key], self.since[key] = active, self.now
        self.version += 1
        second = (self.now - T) / S
        said = signal(
            second,
            self.active[key],
            self.version,
            fingerprint=key,
            queue=key,
            since=self.since[key],
        )
        self.signals.append(record_of(said, len(self.signals), self.now))

    def silence(self, key, seconds):
        number = len(self.control)
        self.say(
            Silence(
                id=f"s{number}", matchers={"queue": key}, author="li", reason="works", at=self.now,
                ends_at=self.now + seconds * S,
            )
        )  # fmt: skip

    def acknowledge(self, key):
        for event in self.process.telling.deliveries.firing():
            if event.queue == key:
                self.now += 1
                self.say(Acknowledgement(fingerprint=event.fingerprint, author="li", at=self.now))

    def say(self, record):
        self.control.append(record)
        self.process.controls.take(record)

    def passes(self, ms, step_ms=1000):
        """Time passes while the process works."""
        end = self.now + ms
        while self.now < end:
            self.now = min(end, self.now + step_ms)
            if self.now % (5 * S) < step_ms and not self.engine_away:
                for key in KEYS:
                    self.signal(key)
            self.work()

    def stands_still(self, ms):
        """Nobody works: the process is away, or the clock jumps."""
        self.now += ms

    def work(self):
        try:
            self.process.step()
            for receiver in RECEIVERS:
                self.process.deliver(receiver)
            for _ in range(3):
                self.process.tell()
        except KilledError:
            self.kill()

    def kill(self):
        self.happened["kills"] += 1
        self.may_repeat += len(self.process.in_flight)
        self.process = Process(self)

    # what the cores meet

    def may_die(self):
        if self.rng.random() < self.dying:
            raise KilledError

    def send(self, output):
        """A record reaches its topic, or the process dies first."""
        self.may_die()
        if output.topic == ALERTS:
            self.alerts.append(Record(len(self.alerts), self.now, output.key, output.value))
        elif output.topic == NOTIFICATIONS:
            self.notifications.append(msgspec.json.decode(output.value, type=Notification))

    def answer(self, taken, process):
        """How a chat service answers; `unheard`: it accepts and the answer is lost."""
        outcome = self._weather()
        self.happened[f"answered {outcome}"] += 1
        if outcome in {"ok", "unheard"}:
            self.taken.append(taken)
            if outcome == "ok":
                process.in_flight.add(taken.message)
            else:
                self.may_repeat += 1
        return {
            "ok": Delivered(),
            "unheard": Retry("timeout"),
            "429": Retry("rate_limited", 20),
            "500": Retry("server_error"),
            "200 no": Failed("client_error"),
        }[outcome]

    def answer_hook(self, notice):
        outcome = self._weather()
        if outcome in {"ok", "unheard"}:
            self.hooked.append((notice.event.episode, notice.event.state, notice.event.severity))
        refused = Retry("server_error") if outcome != "unheard" else Retry("timeout")
        return Delivered() if outcome == "ok" else refused

    def _weather(self):
        return (
            self.outage
            or self.rng.choices(
                ["ok", "unheard", "429", "500", "200 no"], [80, 3, 5, 8, 4] if self.dying else [1, 0, 0, 0, 0]
            )[0]
        )

    # what must hold

    def states(self):
        """episode -> its events in the topic, in order."""
        found = defaultdict(list)
        for record in self.alerts:
            event = msgspec.json.decode(record.value, type=AlertEvent)
            found[event.episode].append(event)
        return found

    def heals(self):
        """Everything works again, and time passes until nobody waits for anything."""
        self.dying, self.outage, self.broker_away, self.engine_away = 0.0, None, False, False
        for _ in range(10):
            self.passes(150 * S, 2000)
            if not self.differences():
                return

    @property
    def repeated(self):
        """How many messages a service was given once more."""
        return len(self.taken) - len({taken.message for taken in self.taken})

    def twice(self):
        """Whoever was told the same of an episode at one step by two different messages."""
        messages = defaultdict(set)
        for taken in self.taken:
            for episode, state, severity in taken.alerts:
                if state == "firing":
                    messages[taken.receiver, taken.step, episode, severity].add(taken.message)
        return [f"two messages for {key}" for key, told in messages.items() if len(told) > 1]

    def differences(self):
        """What is wrong, in words; called after `heals`."""
        wrong = []
        if self.repeated > self.may_repeat:
            wrong.append(f"{self.repeated} repetitions, {self.may_repeat} explained")
        wrong += self.twice()
        return wrong + self._not_told() + self._webhook() + list(self._written_down()) + self._two_at_once()

    def _not_told(self):
        """Who does not know of what fires, or of the end of what they had heard of."""
        heard, ended = defaultdict(set), defaultdict(set)
        for taken in self.taken:
            for episode, state, _ in taken.alerts:
                (heard if state == "firing" else ended)[episode].add(taken.receiver)
        quiet = {queue for said in self.control if isinstance(said, Silence) for queue in said.matchers.values()}
        acknowledged = {said.fingerprint for said in self.control if isinstance(said, Acknowledgement)}
        last = {episode: events[-1] for episode, events in self.states().items()}
        firing_c = any(event.state == "firing" and event.queue == "c" for event in last.values())
        wrong = []
        for episode, event in last.items():
            if event.state == "firing":
                exempt = event.fingerprint in acknowledged or (event.queue == "a" and firing_c)
                exempt |= event.reason == "back_after_outage" and bool(heard[episode])  # it calls nobody further
                if not exempt and heard[episode] != set(RECEIVERS):
                    wrong.append(f"{episode} fires and only {sorted(heard[episode])} know")
            elif event.reason != "back_after_outage" and event.queue not in quiet and heard[episode] - ended[episode]:
                wrong.append(f"{sorted(heard[episode] - ended[episode])} were not told of the end of {episode}")
        return wrong

    def _two_at_once(self):
        """Episodes of one alert that fire beside each other: the older one would fire for good."""
        firing = Counter(events[-1].fingerprint for events in self.states().values() if events[-1].state == "firing")
        return [f"{fingerprint} fires {times} times" for fingerprint, times in firing.items() if times > 1]

    def _webhook(self):
        """What the webhook does not know."""
        wrong = []
        for episode, events in self.states().items():
            last, told = events[-1], {(state, severity) for e, state, severity in self.hooked if e == episode}
            if last.state == "firing" and ("firing", last.severity) not in told:
                wrong.append(f"the webhook does not know of {episode}")
            if last.state == "resolved" and {state for state, _ in told} == {"firing"}:
                wrong.append(f"the webhook was not told of the end of {episode}")
        return wrong

    def _written_down(self):
        """A notification is `delivered` only if somebody accepted it, and every acceptance is written down or repeated."""
        accepted = Counter(taken.message for taken in self.taken)
        said = Counter(
            n.id for n in self.notifications if n.outcome == "delivered" and n.receiver in RECEIVERS
        )  # fmt: skip
        for message, times in said.items():
            if times > accepted[message]:
                yield f"{message} is written down {times} times and was accepted {accepted[message]} times"
        for message in accepted:
            if not said[message]:
                yield f"{message} was accepted and is not written down"


def run(seed, dying=(0.0, 0.0, 0.01, 0.05)):
    """A random run of some minutes: signals, silences, acknowledgements, clock jumps, kills, failing services.

    `dying`: how likely a kill is at each place where one can come; one is drawn now and then.
    """
    world = World(seed, wait=random.Random(seed).choice([0, 5, 40]))
    rng = world.rng
    for _ in range(rng.randint(15, 40)):
        world.dying = rng.choice(dying)
        world.outage = rng.choice([None] * 8 + ["429", "500", "200 no"])
        match rng.randint(0, 10):
            case 0 | 1 | 2 | 3:
                world.signal(rng.choice(KEYS), active=rng.random() < 0.6)
            case 4:
                world.silence(rng.choice(KEYS), rng.choice([10, 100]))
            case 5:
                world.acknowledge(rng.choice(KEYS))
            case 6:
                world.stands_still(rng.choice([1, 20, 100]) * S)
                world.happened["clock jumps"] += 1
            case 7:
                world.kill()
            case 8:
                world.outage = rng.choice(["429", "500", "200 no"])
                world.passes(600 * S)
                world.happened["ten minutes away"] += 1
            case 9:
                world.broker_away = True
                world.passes(20 * S)
                world.broker_away = False
                world.happened["no states written"] += 1
            case 10:
                world.engine_away = True
                world.passes(400 * S)  # longer than a signal may stay away
                world.engine_away = False
                world.happened["signals stayed away"] += 1
        world.passes(rng.choice([1, 3, 10, 30, 70]) * S)
    world.heals()
    return world
