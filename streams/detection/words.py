"""One sentence per language for each signal: where, what, how much, compared with what, since when."""

from deploy.runtime.settings import Hotline
from streams.detection.calendar import clock_text
from streams.detection.keys import Key

Sentences = dict[str, str]


def place(key: Key, hotline: Hotline) -> Sentences:
    """The name people know the key by."""
    line = {language: hotline.name.get(language) or hotline.name.get("en") or key.hotline for language in ("en", "zh")}
    if key.dimension_set == "queue":
        queue = hotline.queues.get(key.queue)
        name = queue.name if queue else {}
        return {
            "en": f"{name.get('en') or key.queue} ({line['en']})",
            "zh": f"{line['zh']}·{name.get('zh') or name.get('en') or key.queue}",
        }
    if key.dimension_set == "category_1":
        return {"en": f"Category {key.category} ({line['en']})", "zh": f"{line['zh']}·类别“{key.category}”"}
    return line


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


def demand(where: Sentences, hotline: Hotline, *, since: int, start: int, count: int, expected: float) -> Sentences:
    """`count` calls since `start` (the episode's beginning, or an hour ago) where about `expected` were expected."""
    zone = hotline.zone
    ratio = times(count / max(expected, 1.0))
    began, of = clock_text(since, zone), about(expected)
    if start > since:
        return {
            "en": f"{where['en']}: {count} calls in the last hour, {ratio} times the expected {of}; since {began}.",
            "zh": f"{where['zh']}：近一小时来电 {count} 个，为预期（约 {of} 个）的 {ratio} 倍；始于 {began}。",
        }
    return {
        "en": f"{where['en']}: {count} calls since {began}, {ratio} times the expected {of}.",
        "zh": f"{where['zh']}：{began} 以来来电 {count} 个，为预期（约 {of} 个）的 {ratio} 倍。",
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
    began, minutes = clock_text(since, hotline.zone), max(1, window_s // 60)
    share, goal = f"{met / max(judged, 1):.0%}", f"{target:.0%}"
    return {
        "en": f"{where['en']}: {share} of {judged} calls answered within {threshold_s} s in the last {minutes} min, "
        f"target {goal}; since {began}.",
        "zh": f"{where['zh']}：近 {minutes} 分钟 {judged} 个来电中 {share} 在 {threshold_s} 秒内接通，目标 {goal}；始于 {began}。",
    }


def waiting(
    where: Sentences, hotline: Hotline, *, since: int, over: int, threshold_s: int, oldest: int | None
) -> Sentences:
    began = clock_text(since, hotline.zone)
    longest = f", the longest since {clock_text(oldest, hotline.zone)}" if oldest else ""
    longest_zh = f"，最久的自 {clock_text(oldest, hotline.zone)} 起" if oldest else ""
    callers = "caller has" if over == 1 else "callers have"
    return {
        "en": f"{where['en']}: {over} {callers} been waiting longer than {threshold_s} s{longest}; since {began}.",
        "zh": f"{where['zh']}：{over} 人等待超过 {threshold_s} 秒{longest_zh}；始于 {began}。",
    }


_OVER = {
    "demand_above_expectation": ("calls are back to what is expected", "来电量恢复到预期水平"),
    "service_level_under_target": ("the service level is no longer under target", "服务水平不再低于目标"),
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
