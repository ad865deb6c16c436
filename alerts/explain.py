"""A rule in words, for whoever has to trust it."""

from collections.abc import Iterator

from alerts.expressions import AllOf, AnyOf, Comparison, Limit, Node, written
from alerts.rules import Rule
from deploy.runtime.plurals import so_many


def explain(rule: Rule) -> list[str]:
    """The rule as sentences, one per line."""
    lines = [f"{rule.name} ({rule.severity}) looks at {_keys(rule)}."]
    if rule.expression is not None:
        lines += ["It holds when", *(f"  {line}" for line in _node(rule.expression))]
    else:
        lines += [f"It holds while the signal {rule.signal} is active"]
        lines += [f"  and its {limit.measure} is {_limit(limit, '')}" for limit in rule.when]
    if rule.min_volume:
        lines.append(f"  and, to begin, it stands on at least {so_many(rule.min_volume, 'visit')}")
    if rule.schedule:
        times = rule.schedule
        span = f"{times.begin:%H:%M}-{times.end:%H:%M}" if times.begin != times.end else "all day"
        lines.append(f"  and it is {'/'.join(times.days)}, {span} in {times.time_zone}.")
    lines.append(f"It fires {f'once that has lasted {rule.for_s} s' if rule.for_s else 'at once'}")
    gone = f"once it has been gone for {rule.keep_firing_s} s" if rule.keep_firing_s else "as soon as it is gone"
    lines.append(f"and is over {gone}.")
    for step in rule.steps:
        conditions = [f"it has lasted {step.after_s} s"] if step.after_s else []
        conditions += [f"{limit.measure} is {_limit(limit, '')}" for limit in step.when]
        conditions += [" ".join(_node(step.expression))] if step.expression else []
        lines.append(f"It becomes {step.severity} once {' and '.join(conditions)}.")
    if rule.shadow_until:
        lines.append(f"Until {rule.shadow_until.isoformat()} it tells nobody: it is only written down.")
    if rule.fresh_s:
        lines.append(f"What is known only {rule.fresh_s} s late wakes nobody.")
    lines += [f"Owner: {rule.owner}."] if rule.owner else []
    lines += [f"What to do: {rule.runbook}"] if rule.runbook else []
    return lines


def _keys(rule: Rule) -> str:
    told = {name: getattr(rule.match, name) for name in rule.match.model_fields_set if getattr(rule.match, name)}
    if not told:
        return "every key"
    return ", ".join(f"{name} {' or '.join(repr(p) for p in patterns)}" for name, patterns in sorted(told.items()))


def _node(node: Node) -> Iterator[str]:
    match node:
        case AllOf(all=parts) | AnyOf(any=parts):
            yield "all of these hold:" if isinstance(node, AllOf) else "any of these holds:"
            for part in parts:
                for line in _node(part):
                    yield f"  {line}"
        case _:
            yield _comparison(node)


def _comparison(comparison: Comparison) -> str:
    span = "now" if comparison.window == "now" else f"of {comparison.window}"
    reference = (comparison.reference or "").replace("_", " ")
    subject = f"{comparison.metric} {span}"
    if comparison.of:
        subject = f"{subject} / {reference}"
    elif comparison.minus:
        subject = f"{subject} - {reference}"
    metric = "" if comparison.of else comparison.metric
    enough = f" (of at least {so_many(comparison.min_volume, 'visit')})" if comparison.min_volume else ""
    return f"{subject} is {_limit(comparison, metric)}{enough}"


def _limit(limit: Limit, metric: str) -> str:
    def number(value: float) -> str:
        return written(value, metric)

    if limit.above is not None:
        back = f", until below {number(limit.clear_below)}" if limit.clear_below is not None else ""
        return f"at least {number(limit.above)}{back}"
    back = f", until above {number(limit.clear_above)}" if limit.clear_above is not None else ""
    return f"at most {number(limit.bound)}{back}"
