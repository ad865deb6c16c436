"""After an outage one message instead of many: how long it was, and how many alerts would have fired that are over by now.

Late but live: either we were away ourselves and read what was written meanwhile, or `streams` was and judges it only now.
What such data shows as begun and ended wakes nobody. Once there is no more of it one alert, `BackAfterOutage`, says so; it
ends by itself, and its end is told to nobody. What still fires is told as ever.
"""

from hashlib import sha256

import msgspec

from alerts.lifecycle import Changes, Entry, Time
from alerts.rules import Rule
from streams.contract import LIVE, AlertEvent

RULE = "BackAfterOutage"
SHORTEST_MS = 60_000
"""What was shorter is a restart, not an outage."""
SETTLED_MS = 15_000
"""When nothing late was heard for this long, all there was to catch up with is read."""
STANDS_MS = 300_000


class Outage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is remembered; times in ms by wall clock. `seen_at`: when everything was read last. `late_ms`: how long it
    was; `late_at`: when something late was heard last. `missed`: alert -> its rule; `until`: when the last of them
    ended, by the clock of the data: it names the message, so that one decided again after a kill is the same.
    `told`: the message, while it stands. `away_ms`: how long we were away ourselves, back at `back_at`: `streams` was too if
    nothing ran, and judges what was missed only after us.
    """

    seen_at: int = 0
    late_at: int = 0
    late_ms: int = 0
    missed: dict[str, str] = {}
    until: int = 0
    told: AlertEvent | None = None
    away_ms: int = 0
    back_at: int = 0

    def hear(self, before: Entry, changes: Changes, rule: Rule, written_at: int, listening: Time | None) -> None:
        """Look at what a record written at `written_at` has changed; `listening` None: a backlog is being read."""
        for change in changes:
            if not _would_have_fired(before, change, rule):
                continue
            if listening is not None:
                late_ms = written_at - (change.ended_at or change.at)
                if late_ms < max(rule.fresh_s * 1000, SHORTEST_MS):
                    continue
                self.late_ms, self.late_at = max(self.late_ms, late_ms), max(self.late_at, written_at)
            self.missed[change.fingerprint] = change.rule
            self.until = max(self.until, change.ended_at or change.at)

    def tick(self, now: int, *, caught_up: bool, source: str) -> list[AlertEvent]:
        """Let time pass; the message when it is due, and its end. `source` tells two cores' messages apart."""
        if not caught_up:
            return []
        away_ms, self.seen_at = now - (self.seen_at or now), now
        if away_ms >= SHORTEST_MS:
            self.away_ms, self.back_at = away_ms, now
        elif now - self.back_at > STANDS_MS:
            self.away_ms = 0
        if self.missed:
            self.late_ms = max(self.late_ms, self.away_ms)
        if self.late_ms < SHORTEST_MS:
            self.missed = {}
        if self.told is not None:
            return self._end(now)
        if not self.missed or now - self.late_at < SETTLED_MS:
            return []
        self.told = _message(self, now, source)
        self.missed, self.late_ms, self.away_ms = {}, 0, 0
        return [self.told]

    def _end(self, now: int) -> list[AlertEvent]:
        assert self.told is not None
        if now - self.told.at < STANDS_MS:
            return []
        over, self.told = msgspec.structs.replace(self.told, state="resolved", at=now, ended_at=now), None
        return [over]


def _would_have_fired(before: Entry, change: AlertEvent, rule: Rule) -> bool:
    """Whether an alert has ended unheard that had lasted long enough."""
    if change.feed != LIVE or change.reason != "cleared_before_firing" or not before.met or not rule.fresh_s:
        return False
    ended_at = change.ended_at or change.at
    return ended_at - before.held_since >= rule.for_s * 1000 and not rule.in_shadow(ended_at)


def _message(outage: Outage, now: int, source: str) -> AlertEvent:
    late_ms, number = outage.late_ms, len(outage.missed)
    minutes, rules = max(1, round(late_ms / 60_000)), ", ".join(sorted(set(outage.missed.values())))
    fingerprint = sha256(f"{RULE}\x1f{source}".encode()).hexdigest()[:16]
    would, are = ("alert would", "is") if number == 1 else ("alerts would", "are")
    return AlertEvent(
        fingerprint=fingerprint,
        episode=f"{fingerprint}-{outage.until}",
        rule=RULE,
        state="firing",
        reason="back_after_outage",
        severity="info",
        feed=LIVE,
        hotline="",
        at=now,
        started_at=now - late_ms,
        version=now,
        value=number,
        labels={"alertname": RULE, "severity": "info", "feed": LIVE},
        summary={
            "en": f"Back after {minutes} min: {number} {would} have fired and {are} over ({rules})",
            "zh": f"中断 {minutes} 分钟后恢复：期间本应触发 {number} 条告警，现已结束（{rules}）",
        },
    )
