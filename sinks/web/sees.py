"""Who may see what: a filter on hotline, centre, queue, department, category and district. Pure.

What cannot be cut down to what somebody may see is not shown to them: who may see two queues sees no figures by
category (those hold calls of all queues), and totals over the two queues only. The calls themselves carry every
dimension, so lists of calls are cut down by all of them.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from deploy.runtime.settings import Hotline, Settings
from sinks.web.kinds import KindSet, dimension_of
from streams.contract import AlertEvent, Signal

Names = frozenset[str] | None


class Sees(NamedTuple):
    """Allowed values of each dimension; None: all. A category stands for all below it, a district code for its parts."""

    hotlines: Names = None
    centres: Names = None
    queues: Names = None
    departments: Names = None
    categories: Names = None
    districts: Names = None

    @property
    def whole(self) -> bool:
        """Whether nothing of a hotline is hidden."""
        return self[1:] == (None,) * 5

    def hotline(self, hotline: str) -> bool:
        return self.hotlines is None or hotline in self.hotlines

    def queue(self, hotline: str, queue: str, config: Hotline) -> bool:
        """Whether the figures of a queue may be seen."""
        centre = config.queues[queue].centre if queue in config.queues else ""
        return (
            self.hotline(hotline)
            and self[3:] == (None, None, None)
            and (self.queues is None or queue in self.queues)
            and (self.centres is None or centre in self.centres)
        )

    def kind(self, hotline: str, kind: KindSet, value: str) -> bool:
        """Whether the figures of a category, district or department may be seen."""
        if not self.hotline(hotline) or self.queues is not None or self.centres is not None:
            return False
        limits = {"department": self.departments, "category": self.categories, "district": self.districts}
        own = limits.pop(dimension_of(kind))
        if any(limit is not None for limit in limits.values()):
            return False
        return own is None or any(within(dimension_of(kind), value, allowed) for allowed in own)

    def condition(self, found: AlertEvent | Signal, config: Hotline) -> bool:
        """Whether an alert or a signal may be seen; one of the whole hotline by those who may see all of it."""
        if found.queue:
            return self.queue(found.hotline, found.queue, config)
        if found.category:
            level = found.category.count("/") + 1
            kind = next(
                (name for name in ("category_1", "category_2", "category_3") if name.endswith(str(level))), None
            )
            return kind is not None and self.kind(found.hotline, kind, found.category)  # type: ignore[arg-type]
        return self.hotline(found.hotline) and self.whole

    def announcement(self, hotline: str, queue: str, settings: Settings) -> bool:
        """Whether an announced event may be seen: by who sees anything that it bears on."""
        return any(
            self.queue(one, queue, settings.hotline(one)) if queue else self.hotline(one)
            for one in ((hotline,) if hotline else settings.known_hotlines())
        )

    def announces(self, hotline: str, queue: str, settings: Settings) -> bool:
        """Whether all that an event bears on may be seen: else it is not theirs to announce."""
        if not hotline:
            return self == EVERYTHING
        return self.queue(hotline, queue, settings.hotline(hotline)) if queue else self.hotline(hotline) and self.whole

    def narrowed(self, queues: Collection[str]) -> "Sees":
        """The same, of these queues only."""
        chosen = frozenset(queues)
        return self._replace(queues=chosen if self.queues is None else self.queues & chosen)


EVERYTHING = Sees()


def within(dimension: str, value: str, allowed: str) -> bool:
    """Whether a value lies in an allowed one: below a path, or a part of a division (440300 holds 440305)."""
    if value == allowed:
        return True
    if dimension == "category":
        return value.startswith(f"{allowed}/")
    if dimension == "district":
        part = _division(allowed)
        return part is not None and value.isdecimal() and value.startswith(part)
    return False


def _division(code: str) -> str | None:
    """The digits that the parts of a division share: 440300 -> 4403, 440000 -> 44; None: it is no such code."""
    if len(code) != 6 or not code.isdecimal():
        return None
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code


def divisions(codes: Collection[str]) -> list[str]:
    """The beginnings of the codes that lie within these divisions."""
    return sorted(filter(None, map(_division, codes)))


def conditions(sees: Sees, config: Hotline) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions on `v_visits` that leave what may be seen, and their parameters."""
    where, parameters = [], {}
    queues = sees.queues
    if sees.centres is not None:
        of_centres = frozenset(q for q, queue in config.queues.items() if queue.centre in sees.centres)
        queues = of_centres if queues is None else queues & of_centres
    for name, column, values in (
        ("hotlines", "hotline", sees.hotlines),
        ("queues", "queue", queues),
        ("departments", "department", sees.departments),
    ):
        if values is not None:
            where.append(f"{column} IN {{may_{name}:Array(String)}}")
            parameters[f"may_{name}"] = sorted(values)
    if sees.categories is not None:
        # both readings must lie inside: the one it was counted under and the one it has now
        where += [
            f"arrayExists(c -> {column} = c OR startsWith({column}, concat(c, '/')), {{may_categories:Array(String)}})"
            for column in ("category", "category_counted")
        ]
        parameters["may_categories"] = sorted(sees.categories)
    if sees.districts is not None:
        where.append(
            "(district IN {may_districts:Array(String)} OR arrayExists(d -> startsWith(district, d), {may_divisions:Array(String)}))"
        )
        parameters["may_districts"] = sorted(sees.districts)
        parameters["may_divisions"] = divisions(sees.districts)
    return where, parameters
