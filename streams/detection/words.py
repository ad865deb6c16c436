"""One sentence per language for each signal: where, what, how much, compared with what, since when."""

import unicodedata
from collections.abc import Mapping, Sequence

from deploy.runtime.settings import Hotline
from streams.detection.calendar import clock_text
from streams.detection.keys import Key
from streams.detection.service import Spent

Sentences = dict[str, str]


def place(key: Key, hotline: Hotline) -> Sentences:
    """The name people know the key by."""
    if key.dimension_set == "source" and not key.more and not key.queue:
        return {"en": key.source, "zh": key.source}
    line = {language: hotline.name.get(language) or hotline.name.get("en") or key.hotline for language in ("en", "zh")}
    if key.dimension_set == "queue":
        queue = hotline.queues.get(key.queue)
        name = queue.name if queue else {}
        return {
            "en": f"{name.get('en') or key.queue} ({line['en']})",
            "zh": f"{line['zh']}·{name.get('zh') or name.get('en') or key.queue}",
        }
    if key.dimension_set == "category_1":
        name = _name_of("category", key.category, hotline)
        return {"en": f"Category {name['en']} ({line['en']})", "zh": f"{line['zh']}·类别“{name['zh']}”"}
    if key.dimension_set == "hotline":
        return line
    told = (("queue", key.queue), ("category", key.category), ("source", key.source), *key.more)
    name = slice_name([pair for pair in told if pair[1]], hotline)
    return {"en": f"{name['en'][:1].upper()}{name['en'][1:]} ({line['en']})", "zh": f"{line['zh']}·{name['zh']}"}


_DIMENSIONS_ZH = {
    "queue": "队列",
    "category": "类别",
    "district": "区域",
    "source": "来源",
    "channel": "渠道",
    "centre": "中心",
    "department": "部门",
    "language": "语言",
}


def _name_of(dimension: str, value: str, hotline: Hotline) -> Sentences:
    """What people call a value: a queue by its name, a category or district by its label, else as it came."""
    queue = hotline.queues.get(value)
    name = (queue.name if queue else {}) if dimension == "queue" else hotline.labels.get(value, {})
    english = name.get("en") or value
    return {"en": english, "zh": name.get("zh") or english}


def slice_name(values: Sequence[tuple[str, str]], hotline: Hotline) -> Sentences:
    """A slice as people say it: `category water, district 440305`."""
    english, chinese = [], []
    for dimension, value in values:
        name = _name_of(dimension, value, hotline)
        english.append(f"{dimension} {name['en']}")
        chinese.append(f"{_DIMENSIONS_ZH.get(dimension, dimension)}“{name['zh']}”")
    return {"en": ", ".join(english), "zh": "、".join(chinese)}


def explained(parts: Sequence[tuple[Sentences, float]]) -> Sentences:
    """What a departure is made of, each with its share; nothing where nothing explains it."""
    if not parts:
        return {}
    english = "; ".join(f"{name['en']} explains {share:.0%}" for name, share in parts)
    chinese = "；".join(f"{name['zh']}占 {share:.0%}" for name, share in parts)
    return {"en": f" {english[:1].upper()}{english[1:]}.", "zh": f"其中{chinese}。"}


def concentration(
    where: Sentences, hotline: Hotline, *, since: int, minutes: int, count: int, expected: float, score: float
) -> Sentences:
    """More calls of one slice than its part of all calls; `score`: -log10 of the probability of so many by chance."""
    began, of, ratio = clock_text(since, hotline.zone), about(expected), times(count / max(expected, 1.0))
    odds = min(99, round(score))
    chance, chance_zh = (f"; chance alone 1 in 10^{odds}", f"；偶然概率 10^{odds} 分之一") if odds > 0 else ("", "")
    if not count:
        return {
            "en": f"{where['en']}: no call in {minutes} min, its usual part of all calls is {of}; since {began}.",
            "zh": f"{where['zh']}：{minutes} 分钟内没有来电，通常占比约 {of} 个；始于 {began}。",
        }
    return {
        "en": f"{where['en']}: {count} calls in {minutes} min, {ratio} times its usual part of all calls ({of}); "
        f"since {began}{chance}.",
        "zh": f"{where['zh']}：{minutes} 分钟内来电 {count} 个，为其通常占比（约 {of} 个）的 {ratio} 倍；始于 {began}{chance_zh}。",
    }


