"""`hotline check`: the files that settings name are read before a process is started that needs them."""

import json

import pytest

from deploy.cli.check import CHECKS
from deploy.runtime.settings import Settings

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}
DISTRICT = {"type": "Feature", "properties": {"code": "440305", "name": "N", "population": 9}, "geometry": SQUARE}
DUTY = "receivers: [{name: li, channels: [{type: slack, url: 'http://chat'}]}]\nroutes: [{chain: [{tell: [li]}]}]\n"
RULES = "rules: [{name: Quiet, signal: queue_silence}]\n"
EVENTS = 'events: [{name: works, begin: "2026-11-27T08:00+08:00", end: "2026-11-27T09:00+08:00"}]\n'


def settings(file: str, what: str) -> Settings:
    return {
        "_rules": lambda: Settings(alerts={"rules": file}),
        "_paging": lambda: Settings(paging="hotline", alerts={"duty": file}),
        "_events": lambda: Settings(demand={"events": file}),
        "_map": lambda: Settings(web={"map": file}),
    }[what]()


@pytest.mark.parametrize(
    ("what", "right", "wrong", "told"),
    [
        ("_rules", RULES, RULES.replace("name:", "nme:"), ("1 of ", "nme: no such key; is name meant?")),
        ("_paging", DUTY, DUTY.replace("[li]", "[wang]"), ("1 receiver of ", "there is no receiver or schedule wang")),
        ("_events", EVENTS, EVENTS.replace("begin:", "begins:"), ("1 of ", "begins: no such key; is begin meant?")),
        ("_map", json.dumps({"features": [DISTRICT]}), "{}", ("1 district of ", "a FeatureCollection of 1 to ")),
    ],
)
def test_a_file_that_cannot_be_used_is_wrong_and_its_error_stands_on_one_line(
    tmp_path, what, right, wrong, told
) -> None:
    found, said = told
    check = {it.__name__: it for it in CHECKS}[what]
    path = tmp_path / "file"
    path.write_text(right, encoding="utf-8")
    line = check(settings(str(path), what))
    assert (line.ok, line.text) == (True, f"{found}{path}")
    path.write_text(wrong, encoding="utf-8")
    line = check(settings(str(path), what))
    assert not line.ok
    assert said in line.text
    assert "\n" not in str(line)


def test_it_says_where_nobody_is_called() -> None:
    check = {it.__name__: it for it in CHECKS}["_paging"]
    assert check(Settings()).text == "nobody: alerts.alertmanager.url is not set"
    assert check(Settings(paging="hotline")).text == "nobody: alerts.duty names no file of who is called"
    assert check(Settings(alerts={"alertmanager": {"url": "http://am:9093"}})).text == "Alertmanager http://am:9093"
