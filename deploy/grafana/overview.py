"""The dashboard "Hotline overview": now, today, the last hours, queues, days, alerts, what is left out, the engine."""

from deploy.grafana import queries
from deploy.grafana.parts import (
    Json,
    annotation,
    dashboard,
    override,
    promql_target,
    pushed_annotations,
    query_variable,
    rows,
    sql_target,
    stat,
    table,
    thresholds,
    timeseries,
)

UID = "hotline-overview"

_SHARE: Json = {"unit": "percentunit", "decimals": 1}
_SECONDS: Json = {"unit": "s", "decimals": 0}


def _variables() -> list[Json]:
    return [
        query_variable(
            "feed",
            "Feed",
            queries.FEEDS,
            current="live",
            description="live, or a replay or simulation; nothing filters the feed silently.",
        ),
        query_variable("hotline", "Hotline", queries.HOTLINES),
        query_variable("queue", "Queue", queries.QUEUE_NAMES, multi=True),
        query_variable(
            "threshold_s",
            "Within X s",
            queries.THRESHOLDS,
            description="X of the service level, seconds, inclusive. The promised one comes first.",
        ),
    ]


def _now() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            "Waiting",
            "Visits queued at the newest instant of the time range.",
            sql_target(queries.gauge("waiting")),
        ),
        stat(
            "Waiting past threshold",
            "Of those waiting, the ones that wait longer than the promised threshold.",
            sql_target(queries.gauge("waiting_over_threshold")),
            colors=thresholds("green", (1, "orange"), (5, "red")),
        ),
        stat(
            "Oldest wait",
            "Now minus queued, of the visit that waits longest. A dash: nobody waits.",
            sql_target(queries.gauge("oldest_wait_s")),
            **_SECONDS,
        ),
        stat(
            "In service",
            "Visits being answered at that instant.",
            sql_target(queries.gauge("in_service")),
        ),
        stat(
            "Data as of",
            "The lowest partition clock: everything appended before it is in these numbers.",
            sql_target(queries.gauge("toUnixTimestamp64Milli(at)")),
            unit="dateTimeFromNow",
        ),
        stat(
            "Alerts firing",
            "Episodes whose last state is firing.",
            sql_target(queries.ALERTS_FIRING),
            colors=thresholds("green", (1, "red")),
        ),
    ]
    return [(4, 4, panel) for panel in panels]


def _today() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            "Calls offered",
            "Calls that reached a queue on the local day the time range ends in.",
            sql_target(queries.today("calls_offered")),
        ),
        stat(
            "Answer rate (inbound)",
            "answered / (offered + ended in menu + blocked), of the day, by arrival.",
            sql_target(queries.today("answer_rate_inbound")),
            **_SHARE,
        ),
        stat(
            "Service level (offered)",
            "Visits answered within X / offered, of the day, by arrival; abandoned within X counts as a miss. "
            "X is the variable at the top.",
            sql_target(queries.SERVICE_LEVEL_TODAY),
            **_SHARE,
        ),
        stat(
            "Abandonment rate",
            "abandoned / offered, short abandons included, of the day, by arrival.",
            sql_target(queries.today("abandonment_rate")),
            **_SHARE,
        ),
        stat(
            "ASA",
            "Average speed of answer: mean wait of answered visits, zero waits included, of the day.",
            sql_target(queries.today("asa")),
            **_SECONDS,
        ),
        stat(
            "AHT",
            "Average handling time: mean talk + hold + after-call work of answered visits of the day.",
            sql_target(queries.today("aht")),
            **_SECONDS,
        ),
    ]
    return [(4, 4, panel) for panel in panels]


def _series(sql: str, *, ref: str = "A") -> Json:
    return sql_target(sql, result="timeseries", ref=ref)


def _demand() -> list[tuple[int, int, Json]]:
    bare = {"custom__lineWidth": 0, "custom__fillOpacity": 0, "custom__hideFrom": {"legend": True}}
    offered = timeseries(
        "Offered against expectation",
        "Visits queued per minute (mean over the step), by arrival, and what the demand model expected; the band is "
        "the model's 90 % range.",
        [_series(queries.OFFERED), _series(queries.EXPECTED, ref="B")],
        overrides=[
            override("lower end", **bare),
            override("upper end", **(bare | {"custom__fillBelowTo": "lower end", "custom__fillOpacity": 12})),
            override("expectation", custom__lineStyle={"fill": "dash"}, custom__fillOpacity=0),
        ],
    )
    level = timeseries(
        "Service level (offered)",
        "Visits answered within X / offered, by arrival, per step. X is the variable at the top. A gap: nothing was "
        "offered.",
        [_series(queries.SERVICE_LEVEL)],
        unit="percentunit",
        maximum=1,
        interval="5m",
    )
    return [(12, 8, offered), (12, 8, level)]


