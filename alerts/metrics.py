"""What the alerts room tells Prometheus: its own work as counters, what is the case as gauges."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

DELIVERIES = Counter(
    "hotline_alerts_deliveries",
    "Attempts to tell a channel, by outcome (delivered, retry, failed) and reason (empty when delivered)",
    ("channel", "outcome", "reason"),
)
FIRING = Gauge("hotline_alerts_firing", "Alerts firing now", ("rule", "severity"))
HELD_BACK = Gauge(
    "hotline_alerts_held_back", "Alerts that would fire were their last signal not too old: are the clocks right?"
)
WAITING = Gauge("hotline_alerts_deliveries_waiting", "Alerts that a target has not accepted yet", ("target",))
OLDEST_WAITING = Gauge("hotline_alerts_oldest_waiting_seconds", "Age of the oldest of them", ("target",))
OVERTAKEN = Gauge(
    "hotline_alerts_deliveries_overtaken", "Alerts not told because they were over before the first try, since start"
)
IGNORED = Gauge(
    "hotline_alerts_signals_ignored",
    "Signals that changed nothing, by reason, since the start of the process",
    ("reason",),
)
UNREADABLE = Gauge(
    "hotline_alerts_records_unreadable",
    "Records of hotline.cells and hotline.alerts that could not be read and were passed over, since the start",
    ("topic",),
)
PAGES = Counter(
    "hotline_alerts_pages",
    "Messages to people tried, by what they tell (first, escalated, overdue, louder, repeated, resolved), outcome and reason",
    ("channel", "why", "outcome", "reason"),
)
STANDING = Gauge(
    "hotline_alerts_standing",
    "Firing alerts by what people know: told, acknowledged, waiting, or why nobody is told",
    ("standing",),
)
ON_CALL = Gauge("hotline_alerts_on_call", "1: whom an on-call schedule means now", ("schedule", "receiver"))
PAGES_WAITING = Gauge("hotline_alerts_pages_waiting", "Messages that no channel has taken yet", ("receiver",))
HEARTBEATS = Counter(
    "hotline_alerts_heartbeats",
    "Beats of the dead man's switch, by where to (url, alertmanager) and outcome",
    ("to", "outcome"),
)
RULES = Gauge("hotline_alerts_rules", "Alert rules in force")
RULES_PROBLEM = Gauge(
    "hotline_alerts_rules_problem",
    "1 while the rules' file cannot be used and the earlier rules stay in force; why",
    ("problem",),
)


def show_on_call(on_call: Mapping[str, str]) -> None:
    """Set who is on call: schedule -> receiver."""
    ON_CALL.clear()
    for schedule, receiver in on_call.items():
        ON_CALL.labels(schedule, receiver).set(1)


def show_firing(firing: Mapping[tuple[str, str], int]) -> None:
    """Set the gauge of firing alerts: (rule, severity) -> how many; what is not named is not firing."""
    FIRING.clear()
    for (rule, severity), count in firing.items():
        FIRING.labels(rule, severity).set(count)
