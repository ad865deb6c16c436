"""Which state a tile is in, and which of its figures is to blame. Pure decisions.

Red (breach) says that the service is bad (outlined: and that somebody has taken it on), violet (feed down) that we
cannot see, amber (watch) that it is close to it or that demand is unusual, grey (stale, no calls) that there is nothing
to judge.
"""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from streams.contract import AlertEvent, Signal, SignalKind

TileState = Literal["breach", "feed_down", "acknowledged", "watch", "ok", "no_calls", "stale", "maintenance"]
Blame = Literal[
    "service_level", "waiting", "demand", "abandonment", "answer_rate", "blocked", "agents", "feed", "figures"
]
ORDER: tuple[TileState, ...] = (
    "breach",
    "feed_down",
    "acknowledged",
    "watch",
    "ok",
    "stale",
    "no_calls",
    "maintenance",
)
_BLAMES: dict[SignalKind, Blame] = {
    "demand_above_expectation": "demand",
    "demand_below_expectation": "demand",
    "demand_concentrated": "demand",
    "queue_silence": "demand",
    "service_level_under_target": "service_level",
    "error_budget_fast_burn": "service_level",
    "error_budget_slow_burn": "service_level",
    "waiting_past_threshold": "waiting",
    "abandonment_above_limit": "abandonment",
    "answer_rate_below_target": "answer_rate",
    "answer_rate_breach_predicted": "answer_rate",
    "blocked_above_limit": "blocked",
    "no_agent_available": "agents",
    "ring_no_answer": "agents",
    "dead_feed": "feed",
    "doubled_feed": "feed",
}
_NOT_THE_SERVICE = frozenset({"demand", "feed", "figures"})
"""Unusual, but no breach unless somebody calls it critical."""
_TO_COME = frozenset({"error_budget_slow_burn", "answer_rate_breach_predicted"})
"""Where the service is heading, not how it is: no breach either."""
STALE_S = 15
WATCH_POINTS = 0.05
"""How near its target (a fraction) a service level is watched."""
WATCH_SHARE = 0.8
"""From this share of a limit on it is watched."""


class Figures(NamedTuple):
    """What a tile is judged by. `met` of `judged`: service level by event attribution; `target` None: nothing is promised
    at this hour.
    """

    met: int
    judged: int
    over_threshold: int
    quiet: bool
    target: float | None
    min_volume: int
    over_threshold_limit: int


class Verdict(NamedTuple):
    """`blame`: the figures to mark; `since`: when the breach began (ms)."""

    state: TileState
    blame: tuple[Blame, ...] = ()
    since: int | None = None


def kind_of(condition: AlertEvent | Signal) -> str:
    """The kind of signal a condition is about; empty: a rule over windows of cells."""
    return condition.kind if isinstance(condition, Signal) else condition.signal


def blame_of(condition: AlertEvent | Signal) -> Blame:
    """Which figure an alert or a signal is about; `figures`: a rule of somebody's own."""
    return next((blame for kind, blame in _BLAMES.items() if kind == kind_of(condition)), "figures")


def is_breach(condition: AlertEvent | Signal) -> bool:
    """Whether the condition says that the service is bad (or that somebody calls it critical)."""
    if isinstance(condition, AlertEvent) and condition.severity != "warning":
        return condition.severity == "critical"
    return blame_of(condition) not in _NOT_THE_SERVICE and kind_of(condition) not in _TO_COME


def watched(figures: Figures) -> tuple[Blame, ...]:
    """The figures that are close to a limit.

    With fewer visits than the promise is judged by, a low service level is watched only if at least as
    many visits as the waiting limit missed it: one call in a quiet hour is no warning.
    """
    found: list[Blame] = []
    missed = figures.judged - figures.met
    if figures.judged and figures.target is not None:
        level = figures.met / figures.judged
        enough = figures.judged >= figures.min_volume
        if (enough and level < figures.target + WATCH_POINTS and missed) or (
            not enough and level < figures.target and missed >= figures.over_threshold_limit
        ):
            found.append("service_level")
    if figures.over_threshold >= max(1, int(WATCH_SHARE * figures.over_threshold_limit)):
        found.append("waiting")
    return tuple(found)


def judge(
    figures: Figures,
    conditions: Sequence[AlertEvent | Signal],
    *,
    behind_s: int | None,
    down_since: int | None = None,
    owned: Collection[str] = (),
    held: bool = False,
) -> Verdict:
    """The state of a tile: what fires comes first, then whether we can see at all, then how close it is.

    `down_since`: since when no source has told anything (ms). What begins to fire after that rests on calls whose
    end was never told: it is our blindness, not the service's fault. `owned`: fingerprints of alerts that somebody has
    taken on; a breach of which each figure to blame is covered by one is `acknowledged`. `held`: everything of the
    queue is silenced, somebody works on it.
    """
    breaches = [condition for condition in conditions if is_breach(condition)]
    since = min((c.since if isinstance(c, Signal) else c.started_at for c in breaches), default=None)
    if down_since is not None and (since is None or since >= down_since):
        return Verdict("feed_down", ("feed",), down_since)
    if held:
        return Verdict("maintenance")
    if since is not None:
        blames = _unique([blame_of(c) for c in breaches])
        covered = {blame_of(c) for c in breaches if c.fingerprint in owned}
        fires = [c for c in breaches if isinstance(c, AlertEvent) and c.fingerprint not in owned]
        return Verdict("acknowledged" if covered.issuperset(blames) and not fires else "breach", blames, since)
    if behind_s is None or behind_s > STALE_S:
        return Verdict("stale")
    blame = _unique([blame_of(c) for c in conditions] + list(watched(figures)))
    if blame:
        return Verdict("watch", blame)
    return Verdict("no_calls" if figures.quiet else "ok")


def _unique(blames: Sequence[Blame]) -> tuple[Blame, ...]:
    return tuple(dict.fromkeys(blames))
