"""Every query of every dashboard, and what Grafana would send of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from plugin_macros import expand

from deploy.grafana.generate import dashboards
from deploy.grafana.words import Language


class Panel(NamedTuple):
    """A query of a dashboard; `queue`: whether its dashboard is about one queue or about several."""

    board: str
    title: str
    ref: str
    sql: str
    interval_s: int
    one_queue: bool

    @property
    def name(self) -> str:
        return f"{self.board.removesuffix('.json')} {self.title} {self.ref}"


def panels(language: Language = "en") -> Iterator[Panel]:
    for name, board in dashboards(language).items():
        one_queue = name == "hotline-queue.json"
        for panel in board["panels"]:
            interval = panel.get("interval", "1m")
            seconds = int(interval[:-1]) * {"s": 1, "m": 60}[interval[-1]]
            for target in panel.get("targets", ()):
                if "rawSql" in target:
                    yield Panel(name, panel["title"], target["refId"], target["rawSql"], seconds, one_queue)
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield Panel(name, f"${variable['name']}", "A", variable["query"]["rawSql"], 60, one_queue)
        for marks in board["annotations"]["list"]:
            if "rawSql" in marks["target"]:
                yield Panel(name, marks["name"], "Anno", marks["target"]["rawSql"], 60, one_queue)


def told_apart() -> dict[str, Panel]:
    """Every query once, under the first dashboard that asks it; of two panels of one name the second has a number."""
    first: dict[tuple[str, int, bool], Panel] = {}
    for panel in panels():
        first.setdefault((panel.sql, panel.interval_s, panel.one_queue), panel)
    found: dict[str, Panel] = {}
    for panel in first.values():
        found[panel.name if panel.name not in found else f"{panel.name} 2"] = panel
    assert len(found) == len(first)
    return found


def expanded(panel: Panel, span: tuple[int, int], **variables: str | Sequence[str]) -> str:
    """Its SQL for a time range (epoch ms, both included)."""
    start, end = (datetime.fromtimestamp(at / 1000, UTC) for at in span)
    return expand(panel.sql, start=start, end=end, interval_s=panel.interval_s, variables=variables)
