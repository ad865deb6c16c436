"""`/api/v1/day`: one local day of a key on one time axis: visits per 5 minutes, the forecast, the service level. Pure."""

from collections.abc import Mapping
from typing import Any

from deploy.runtime.settings import Settings
from sinks.web.board import Key
from sinks.web.expected import bands
from sinks.web.limited_board import Readable, events_of_day
from sinks.web.snapshot import SPARK_MS, band_of
from sinks.web.summary import given_of, hotline_of, queue_of
from streams.contract.cells import MINUTE_MS
from streams.contract.local_days import local_day
from streams.contract.metrics import service_level_event

PARAMETERS = ("hotline", "queue")


def day(parameters: Mapping[str, str], board: Readable, settings: Settings, now: int) -> dict[str, Any]:
    """Cells of today; what is not known (yet) is None. Raises BadRequestError."""
    given = given_of(parameters, PARAMETERS)
    hotline = hotline_of(given, board, settings)
    queue = queue_of(given, hotline, board)
    config, key = settings.hotline(hotline), Key(hotline, queue)
    clock = board.clock or now
    today = local_day(clock, config.zone)
    edges = [(start, start + SPARK_MS) for start in range(today.start, today.end, SPARK_MS)]
    threshold_s = config.thresholds(queue or "")[0]
    offered: list[int | None] = []
    met: list[int | None] = []
    judged: list[int | None] = []
    for start, end in edges:
        if board.since is None or end <= board.since or start > clock:
            for unknown in (offered, met, judged):
                unknown.append(None)
            continue
        counts = board.window(key, start, min(end, clock + MINUTE_MS))
        good, of = service_level_event(counts, threshold_s)
        offered.append(counts.get("offered", 0))
        met.append(good)
        judged.append(of)
    shown = [*board.firing(hotline), *(a for a in board.alerts.values() if a.ended_at and a.hotline == hotline)]
    return {
        "hotline": hotline,
        "queue": queue,
        "time_zone": config.time_zone,
        "start": today.start,
        "end": today.end,
        "step_s": SPARK_MS // 1000,
        "data_as_of": board.clock,
        "threshold_s": threshold_s,
        "target": config.target_at(queue or "", clock),
        "targets": [config.target_at(queue or "", start) for start, _ in edges],
        "offered": offered,
        "met": met,
        "judged": judged,
        **band_of(bands(board.forecasts.get(key, {}), edges)),
        "events": events_of_day(board.events(), hotline, queue, today.start, today.end),
        "alerts": [
            {"rule": a.rule, "severity": a.severity, "since": a.started_at, "until": a.ended_at}
            for a in shown
            if a.queue == (queue or "") and not a.category and today.start <= a.started_at < today.end
        ],
    }
