"""What all dashboards have in common: what can be chosen, where they lead, which marks they show."""

from collections.abc import Sequence

from deploy.grafana import queries
from deploy.grafana.parts import Json, annotation, dashboard, pushed_annotations, query_variable, text_variable
from deploy.grafana.words import Text
from streams.contract.events import LIVE

WALLBOARD_URL = "http://localhost:8080"
"""Where the Compose file serves the wallboard; `generate --wallboard` writes another."""

SHARE: Json = {"unit": "percentunit", "decimals": 1}
SECONDS: Json = {"unit": "s", "decimals": 0}

FEED = query_variable(
    "feed",
    Text("Feed", "数据流"),
    queries.FEEDS,
    current=LIVE,
    description=Text(
        "live, or a replay or simulation; nothing filters the feed silently.",
        "live、回放或模拟；数据流从不被默认过滤。",
    ),
)
HOTLINE = query_variable("hotline", Text("Hotline", "热线"), queries.HOTLINES)
QUEUES = query_variable("queue", Text("Queue", "队列"), queries.QUEUE_NAMES, multi=True)
ONE_QUEUE = query_variable("queue", Text("Queue", "队列"), queries.QUEUE_NAMES)
THRESHOLD = query_variable(
    "threshold_s",
    Text("Within X s", "时限 X 秒"),
    queries.THRESHOLDS,
    description=Text(
        "X of the service level, seconds, inclusive. The promised one comes first.",
        "服务水平的时限 X（秒，含）。首个为所承诺的时限。",
    ),
)
_WALLBOARD = text_variable(
    "wallboard", Text("Wallboard", "大屏"), WALLBOARD_URL, Text("Where the wallboard is served.", "大屏的地址。")
)

OPEN_QUEUE = (
    "/d/hotline-queue?var-feed=${feed:percentencode}&var-hotline=${hotline:percentencode}"
    "&var-queue=${__value.raw:percentencode}&${__url_time_range}"
)
OPEN_HOTLINE = (
    "/d/hotline-detail?var-feed=${feed:percentencode}&var-hotline=${hotline:percentencode}&${__url_time_range}"
)
OPEN_ALERTS = (
    "/d/hotline-alerts?var-feed=${feed:percentencode}&var-hotline=${hotline:percentencode}&${__url_time_range}"
)

_OTHERS: Json = {
    "type": "dashboards",
    "title": Text("Hotline", "热线看板"),
    "tags": ["hotline"],
    "asDropdown": True,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": Text("The other dashboards, with the same choices and time", "其他看板，沿用当前选择与时间"),
    "url": "",
}
_TO_WALLBOARD: Json = {
    "type": "link",
    "title": Text("Wallboard", "大屏"),
    "url": "${wallboard:raw}",
    "tags": [],
    "asDropdown": False,
    "includeVars": False,
    "keepTime": False,
    "targetBlank": True,
    "icon": "dashboard",
    "tooltip": Text("The live wallboard, with the calls behind each number", "实时大屏，可查看每个数字背后的来电"),
}


def board(
    uid: str,
    title: Text,
    description: Text,
    *,
    panels: Sequence[Json],
    variables: Sequence[Json] = (FEED, HOTLINE),
    refresh: str = "1m",
    since: str = "now-24h",
    marks: bool = True,
) -> Json:
    """A dashboard with links to the others and to the wallboard; `marks`: alerts are drawn over every panel."""
    alerts = [annotation(Text("Alerts", "告警"), queries.ALERT_MARKS, color="red")] if marks else []
    return dashboard(
        uid,
        title,
        description,
        variables=[*variables, _WALLBOARD],
        annotations=[pushed_annotations(), *alerts],
        panels=panels,
        refresh=refresh,
        since=since,
        links=[_OTHERS, _TO_WALLBOARD],
    )
