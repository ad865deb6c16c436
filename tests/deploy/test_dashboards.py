"""Every query of every dashboard, in both languages, on two days that the real engine counted; and what Grafana's
dashboard-linter asks of a dashboard.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import story
import yaml
from clickhouse_connect.driver.client import Client
from panel_kit import Panel, expanded, panels, told_apart

from deploy.grafana.generate import DIRECTORY, dashboards, main, rendered
from deploy.grafana.values import ALERT_STATES, SIGNAL_KINDS
from deploy.grafana.words import LANGUAGES, NAMES, UnnamedError, spoken
from deploy.runtime.processor import Record
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract import AlertEvent, Cell, FeedStatus, Forecast, Gauge, Signal, Visit
from streams.contract.alerts import AlertState
from streams.contract.signals import SignalKind
from streams.contract.topics import ALERTS, CELLS, SIGNALS, VISITS

ROOT = Path(__file__).parents[2]
RANGE = (story.ms(story.SPIKE, "08:00:00"), story.ms(story.SPIKE, "14:00:00"))
CHOSEN: dict[str, str | list[str]] = {
    "feed": "live",
    "hotline": story.HOTLINE,
    "threshold_s": "20",
    "target": "0.8",
    "wallboard": "http://localhost:8080",
}
WEEK_MS = 7 * 24 * 3_600_000
NULL_WHEN_QUIET = {"Service level, 15 min", "Oldest wait"}
"""As of the newest instant, at which nobody calls: a dash is the right answer."""


PANELS = told_apart()


def ask(client: Client, panel: Panel) -> list[dict[str, Any]]:
    queue: str | list[str] = "water" if panel.one_queue else ["water", "housing"]
    return list(client.query(expanded(panel, RANGE, **CHOSEN, queue=queue)).named_results())


def more() -> dict[str, list[msgspec.Struct]]:
    """What the story lacks, by topic: an expectation of the whole hotline, a signal that holds, an alert that fires, a
    break, a call that was mended, a week before, a replay.
    """
    began = story.ms(story.SPIKE, "09:05:00")
    whole = {"feed": "live", "hotline": story.HOTLINE, "dimension_set": "hotline"}
    water = {"feed": "live", "hotline": story.HOTLINE, "queue": "water"}
    return {
        CELLS: [
            Forecast(
                start=story.ms(story.SPIKE, "00:00:00"), step_s=900, version=1,
                expected=[2.0] * 96, lower=[0.0] * 96, upper=[5.0] * 96, days_learned=28.0, **whole,
            ),
            Gauge(at=RANGE[1], version=9**9, threshold_s=15, agents={"available": 3, "break": 1}, breaks={"lunch": 1}, **whole),
            Cell(minute=began - WEEK_MS, final=True, version=1, counts={"offered": 3}, **whole),
            FeedStatus(feed="replay-00000001", generation=began, state="ended", at=began, version=1),
        ],
        VISITS: [
            Visit(
                visit="m1/water/1", call="m1", entry=1, outcome="answered", wait_ms=2_000, talk_ms=9_000,
                queued_at=began, repairs=("clock_skew",), version=(1, began), **water,
            )
        ],
        SIGNALS: [
            Signal(
                fingerprint="s1", kind="waiting_past_threshold", dimension_set="queue", active=True,
                at=began, since=began, version=2, value=4, **water,
            )
        ],
        ALERTS: [
            AlertEvent(
                fingerprint="f-more", episode="e9", rule="WaitingPastThreshold", state="firing", reason="held_long_enough",
                severity="critical", at=began, started_at=began, version=8, value=4, labels={"queue": "water"}, **water,
            )
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def told(clickhouse_url: str) -> Iterator[story.Told]:
    for told in story.tell(clickhouse_url):
        add(told)
        yield told


def add(told: story.Told) -> None:
    functions = row_functions(days_by(lambda hotline: told.settings.hotline(hotline).zone))
    inserter = Inserter(told.client)
    for topic, structs in more().items():
        records = [Record(n, 0, None, msgspec.json.encode(struct)) for n, struct in enumerate(structs)]
        rows, refused = to_rows(functions[topic], topic, 0, records)
        assert not refused
        for block in blocks(rows):
            assert not inserter.write(block)


@pytest.mark.clickhouse
@pytest.mark.parametrize("name", PANELS)
def test_every_query_returns_rows(told: story.Told, name: str) -> None:
    rows = ask(told.client, PANELS[name])
    assert rows
    if PANELS[name].title not in NULL_WHEN_QUIET:
        assert any(value is not None for row in rows for value in row.values())


def test_the_chinese_ones_ask_the_same_under_other_names() -> None:
    for one, other in zip(panels("en"), panels("zh"), strict=True):
        assert other.sql == re.sub(r'"([^"]+)"', lambda found: f'"{NAMES[found[1]]}"', one.sql)
        assert other.title != one.title or one.title.startswith("$")


@pytest.mark.clickhouse
def test_columns_have_chinese_names(told: story.Told) -> None:
    [queues] = [
        panel for panel in panels("zh") if panel.title == "时间范围内各队列" and panel.board == "hotline-detail.json"
    ]
    rows = ask(told.client, queues)
    assert [row["队列"] for row in rows] == ["water", "housing"]


def every_panel() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, board in dashboards().items():
        yield from ((name, panel) for panel in board["panels"] if panel["type"] != "row")


def test_ten_dashboards_are_provisioned_in_two_languages() -> None:
    names = set(dashboards())
    assert len(names) == 10
    for language in LANGUAGES:
        assert {path.name for path in (DIRECTORY / language).glob("*.json")} == names
    titles = [board["title"] for language in LANGUAGES for board in dashboards(language).values()]
    assert len(set(titles)) == 20


def test_a_column_without_a_chinese_name_is_noticed() -> None:
    with pytest.raises(UnnamedError, match="'nobody named this' has no Chinese name"):
        spoken({"rawSql": 'SELECT 1 AS "nobody named this"'}, "zh")


def test_every_kind_of_signal_and_state_of_an_alert_has_its_words() -> None:
    assert set(SIGNAL_KINDS) == set(get_args(SignalKind))
    assert set(ALERT_STATES) == set(get_args(AlertState))


def test_no_name_is_kept_that_nothing_uses() -> None:
    texts = b"".join(rendered(board) for board in dashboards().values()).decode()
    assert [name for name in NAMES if f'\\"{name}\\"' not in texts and f'"{name}"' not in texts] == []


def test_every_panel_has_a_unit_that_grafana_knows() -> None:
    known = {"none", "s", "ms", "bytes", "percentunit", "wps", "ops", "dateTimeFromNow"}
    assert {panel["fieldConfig"]["defaults"]["unit"] for _, panel in every_panel()} <= known


def test_every_dashboard_leads_to_the_others_and_to_the_wallboard() -> None:
    for board in dashboards().values():
        others, wallboard = board["links"]
        assert (others["type"], others["tags"], others["keepTime"], others["includeVars"]) == (
            "dashboards",
            ["hotline"],
            True,
            True,
        )
        assert board["tags"] == ["hotline"]
        assert wallboard["url"] == "${wallboard:raw}"
        assert "wallboard" in {variable["name"] for variable in board["templating"]["list"]}


def test_a_link_into_a_dashboard_names_one_that_is_there_and_its_variables() -> None:
    links = re.findall(r'"(/d/[^"]+)"', b"".join(rendered(board) for board in dashboards().values()).decode())
    assert links
    for link in links:
        uid, _, asked = link.removeprefix("/d/").partition("?")
        chosen = {variable["name"] for variable in dashboards()[f"{uid}.json"]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", asked)) <= chosen


def test_a_panel_uses_only_variables_of_its_dashboard() -> None:
    for name, board in dashboards().items():
        chosen = {variable["name"] for variable in board["templating"]["list"]}
        used = set(re.findall(r"\$\{(\w+)", rendered(board).decode())) - {"__value", "__url_time_range"}
        assert used <= chosen, name


def test_promql_names_the_job_and_adapts_its_ranges_to_the_step() -> None:
    asked = [target["expr"] for _, panel in every_panel() for target in panel["targets"] if "expr" in target]
    assert len(asked) > 20
    for expression in asked:
        assert 'job="hotline"' in expression or "ALERTS" in expression, expression
        assert not re.search(r"\b(rate|increase)\([^\[]*\[(?!\$__rate_interval)", expression), expression


def test_promtool_reads_every_promql(tmp_path: Path) -> None:
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("no promtool on this machine: it comes with Debian's package prometheus")
    asked = {target["expr"] for _, panel in every_panel() for target in panel["targets"] if "expr" in target}
    rules = [
        {"record": f"r{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(sorted(asked))
    ]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [path, "check", "rules", tmp_path / "panels.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafanas_own_linter_finds_nothing() -> None:
    """Its rules about a job variable and data sources chosen on the screen do not hold here: ours have fixed uids."""
    path = shutil.which("dashboard-linter")
    if path is None:
        pytest.skip("no dashboard-linter on this machine: go install github.com/grafana/dashboard-linter@latest")
    for board in sorted(DIRECTORY.rglob("*.json")):
        done = subprocess.run(
            [path, "lint", "--strict", "--config", ROOT / "deploy/grafana/linter.yaml", board],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{board.name}: {done.stdout}{done.stderr}"


def test_the_wallboards_address_can_be_another(tmp_path: Path) -> None:
    main(["--wallboard", "https://board.example", "--into", str(tmp_path)], standalone_mode=False)
    written = sorted(tmp_path.rglob("*.json"))
    assert len(written) == 20
    for path in written:
        assert "https://board.example" in path.read_text(encoding="utf-8")
        assert "localhost" not in path.read_text(encoding="utf-8")


SECOND_LINE = yaml.safe_load((ROOT / "deploy/grafana/provisioning/alerting/hotline.yaml").read_text(encoding="utf-8"))
RULES = [rule for group in SECOND_LINE["groups"] for rule in group["rules"]]


def seen(client: Client, uid: str, **values: str) -> list[dict[str, Any]]:
    """What the query of a second-line rule returns; `values` stand in place of its words."""
    [sql] = [rule["data"][0]["model"]["rawSql"] for rule in RULES if rule["uid"] == uid]
    for word, value in values.items():
        assert word in sql
        sql = sql.replace(word, value)
    return list(client.query(sql).named_results())


@pytest.mark.clickhouse
def test_second_line_rules_see_what_they_are_for(told: story.Told) -> None:
    now = f"toDateTime64({RANGE[1] / 1000}, 3, 'UTC')"
    [old] = seen(told.client, "hotline-old-data")
    assert old["age_s"] > 300
    [unheard] = seen(told.client, "hotline-nobody-took-on")
    assert unheard == {"hotline": story.HOTLINE, "rule": "WaitingPastThreshold", "alerts": 1}
    [burn] = seen(told.client, "hotline-budget-burns", **{"'60m'": "'today'", ">= 20": ">= 1"})
    today = "SELECT service_level_offered FROM v_hotline_daily WHERE day = {day:Date}"
    [[level]] = told.client.query(today, {"day": story.SPIKE}).result_rows
    assert burn == {"hotline": story.HOTLINE, "burn": pytest.approx((1 - level) / (1 - 0.8))}
    unread = seen(told.client, "hotline-unreadable", **{"now() - INTERVAL 15 MINUTE": f"{now} - INTERVAL 6 HOUR"})
    assert [row["events"] for row in unread] == [1]


def test_second_line_rules_are_shown_only_and_say_what_to_do() -> None:
    [muted] = [one["name"] for one in SECOND_LINE["muteTimes"]]
    [policy] = SECOND_LINE["policies"]
    assert [(route["object_matchers"], route["mute_time_intervals"]) for route in policy["routes"]] == [
        ([["line", "=", "second"]], [muted])
    ]
    text = (ROOT / "deploy/grafana/provisioning/alerting/hotline.yaml").read_text(encoding="utf-8")
    assert "$" not in re.sub(r"#.*", "", text), "Grafana would replace it by its environment"
    for rule in RULES:
        assert rule["labels"]["line"] == "second"
        assert {"summary", "summary_zh", "action", "__dashboardUid__"} == set(rule["annotations"])
        assert f"{rule['annotations']['__dashboardUid__']}.json" in dashboards()
        query, condition = rule["data"]
        assert rule["condition"] == condition["refId"]
        assert condition["model"]["expression"] == query["refId"]
