"""A Paging with receivers that note what they are told. Seconds are counted from T."""

from alert_kit import S, T, event

from alerts.channels import Delivered
from alerts.controls import Controls
from alerts.duty import Duty
from alerts.notifications import Via
from alerts.paging import Paging
from streams.contract.alerts import Acknowledgement, Silence

VIA = Via("slack", "chat")


def duty(*chain, receivers=("one", "two", "three"), **fields):
    """A chain of receivers' names, 60 s to the next; fields of the only route, `inhibitions`, `flapping`."""
    chain = chain or ("one", "two")
    steps = [{"tell": [name], "next_after_s": 0 if name == chain[-1] else 60} for name in chain]
    top = {name: fields.pop(name) for name in ("inhibitions", "flapping") if name in fields}
    channel = {"type": "slack", "url": "https://chat.example.org/hook"}
    route = {"group_wait_s": 5, "group_interval_s": 30, "repeat_s": 0, "chain": steps} | fields
    return Duty.model_validate(
        {"receivers": [{"name": name, "channels": [channel]} for name in receivers], "routes": [route]} | top
    )


class Office:
    def __init__(self, plan=None):
        self.plan = plan or duty()
        self.controls = Controls()
        self.controls.ready = True
        self.paging = Paging(self.plan, self.controls)
        self.now = T
        self.told = []

    def fires(self, key="a", number=1, severity="warning", **labels):
        self.paging.take(self._event("firing", key, number, severity, labels))

    def resolves(self, key="a", number=1, **labels):
        self.paging.take(self._event("resolved", key, number, "warning", labels))

    def _event(self, state, key, number, severity, labels):
        known = {"alertname": "Waiting", "severity": severity, "feed": "live", "hotline": "h", "queue": key}
        return event(
            state, f"{key}-{number}", self.now, fingerprint=key, queue=key, severity=severity, labels=known | labels
        )

    def silence(self, seconds, **matchers):
        made = Silence(id=f"s{len(self.controls.silences)}", matchers=matchers, author="li", reason="works", at=self.now,
                       ends_at=self.now + seconds * S)  # fmt: skip
        self.controls.take(made)

    def acknowledges(self, key="a"):
        self.controls.take(Acknowledgement(fingerprint=key, author="li", at=self.now))

    def passes(self, seconds, outcome=None):
        """Time passes in steps of at most 5 s, everybody takes what is due (or `outcome` comes of it)."""
        end = self.now + seconds * S
        while self.now < end:
            self.now = min(end, self.now + 5 * S)
            self.tick()
            self.deliver(outcome)

    def tick(self):
        """Time passes, and the state is written down."""
        self.paging.tick(self.now)
        self.save()

    def save(self):
        self.written = self.paging.snapshot()
        self.paging.saved()

    def deliver(self, outcome=None):
        for receiver in self.plan.receivers:
            while (due := self.paging.due(receiver.name, self.now)) is not None:
                message, _, notices = due
                result = Delivered() if outcome is None else outcome
                if isinstance(result, Delivered):
                    told = [(notice.event.episode, notice.event.state) for notice in notices]
                    self.told.append(((self.now - T) // S, receiver.name, message.why, sorted(told)))
                self.paging.settle(message.id, result, self.now, VIA)

    def heard(self):
        told, self.told = self.told, []
        return told

    def restart(self):
        self.paging = Paging(self.plan, self.controls, self.paging.snapshot())
