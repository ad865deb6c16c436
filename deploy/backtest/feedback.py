"""What people said of a rule's alerts, held against what the rule would tell as it is tried now."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from clickhouse_connect.driver.client import Client

from deploy.backtest.play import Fired

Advice = Literal["nothing_said", "loses_useful", "mostly_noise", "better", "as_before"]

ENOUGH = 0.5
"""A rule whose alerts are noise more often than this is worth being made stricter."""
IN_WORDS: dict[Advice, str] = {
    "nothing_said": "nobody has judged an alert of this rule in these days (hotline alerts feedback, or on the board)",
    "loses_useful": "suggested: make it looser: alerts that somebody called useful would not be told",
    "mostly_noise": "suggested: make it stricter (threshold, for_s, min_volume) and try it here with --rules FILE",
    "better": "suggested: take it: less noise, and nothing useful is lost",
    "as_before": "suggested: leave it",
}

_QUERY = """
SELECT toUnixTimestamp64Milli(started_at) AS begin, toUnixTimestamp64Milli(ifNull(resolved_at, fired_at)) AS end,
       queue, category, verdict
FROM v_alert_history
WHERE feed = {feed:String} AND hotline = {hotline:String} AND rule = {rule:String} AND verdict != ''
  AND started_at >= fromUnixTimestamp64Milli({start:Int64}) AND started_at < fromUnixTimestamp64Milli({end:Int64})
ORDER BY started_at, fingerprint
"""


class Judged(NamedTuple):
    """An alert that was told and judged: [begin, end] ms, of which key, as useful, noise or missed (it came too late)."""

    begin: int
    end: int
    queue: str
    category: str
    verdict: str

    def told_by(self, fired: Sequence[Fired]) -> bool:
        """Whether one of these alarms is of the same key at the same time."""
        return any(
            (it.queue, it.category) == (self.queue, self.category)
            and it.since <= self.end
            and (it.until is None or it.until >= self.begin)
            for it in fired
        )


class Feedback(NamedTuple):
    """Alerts by verdict: how many there were (`said`), and how many of them would be told now (`told`)."""

    said: dict[str, int]
    told: dict[str, int]

    @property
    def advice(self) -> Advice:
        if not self.said:
            return "nothing_said"
        if self.told.get("useful", 0) < self.said.get("useful", 0):
            return "loses_useful"
        right = precision(self.told)
        if right is not None and right < ENOUGH:
            return "mostly_noise"
        return "better" if self.told.get("noise", 0) < self.said.get("noise", 0) else "as_before"

    def in_words(self) -> list[str]:
        """Two lines and a suggestion, or one where nobody has said anything."""
        if not self.said:
            return [IN_WORDS[self.advice]]
        return [
            f"people said: {_counted(self.said)}",
            f"as it is tried it tells of them: {_counted(self.told)}",
            IN_WORDS[self.advice],
        ]


def judged_alerts(client: Client, feed: str, hotline: str, rule: str, days: tuple[int, int]) -> list[Judged]:
    """The alerts of a rule that began in `days` ([start, end) ms) and that somebody has judged."""
    asked = {"feed": feed, "hotline": hotline, "rule": rule, "start": days[0], "end": days[1]}
    return [Judged(*row) for row in client.query(_QUERY, asked).result_rows]


def feedback(judged: Sequence[Judged], fired: Sequence[Fired]) -> Feedback:
    """Hold what was judged against what would fire."""
    told = (it.verdict for it in judged if it.told_by(fired))
    return Feedback(dict(Counter(it.verdict for it in judged)), dict(Counter(told)))


def precision(counts: dict[str, int]) -> float | None:
    """useful / (useful + noise); None where there is neither."""
    right, wrong = counts.get("useful", 0), counts.get("noise", 0)
    return right / (right + wrong) if right + wrong else None


def _counted(counts: dict[str, int]) -> str:
    right = precision(counts)
    told = ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in ("useful", "noise", "missed"))
    return told if right is None else f"{told} ({right:.0%} right)"