def about(number: float) -> str:
    """A number to two digits, and never finer than one."""
    if number < 1:
        return "<1"
    if number < 100:
        return str(round(number))
    scale = 10 ** (len(str(round(number))) - 2)
    return str(round(number / scale) * scale)


def times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else str(round(ratio))


def _expected(number: float) -> Sentences:
    if number < 1:
        return {"en": "less than 1 was expected", "zh": "预期不足 1 个"}
    return {"en": f"about {about(number)} were expected", "zh": f"预期约 {about(number)} 个"}


def demand(where: Sentences, hotline: Hotline, *, since: int, start: int, count: int, expected: float) -> Sentences:
    """`count` calls since `start` (the episode's beginning, or an hour ago) where about `expected` were expected."""
    zone = hotline.zone
    if not count:
        return shortfall(where, hotline, since=since, start=start, count=count, expected=expected)
    began, of, calls = clock_text(since, zone), _expected(expected), "1 call" if count == 1 else f"{count} calls"
    if expected >= 1:
        ratio, usual = times(count / expected), about(expected)
        of = {"en": f"{ratio} times the expected {usual}", "zh": f"为预期（约 {usual} 个）的 {ratio} 倍"}
    if start > since:
        return {
            "en": f"{where['en']}: {calls} in the last hour, {of['en']}; since {began}.",
            "zh": f"{where['zh']}：近一小时来电 {count} 个，{of['zh']}；始于 {began}。",
        }
    return {
        "en": f"{where['en']}: {calls} since {began}, {of['en']}.",
        "zh": f"{where['zh']}：{began} 以来来电 {count} 个，{of['zh']}。",
    }


YOUNG: Sentences = {
    "en": " It is too new to know its usual day: compared with the hour before.",
    "zh": "开通不久，尚无往日可比，按此前一小时估计。",
}


def announced(events: Sequence[tuple[str, float]]) -> Sentences:
    """The events that were announced for that time, each with how many times the usual calls it was to bring."""
    if not events:
        return {}
    named = [(isolated(name), factor) for name, factor in events]
    english = [name if factor == 1.0 else f"{name} (x{times(factor)} expected)" for name, factor in named]
    chinese = [f"“{name}”" if factor == 1.0 else f"“{name}”（预计 {times(factor)} 倍）" for name, factor in named]
    return {"en": f" Announced: {', '.join(english)}.", "zh": f"已预告：{'、'.join(chinese)}。"}


def isolated(name: str) -> str:
    """Somebody's words inside a sentence: letters from right to left turn nothing around them."""
    turning = any(unicodedata.bidirectional(letter) in {"R", "AL", "AN"} for letter in name)
    return f"\u2068{name}\u2069" if turning else name


def holiday(names: Mapping[str, str]) -> Sentences:
    """That it is a public holiday, of which a day like a Sunday is expected; `names` by language, none: it is not."""
    if not names:
        return {}
    return {
        "en": f" A Sunday's calls were expected: it is {names['en']}.",
        "zh": f"当日为{names['zh']}，按周日预期。",
    }


