"""One alert rule under several limits: what it would take to be told less, or more."""

from collections.abc import Sequence
from typing import NamedTuple

from alerts.expressions import AllOf, AnyOf, Comparison, Limit, Node, comparisons
from alerts.measures import FRACTIONS
from alerts.rules import Rule, Threshold

FACTORS = (0.5, 0.65, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
"""How far from where nothing is wrong a limit is tried, as a multiple of how far it is written."""


class Variant(NamedTuple):
    """A rule with the bound of its first limit moved to `bound`."""

    bound: float
    rule: Rule


def first_limit(rule: Rule) -> Comparison | Threshold | None:
    """The limit of a rule that is varied: its first one; None for a rule that rests on its signal alone."""
    if rule.expression is not None:
        return next(comparisons(rule.expression))
    return rule.when[0] if rule.when else None


def named(limit: Comparison | Threshold) -> str:
    """Which limit that is, in the words of the rule's file."""
    side = "above" if limit.above is not None else "below"
    if isinstance(limit, Threshold):
        return f"{limit.measure} {side}"
    against = f" of {limit.of}" if limit.of else f" minus {limit.minus}" if limit.minus else ""
    return f"{limit.metric} over {limit.window}{against} {side}"


def variants(rule: Rule) -> list[Variant]:
    """The rule under each limit that is tried, the strictest first, as written among them.

    None at all where there is no limit, or nothing to scale it by (a limit of 0).
    """
    limit = first_limit(rule)
    if limit is None or limit.bound == _neutral(limit):
        return []
    above = limit.above is not None
    bounds = {_moved(limit, factor) for factor in FACTORS}
    kept = [bound for bound in bounds if not (_is_share(limit) and not 0.0 < bound < 1.0)]
    return [Variant(bound, _with(rule, limit, bound)) for bound in sorted(kept, reverse=above)]


def _is_share(limit: Comparison | Threshold) -> bool:
    return isinstance(limit, Comparison) and limit.metric in FRACTIONS and limit.reference is None


def _neutral(limit: Comparison | Threshold) -> float:
    """Where nothing is wrong: a ratio of 1, a share of all that should be; else none."""
    is_ratio = limit.of is not None if isinstance(limit, Comparison) else limit.measure == "ratio"
    return 1.0 if is_ratio or (_is_share(limit) and limit.below is not None) else 0.0


def _moved(limit: Comparison | Threshold, factor: float) -> float:
    neutral, bound = _neutral(limit), limit.bound
    if limit.below is not None and bound > neutral:  # a count that should not be low: further away is lower
        return float(f"{neutral + (bound - neutral) / factor:.4g}")
    return float(f"{neutral + (bound - neutral) * factor:.4g}")


def _with(rule: Rule, limit: Comparison | Threshold, bound: float) -> Rule:
    """The rule with that limit at `bound`; where it clears moves along."""
    neutral = _neutral(limit)
    by = (bound - neutral) / (limit.bound - neutral)

    def along(number: float | None) -> float | None:
        return None if number is None else neutral + (number - neutral) * by

    moved = limit.model_copy(
        update={
            "above" if limit.above is not None else "below": bound,
            "clear_below": along(limit.clear_below),
            "clear_above": along(limit.clear_above),
        }
    )
    if isinstance(moved, Threshold):
        return rule.model_copy(update={"when": (moved, *rule.when[1:])})
    assert rule.expression is not None
    return rule.model_copy(update={"expression": _first_replaced(rule.expression, moved)})


def _first_replaced(node: Node, moved: Limit) -> Node:
    if isinstance(node, AllOf):
        return node.model_copy(update={"all": _head_replaced(node.all, moved)})
    if isinstance(node, AnyOf):
        return node.model_copy(update={"any": _head_replaced(node.any, moved)})
    assert isinstance(moved, Comparison)
    return moved


def _head_replaced(nodes: Sequence[Node], moved: Limit) -> tuple[Node, ...]:
    return (_first_replaced(nodes[0], moved), *nodes[1:])