def _flow() -> list[tuple[int, int, Json]]:
    outcomes = timeseries(
        "Outcomes",
        "Visits per minute (mean over the step) by the minute of their outcome, not of their arrival.",
        [_series(queries.OUTCOMES)],
    )
    waits = timeseries(
        "Waits",
        "ASA: mean wait of answered visits, zero waits included. p90: nine in ten answered or abandoned visits waited "
        "at most this long (rank ceil(0.9 n), upper edge of its bucket). By arrival.",
        [_series(queries.WAITS)],
        unit="s",
        interval="5m",
    )
    return [(12, 8, outcomes), (12, 8, waits)]


def _queues_live() -> list[tuple[int, int, Json]]:
    waiting = timeseries(
        "Waiting by queue", "Visits queued; the most of each step.", [_series(queries.WAITING)], interval="10s"
    )
    oldest = timeseries(
        "Oldest wait by queue",
        "Age of the visit that waits longest; the highest of each step. A gap: nobody waited.",
        [_series(queries.OLDEST_WAIT)],
        unit="s",
        interval="10s",
    )
    return [(12, 8, waiting), (12, 8, oldest)]


def _queue_table() -> list[tuple[int, int, Json]]:
    queues = table(
        "Queues in the time range",
        "Visits by arrival. Service level: answered within X / offered. Answer rate: answered / offered. ASA: mean "
        "wait of answered visits. p90: of answered and abandoned visits. AHT: mean talk + hold + after-call work.",
        sql_target(queries.QUEUE_TABLE),
        overrides=[
            *(override(name, **_SHARE) for name in ("Service level", "Answer rate")),
            *(override(name, **_SECONDS) for name in ("ASA", "p90", "AHT")),
        ],
    )
    return [(24, 9, queues)]


def _days() -> list[tuple[int, int, Json]]:
    days = table(
        "Days in the time range",
        "Local days of the hotline's own time zone. Calls: a call with several visits counts once. Threshold and "
        "service level are the promised ones; the ratios are those of v_hotline_daily.",
        sql_target(queries.DAY_TABLE),
        overrides=[
            *(override(name, **_SHARE) for name in ("Answer rate (inbound)", "Service level (offered)")),
            *(override(name, **_SECONDS) for name in ("Threshold", "ASA")),
        ],
    )
    by_queue = table(
        "Queues by day",
        "v_daily: each queue and local day; the promised threshold; ratios of the day's sums.",
        sql_target(queries.QUEUE_DAYS),
        overrides=[
            *(override(name, **_SHARE) for name in ("Service level (offered)", "Answer rate (offered)")),
            override("ASA", **_SECONDS),
        ],
    )
    return [(12, 8, days), (12, 8, by_queue)]


def _alerts() -> list[tuple[int, int, Json]]:
    alerts = table(
        "Alerts",
        "One line per episode that began in the time range: its last state and why it got there.",
        sql_target(queries.ALERT_TABLE),
    )
    signals = table(
        "Signals that hold",
        "Conditions the engine saw at the end of the time range, whether or not a rule makes an alert of them. Value: "
        "visits, a fraction for the service level, or visits waiting past the threshold.",
        sql_target(queries.SIGNAL_TABLE),
    )
    return [(12, 8, alerts), (12, 8, signals)]


def _left_out() -> list[tuple[int, int, Json]]:
    unread = table(
        "Could not be read",
        "Events that were refused, by the time the broker took them; the record itself stays in the input topic only. "
        "The feed of such a record is often unknown, so this table holds those of every feed.",
        sql_target(queries.DEAD_LETTERS),
    )
    late = timeseries(
        "Too late",
        "Readable events appended later than the allowed lateness after they happened: kept, counted, in no cell.",
        [_series(queries.LATE_EVENTS)],
    )
    return [(12, 8, unread), (12, 8, late)]


def _engine() -> list[tuple[int, int, Json]]:
    panels = [
        timeseries(
            "Processes",
            "1: Prometheus reached the process at its last visit. 0: it did not.",
            [promql_target('up{job="hotline"}', "{{process}}")],
            maximum=1,
        ),
        timeseries(
            "Records not yet applied",
            "Records appended and not applied, by topic, over all partitions.",
            [promql_target("sum by (process, topic) (hotline_engine_lag)", "{{process}} {{topic}}")],
        ),
        timeseries(
            "Behind wall time",
            "Wall time minus the lowest partition clock: how old the numbers are.",
            [promql_target('time() - min(hotline_engine_clock_seconds{topic="hotline.calls"} > 0)', "behind")],
            unit="s",
        ),
    ]
    return [(8, 7, panel) for panel in panels]


def overview() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return dashboard(
        UID,
        "Hotline overview",
        "What a supervisor asks first. Every panel's description holds the definition of its numbers.",
        variables=_variables(),
        annotations=[pushed_annotations(), annotation("Alerts", queries.ALERT_MARKS, color="red")],
        panels=rows(
            ("Now", [_now()]),
            ("Today", [_today()]),
            ("The last hours", [_demand(), _flow()]),
            ("Queues", [_queues_live(), _queue_table()]),
            ("Days", [_days()]),
            ("Alerts and signals", [_alerts()]),
            ("What is not in the numbers", [_left_out()]),
            ("The engine", [_engine()]),
        ),
    )