def service(
    where: Sentences,
    hotline: Hotline,
    *,
    since: int,
    met: int,
    judged: int,
    threshold_s: int,
    target: float,
    window_s: int,
) -> Sentences:
    began, minutes, goal = clock_text(since, hotline.zone), max(1, window_s // 60), f"{target:.0%}"
    if not judged:
        promised, promised_zh = f"target: {goal} within {threshold_s} s", f"目标：{threshold_s} 秒内接通 {goal}"
        return _nothing(where, span(window_s), began, promised, promised_zh)
    share = f"{met / judged:.0%}"
    return {
        "en": f"{where['en']}: {share} of {judged} calls answered within {threshold_s} s in the last {minutes} min, "
        f"target {goal}; since {began}.",
        "zh": f"{where['zh']}：近 {minutes} 分钟 {judged} 个来电中 {share} 在 {threshold_s} 秒内接通，目标 {goal}；始于 {began}。",
    }


def span(seconds: int) -> Sentences:
    """A length of time as people say it: `10 min`, `6 h`."""
    if seconds % 3600 == 0:
        return {"en": f"{seconds // 3600} h", "zh": f"{seconds // 3600} 小时"}
    return {"en": f"{max(1, seconds // 60)} min", "zh": f"{max(1, seconds // 60)} 分钟"}


def _nothing(where: Sentences, over: Sentences, began: str, promised: str, promised_zh: str) -> Sentences:
    """That no call is left in the window of a condition that is not over yet: a share of nothing is none."""
    return {
        "en": f"{where['en']}: no call to judge in the last {over['en']} ({promised}); since {began}.",
        "zh": f"{where['zh']}：近 {over['zh']}没有可评定的来电（{promised_zh}）；始于 {began}。",
    }


def burn(
    where: Sentences,
    hotline: Hotline,
    *,
    since: int,
    spent: Spent,
    threshold_s: int,
    window_s: int,
    left: float | None,
    days: int,
) -> Sentences:
    """How fast the error budget burns; `left` of the budget of `days` days is a fraction, below 0: overspent."""
    began, over, rate = clock_text(since, hotline.zone), span(window_s), times(spent.burn)
    rest = rest_zh = ""
    if left is not None and left >= 0:
        rest, rest_zh = f"; {left:.0%} of its {days} days' budget is left", f"；{days} 天误差预算余 {left:.0%}"
    elif left is not None:
        rest, rest_zh = f"; its {days} days' budget is spent", f"；{days} 天误差预算已用尽"
    if not spent.judged:
        promised, promised_zh = f"promised: within {threshold_s} s{rest}", f"承诺 {threshold_s} 秒内接通{rest_zh}"
        return _nothing(where, over, began, promised, promised_zh)
    share, allowed = f"{spent.missed / spent.judged:.0%}", f"{spent.share_allowed:.0%}"
    return {
        "en": f"{where['en']}: {share} of {spent.judged} calls missed {threshold_s} s in the last {over['en']}, {rate} "
        f"times the {allowed} that may{rest}; since {began}.",
        "zh": f"{where['zh']}：近 {over['zh']} {spent.judged} 个来电中 {share} 未在 {threshold_s} 秒内接通，为允许值"
        f"（{allowed}）的 {rate} 倍{rest_zh}；始于 {began}。",
    }


def waiting(
    where: Sentences, hotline: Hotline, *, since: int, over: int, threshold_s: int, oldest: int | None
) -> Sentences:
    began = clock_text(since, hotline.zone)
    if not over:
        return {
            "en": f"{where['en']}: nobody waits longer than {threshold_s} s any more; it began at {began}.",
            "zh": f"{where['zh']}：已无人等待超过 {threshold_s} 秒；始于 {began}。",
        }
    longest = f", the longest since {clock_text(oldest, hotline.zone)}" if oldest else ""
    longest_zh = f"，最久的自 {clock_text(oldest, hotline.zone)} 起" if oldest else ""
    callers = "caller has" if over == 1 else "callers have"
    return {
        "en": f"{where['en']}: {over} {callers} been waiting longer than {threshold_s} s{longest}; since {began}.",
        "zh": f"{where['zh']}：{over} 人等待超过 {threshold_s} 秒{longest_zh}；始于 {began}。",
    }


def shortfall(where: Sentences, hotline: Hotline, *, since: int, start: int, count: int, expected: float) -> Sentences:
    """Only `count` calls since `start` (the episode's beginning, or an hour ago) where about `expected` were expected."""
    began, of = clock_text(since, hotline.zone), _expected(expected)
    calls = "only 1 call" if count == 1 else f"only {count} calls" if count else "no call"
    calls_zh = f"来电仅 {count} 个" if count else "没有来电"
    if start > since:
        return {
            "en": f"{where['en']}: {calls} in the last hour, {of['en']}; since {began}.",
            "zh": f"{where['zh']}：近一小时{calls_zh}，{of['zh']}；始于 {began}。",
        }
    return {
        "en": f"{where['en']}: {calls} since {began}, {of['en']}.",
        "zh": f"{where['zh']}：{began} 以来{calls_zh}，{of['zh']}。",
    }


def silence(where: Sentences, hotline: Hotline, *, since: int, expected: float) -> Sentences:
    began, of = clock_text(since, hotline.zone), _expected(expected)
    return {
        "en": f"{where['en']}: no call since {began}, {of['en']}.",
        "zh": f"{where['zh']}：{began} 以来没有来电，{of['zh']}。",
    }


_SHARES = {
    "abandonment_above_limit": ("calls abandoned", "个来电放弃"),
    "blocked_above_limit": ("calls blocked", "个来电未能接入"),
    "ring_no_answer": ("calls not answered by the agent they were given to", "个分配给座席的来电无人应答"),
}


def share(
    kind: str,
    where: Sentences,
    hotline: Hotline,
    *,
    since: int,
    part: int,
    whole: int,
    limit: float,
    minutes: int,
) -> Sentences:
    began, most = clock_text(since, hotline.zone), f"{limit:.1%}"
    english, chinese = _SHARES[kind]
    if not whole:
        promised, promised_zh = f"limit: {most} of {english}", f"{chinese.removeprefix('个')}上限 {most}"
        return _nothing(where, span(minutes * 60), began, promised, promised_zh)
    seen = f"{part / whole:.1%}"
    return {
        "en": f"{where['en']}: {part} of {whole} {english} in the last {minutes} min ({seen}, limit {most}); "
        f"since {began}.",
        "zh": f"{where['zh']}：近 {minutes} 分钟 {whole} 个中有 {part} {chinese}（{seen}，上限 {most}）；始于 {began}。",
    }


def answer_rate(
    where: Sentences,
    hotline: Hotline,
    *,
    since: int,
    answered: int,
    came: int,
    target: float,
    worst: tuple[float, int] | None,
) -> Sentences:
    """`worst`: the lowest rate of 24 h that ended today, and when (ms); None before a whole day was seen."""
    began, goal = clock_text(since, hotline.zone), f"{target:.1%}"
    lowest = f"; worst 24 h today: {worst[0]:.1%}, to {clock_text(worst[1], hotline.zone)}" if worst else ""
    lowest_zh = f"；今日最差24小时接通率 {worst[0]:.1%}（截至 {clock_text(worst[1], hotline.zone)}）" if worst else ""
    if not came:
        promised, promised_zh = f"target: {goal} answered{lowest}", f"目标：接通率 {goal}{lowest_zh}"
        return _nothing(where, span(86_400), began, promised, promised_zh)
    rate = f"{answered / came:.1%}"
    return {
        "en": f"{where['en']}: {rate} of {came} calls answered in the last 24 h, target {goal}{lowest}; since {began}.",
        "zh": f"{where['zh']}：近24小时接通率 {rate}（来电 {came} 个），目标 {goal}{lowest_zh}；始于 {began}。",
    }


def answer_rate_ahead(
    where: Sentences,
    hotline: Hotline,
    *,
    rate: float,
    recent: tuple[int, int],
    minutes: int,
    target: float,
    breach_at: int,
) -> Sentences:
    """`rate`: that of 24 h now; `recent`: (answered, came in) of the last `minutes` that are settled."""
    at, goal, (answered, came) = clock_text(breach_at, hotline.zone), f"{target:.1%}", recent
    lately = f"{answered / max(came, 1):.1%}"
    return {
        "en": f"{where['en']}: at this rate the 24 h answer rate, now {rate:.1%}, falls below {goal} at {at}; {lately} of "
        f"{came} calls were answered in {minutes} min.",
        "zh": f"{where['zh']}：照此下去，24小时接通率（现为 {rate:.1%}）将于 {at} 跌破 {goal}；{minutes} 分钟内来电 {came} 个，"
        f"接通 {lately}。",
    }


def agent_shortage(
    where: Sentences, hotline: Hotline, *, since: int, waiting: int, agents: int, available: int, on_break: int
) -> Sentences:
    began = clock_text(since, hotline.zone)
    callers = "1 caller waits" if waiting == 1 else f"{waiting} callers wait"
    if not waiting:
        return {
            "en": f"{where['en']}: nobody waits any more; it began at {began}.",
            "zh": f"{where['zh']}：已无人排队；始于 {began}。",
        }
    who = f"none of {agents} agents is available" if agents else "no agent is logged in"
    who_zh = f"{agents} 名座席均无空闲" if agents else "无座席在线"
    if available:
        who = f"{available} of {agents} agents {'is' if available == 1 else 'are'} available"
        who_zh = f"{agents} 名座席中 {available} 名空闲"
    if on_break:
        who, who_zh = f"{who} ({on_break} on a break)", f"{who_zh}（{on_break} 人小休）"
    return {
        "en": f"{where['en']}: {callers} and {who}; since {began}.",
        "zh": f"{where['zh']}：{waiting} 人排队，{who_zh}；始于 {began}。",
    }


def dead_feed(source: str, hotline: Hotline, *, since: int) -> Sentences:
    began = clock_text(since, hotline.zone)
    return {"en": f"No data since {began} from {source}.", "zh": f"{source} 自 {began} 起无数据。"}


def doubled_feed(source: str, hotline: Hotline, *, since: int, repeats: int, events: int) -> Sentences:
    began = clock_text(since, hotline.zone)
    if not repeats:
        return {
            "en": f"{source} seemed to send everything twice, and does not any more; it began at {began}. No figure is "
            "changed by it.",
            "zh": f"{source} 曾疑似重复发送，现已停止；始于 {began}。各项数字不受影响。",
        }
    return {
        "en": f"{source} seems to send everything twice: {repeats} of its last {events} records told nothing new; "
        f"since {began}. No figure is changed by it.",
        "zh": f"{source} 疑似重复发送：最近 {events} 条记录中 {repeats} 条为重复；始于 {began}。各项数字不受影响。",
    }


_OVER = {
    "demand_concentrated": ("back to its usual part of all calls", "恢复通常占比"),
    "demand_above_expectation": ("calls are back to what is expected", "来电量恢复到预期水平"),
    "service_level_under_target": ("the service level is no longer under target", "服务水平不再低于目标"),
    "demand_below_expectation": ("calls are back to what is expected", "来电量恢复到预期水平"),
    "queue_silence": ("calls come again, or cannot be seen", "恢复来电，或暂无法观测"),
    "abandonment_above_limit": ("abandonment is no longer above its limit", "放弃率不再超限"),
    "blocked_above_limit": ("blocked calls are no longer above their limit", "未接入率不再超限"),
    "ring_no_answer": ("agents answer again", "座席恢复应答"),
    "error_budget_fast_burn": ("the promise is no longer missed so often", "未达标比例回落"),
    "error_budget_slow_burn": ("the promise is no longer missed so often", "未达标比例回落"),
    "answer_rate_breach_predicted": ("the answer rate is no longer heading below target", "接通率不再有跌破目标之势"),
    "answer_rate_below_target": ("the answer rate is no longer under target", "接通率不再低于目标"),
    "no_agent_available": ("nobody waits without an agent any more", "不再有无座席可用的排队"),
    "dead_feed": ("data comes again", "数据恢复"),
    "doubled_feed": ("records no longer come twice", "不再重复发送"),
    "waiting_past_threshold": ("few or no callers wait past the threshold any more", "超时等待已基本消除"),
}


def over(kind: str, where: Sentences, hotline: Hotline, *, since: int, at: int) -> Sentences:
    """The sentence of a condition that has ended."""
    english, chinese = _OVER[kind]
    began, ended = clock_text(since, hotline.zone), clock_text(at, hotline.zone)
    return {
        "en": f"{where['en']}: {english} (from {began} to {ended}).",
        "zh": f"{where['zh']}：{chinese}（{began} 至 {ended}）。",
    }
