"""Prometheus and Alertmanager: valid for their own tools, and about metrics and labels that exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import alerts.metrics
import deploy.runtime.engine_metrics
import sinks.clickhouse.writer
import sinks.web.figures
from alerts import heartbeat
from deploy.grafana.generate import dashboards

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
ALERTMANAGER = ROOT / "deploy/alertmanager/alertmanager.yml"
RULES = ("hotline", "slo")
RUNBOOK = PROMETHEUS / "runbook.md"
MEASURED = (alerts.metrics, deploy.runtime.engine_metrics, sinks.clickhouse.writer)


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    path = shutil.which(name)
    if path is None:
        package = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}[name]
        pytest.skip(f"no {name} on this machine: it comes with Debian's package {package}")
    return subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def rules() -> list[dict[str, Any]]:
    """The alerting rules about Hotline itself."""
    groups = [group for name in RULES for group in loaded(name)["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def loaded(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROMETHEUS / f"rules/{name}.yml").read_text(encoding="utf-8"))


def test_promtool_accepts_the_configuration() -> None:
    done = tool("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", RULES)
def test_every_rule_fires_when_it_should_and_only_then(name: str) -> None:
    cases = PROMETHEUS / f"tests/{name}.yml"
    done = tool("promtool", "test", "rules", cases)
    assert done.returncode == 0, done.stdout + done.stderr
    text = cases.read_text(encoding="utf-8")
    alerts = [rule["alert"] for group in loaded(name)["groups"] for rule in group["rules"] if "alert" in rule]
    assert [alert for alert in alerts if f'alertname="{alert}", alertstate="firing"' not in text] == []


def test_a_rule_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert rule["alert"].startswith("Hotline"), "Alertmanager routes by it"
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "action", "runbook"}


def test_a_rule_has_its_page_in_the_runbook_and_each_page_its_rule() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    pages = dict(re.findall(r"^## (\w+)\n\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    posted = {alert["labels"]["alertname"] for alert in heartbeat.posted(0, 1, external_url="", armed=True)}
    assert set(pages) == {rule["alert"] for rule in rules()} | posted - {"HotlineAlive"}
    for name, page in pages.items():
        assert re.findall(r"^\*\*(\w+)", page, re.MULTILINE) == ["Means", "Look", "Do"], name
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"deploy/prometheus/runbook.md#{rule['alert'].lower()}"


def exported() -> set[str]:
    """Names of the samples our processes export, with the endings Prometheus sees."""
    assert MEASURED
    endings = {"counter": "_total", "histogram": "_bucket"}
    board = Path(sinks.web.figures.__file__).read_text(encoding="utf-8")  # made anew at each visit, of a board
    return {
        metric.name + endings.get(metric.type, "")
        for metric in REGISTRY.collect()
        if metric.name.startswith("hotline_")
    } | set(re.findall(r'"(hotline_\w+)"', board))


def test_rules_and_panels_ask_for_metrics_that_exist() -> None:
    expressions = [rule["expr"] for name in RULES for group in loaded(name)["groups"] for rule in group["rules"]]
    expressions += [
        target["expr"]
        for board in dashboards().values()
        for panel in board["panels"]
        for target in panel.get("targets", ())
        if "expr" in target
    ]
    asked = {name for expression in expressions for name in re.findall(r"\bhotline_\w+", expression)}
    assert asked
    assert asked <= exported()


def test_prometheus_visits_every_process_where_compose_runs_it() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "hotline"]
    visited = {static["labels"]["process"]: static["targets"] for static in job["static_configs"]}
    assert set(visited) == {"streams", "sinks", "alerts", "web"}
    for process, targets in visited.items():
        assert targets == [f"{process}:{services[process]['healthcheck']['test'][-1]}"]


def test_amtool_accepts_the_configuration() -> None:
    done = tool("amtool", "check-config", ALERTMANAGER)
    assert done.returncode == 0, done.stdout + done.stderr


CALLS = {"feed": "live", "paging": "alertmanager", "alertname": "DemandAboveExpectation"}


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (CALLS | {"hotline": "12345", "severity": "critical"}, "on-call-12345"),
        (CALLS | {"hotline": "12345", "severity": "warning"}, "supervisors-12345"),
        (CALLS | {"hotline": "12345", "severity": "info"}, "shown"),
        (CALLS | {"hotline": "12367", "severity": "critical"}, "on-call"),
        (CALLS | {"hotline": "12367", "severity": "warning"}, "supervisors"),
        (CALLS | {"hotline": "12345", "severity": "critical", "paging": "hotline"}, "shown"),
        (CALLS | {"hotline": "12345", "severity": "warning", "alertname": "HotlineOwnRule"}, "supervisors-12345"),
        ({"alertname": "HotlineProcessDown", "process": "web", "severity": "critical"}, "on-call,operations"),
        ({"alertname": "HotlineAlive", "process": "alerts", "severity": "info"}, "shown"),
        ({"alertname": "HotlineStopped", "process": "alerts", "severity": "critical"}, "on-call,operations"),
        ({"alertname": "HotlineStreamsLag", "process": "streams", "severity": "warning"}, "operations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_is_told(labels: dict[str, str], receivers: str) -> None:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    done = tool("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *pairs)
    assert done.stdout.strip() == receivers, done.stderr
