"""What did not come: queues and hotlines that nobody calls, and demand below expectation, minute by minute.

Not where it cannot be seen, because a source is silent; and where nobody calls a hotline at all, that is told once and not
of each of its queues. Neither teaches what is usual.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from streams.contract import Signal
from streams.detection.demand import Demand
from streams.detection.feeds import SourceWatch
from streams.detection.keys import Key
from streams.detection.plan import Readiness, readiness
from streams.detection.rules import DetectionRules
from streams.detection.signals import Signals
from streams.detection.silence import Silence

Demands = Mapping[Key, Demand]


def judge(
    minute: int, demands: Demands, sources: Collection[SourceWatch], rules: DetectionRules, signals: Signals
) -> Iterator[Signal]:
    """Bring every key forward to the border where `minute` (ms) begins; what there is to tell."""
    blind = _blind(demands, sources)
    wholes = {key.hotline: key for key in demands if key.dimension_set == "hotline"}
    # by category it is known only when a call is over
    judged = sum(key.dimension_set != "category_1" for key in demands)
    for key, demand in sorted(demands.items()):
        whole = wholes.get(key.hotline)
        since = blind.get(key.hotline)
        silenced = False
        if since is None and whole is not None and whole != key:
            since = _silenced_since(key, demand, demands[whole].silence)
            silenced = since is not None
        if since is not None:
            demand.blind(minute, since)
        if key.dimension_set != "category_1":
            explained = partial(_explained, demands, key)
            changed = demand.judge_silence(minute, judged, rules.queue_silence, explained, silenced=silenced)
            if demand.silence.told and demand.silence.episode.due(minute, changed=changed):
                yield signals.silence(key, demand)
            changed = demand.judge_below(minute, judged, rules.demand)
            if demand.below.due(minute, changed=changed):
                yield signals.shortfall(key, demand)


def _blind(demands: Demands, sources: Collection[SourceWatch]) -> dict[str, int]:
    """Hotline -> since when (ms) a source of it is silent, if one is."""
    blind: dict[str, int] = {}
    for hotline in {key.hotline for key in demands}:
        silences = [it.status.silent_since for it in sources if it.blinds(hotline)]
        since = [at for at in silences if at is not None]
        if since:
            blind[hotline] = min(since)
    return blind


def _silenced_since(key: Key, demand: Demand, whole: Silence) -> int | None:
    """Since when (ms) a key lacks calls because nobody calls its hotline, whose silence is `whole`.

    None where that is not so, or the key is a queue whose own silence is what is told, or may be.
    """
    if not whole.gone:
        return None
    if key.dimension_set == "queue" and (demand.silence.gone or not whole.told):
        return None
    return whole.gone


def _explained(demands: Demands, key: Key) -> float:
    """The part of the calls missed by a hotline that is missed in queues whose silence is told, and in one more: the
    silence of a single queue is told as its own. Of a queue: nothing.
    """
    if key.dimension_set == "queue":
        return 0.0
    silence = demands[key].silence
    queues = [it for of, it in demands.items() if of.hotline == key.hotline and of.dimension_set == "queue"]
    missed = [_missed(it, silence) for it in queues]
    of_queues = sum(missed)
    if not of_queues:
        return 0.0
    told = sum(calls for calls, it in zip(missed, queues, strict=True) if it.silence.episode.active)
    one = max((calls for calls, it in zip(missed, queues, strict=True) if not it.silence.episode.active), default=0.0)
    with_queue = of_queues / max(of_queues, _missed(demands[key], silence))
    # in tenths: a hotline and its queues are learned apart, and differ by a few in a hundred
    return round(with_queue, 1) * (told + one) / of_queues


def _missed(demand: Demand, silence: Silence) -> float:
    """The usual calls of a silence, where enough was learned to tell of one."""
    if demand.curve is None or readiness(demand.plan) is not Readiness.READY:
        return 0.0
    return demand.curve.minutes(silence.since, silence.until)
