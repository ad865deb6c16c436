"""`hotline feed test`: the engine's own intake says what would become of a file; nothing is sent."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from click.testing import CliRunner, Result

from deploy.cli.main import cli
from deploy.producers.feed_advice import advice_on
from deploy.producers.feed_test import FeedTest, notes, summary
from deploy.producers.mapping import load
from deploy.runtime.processor import Record
from deploy.runtime.settings import Hotline, Queue, Settings
from streams.contract import DeadLetter, RejectionKind, RepairKind
from streams.contract.topics import CALLS, DEAD_LETTER
from streams.processors import factory

EXAMPLES = Path(__file__).parent / "examples"
NOW = 1_795_312_800_000
GOOD = {"type": "queued", "time": NOW, "call": "c1", "hotline": "12345", "queue": "water", "source": "pbx-1"}
LINES = [
    json.dumps(GOOD),
    json.dumps(GOOD | {"queue": " water "}),
    json.dumps(GOOD | {"type": "answered", "wait_ms": -3000}),
    json.dumps(GOOD | {"colour": "red"}),
    json.dumps(GOOD | {"time": NOW - 3 * 3_600_000}),
    json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "x.queued", "data": GOOD}),
    json.dumps(GOOD | {"time": NOW + 3_600_000}),
    json.dumps(GOOD | {"time": "22.11.2026", "caller": "13800138000"}),
    json.dumps(GOOD | {"call": ""}),
    json.dumps(GOOD | {"type": "vanished"}),
    json.dumps({"time": NOW}),
    json.dumps(GOOD | {"type": "agent_state", "agent": "4711", "state": "asleep"}),
    "13800138000;water;10:41",
    "",
    "nonsense",
    "[" * 30_000,
    json.dumps(GOOD | {"text": "x" * 66_000}),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes("\r\n".join(LINES).encode() + b'\n{"type": "queued", "call": "\xff"}\n')
    return path


def settings_with(*hotlines: str) -> Settings:
    return Settings(demo=True, hotlines={name: Hotline(time_zone="Asia/Shanghai") for name in hotlines})


def report_on(path: Path, settings: Settings, examples: int = 3) -> dict[str, Any]:
    return summary(FeedTest(settings, now=NOW, examples=examples).events_of(path), settings, None, path)


def invoke(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr("deploy.cli.feed.current", lambda: settings_with("12345"))
    return CliRunner().invoke(cli, ["feed", "test", *arguments])


def test_it_rejects_exactly_what_the_engine_makes_dead_letters_of(file) -> None:
    settings = settings_with("12345")
    engine = factory(settings)(CALLS, 0, None)
    values = [line for line in file.read_bytes().split(b"\n") if line.strip()]
    engine.apply([Record(n, NOW, None, value.rstrip(b"\r")) for n, value in enumerate(values)])
    letters = [msgspec.json.decode(out.value, type=DeadLetter) for out in engine.outputs() if out.topic == DEAD_LETTER]
    found = report_on(file, settings, examples=100)
    reasons = Counter(letter.reason for letter in letters if letter.reason != "late")
    assert {kind: finding["count"] for kind, finding in found["rejected"].items()} == reasons
    assert reasons.keys() >= {"future", "no_time", "no_call", "no_type", "schema", "not_json", "too_large", "encoding"}
    assert found["events"] == len(values) - len(letters) + 1  # the late one can be read
    told = {(ex["field"], ex["detail"]) for finding in found["rejected"].values() for ex in finding["examples"]}
    assert told == {(letter.field, letter.detail) for letter in letters if letter.reason != "late"}


def test_it_names_lines_kinds_and_what_to_do_and_shows_no_number(file) -> None:
    found = report_on(file, settings_with("12345"))
    assert found["read"] == 17
    assert [example["line"] for example in found["rejected"]["no_time"]["examples"]] == [8]
    assert found["repaired"]["whitespace"]["examples"][0]["line"] == 2
    assert found["repaired"]["clock_skew"]["count"] == 1
    assert found["unknown_fields"] == {"colour": 1}
    assert found["types"] == {"queued": 5, "answered": 1}
    assert (found["from"], found["to"]) == ("2026-11-22T07:00:00.000+08:00", "2026-11-22T10:00:00.000+08:00")
    assert any("1 event of `live` older" in note for note in found["notes"])
    assert "13800138000" not in json.dumps(found)


def test_as_many_examples_as_are_asked_for(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("nonsense\n" * 50)
    found = report_on(path, settings_with(), examples=4)
    assert (found["rejected"]["not_json"]["count"], len(found["rejected"]["not_json"]["examples"])) == (50, 4)
    assert any("--mapping" in note for note in found["notes"])


@pytest.mark.parametrize("kind", [*get_args(RejectionKind), *get_args(RepairKind)])
def test_every_kind_comes_with_what_to_do(kind) -> None:
    assert advice_on(kind)


def test_a_hotline_that_nobody_configured_is_said() -> None:
    tester = FeedTest(settings_with("a", "b"), now=NOW, examples=1)
    tester.report.read = 1
    tester.report.hotlines.update({"": 1, "c": 1, "a": 1})
    said = notes(tester.report, settings_with("a", "b"), None)
    assert [("'c'" in note, "no hotline" in note) for note in said] == [(False, True), (True, False)]


def test_queues_are_counted_and_one_that_nobody_configured_is_said(tmp_path) -> None:
    queues = {"water": Queue(), "housing": Queue()}
    settings = Settings(demo=True, hotlines={"12345": Hotline(time_zone="Asia/Shanghai", queues=queues)})
    path = tmp_path / "events.jsonl"
    told = [
        GOOD,
        GOOD | {"type": "answered", "queue": "watre"},
        *({"queue": name} for name in ("watre", "watre", "", "x")),
    ]
    path.write_text("\n".join(json.dumps(GOOD | event) for event in told))
    found = report_on(path, settings)
    assert found["queues"] == {"watre": 2, "water": 1, "": 1, "x": 1}
    assert found["notes"][:3] == [
        "some calls are queued in no queue: they count for the hotline alone",
        "queue 'watre' is not in hotline.yaml; is water meant?",
        "queue 'x' is not in hotline.yaml",
    ]
    assert report_on(path, settings_with("12345"))["notes"][1:] == [], "no queue is configured: any may come"


def test_of_many_queues_that_nobody_configured_some_are_named(tmp_path) -> None:
    settings = Settings(demo=True, hotlines={"12345": Hotline(time_zone="UTC", queues={"water": Queue()})})
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(GOOD | {"queue": f"branch-{n}"}) for n in range(25)))
    said = [note for note in report_on(path, settings)["notes"] if "not in hotline.yaml" in note]
    assert (len(said), said[-1]) == (11, "15 more queues not in hotline.yaml")


def test_queues_of_several_hotlines_are_told_apart(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(GOOD | {"hotline": name}) for name in ("12345", "12367")))
    assert report_on(path, settings_with())["queues"] == {"12345/water": 1, "12367/water": 1}


def test_rows_with_one_call_are_said_to_be_one(tmp_path) -> None:
    """Numbers that begin anew each day: of two calls with one id a part would be in no figure."""
    path = tmp_path / "calls.csv"
    rows = [f"{n},2026-11-{day} 08:0{n}:00,q,5,60,answered" for day in (20, 21) for n in (1, 2)]
    said = []
    for lines in (rows, rows[:2]):
        path.write_text("\n".join(["call_id,start,queue,wait,talk,outcome", *lines]), encoding="utf-8")
        tester = FeedTest(settings_with("12345"), now=NOW, examples=3)
        said.append(notes(tester.rows_of(path, load("call-records")), settings_with("12345"), None))
    assert said[1] == []
    assert said[0][0].startswith(
        "2 rows with the call of an earlier row: together they are one call; if they are calls "
    )


def test_times_in_seconds_are_said(tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(json.dumps(GOOD | {"time": time}) for time in (NOW // 1000, NOW, 100_000_000_000)))
    assert (
        "1 event of about 1970: are these seconds? `time` is in milliseconds"
        in report_on(path, settings_with("12345"))["notes"]
    )


def test_an_export_is_read_as_replay_reads_it_and_ends_with_1_if_a_row_is_refused(monkeypatch) -> None:
    result = invoke(monkeypatch, str(EXAMPLES / "calls.csv"), "--mapping", "call-records", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {kind: finding["count"] for kind, finding in found["rejected"].items()} == {"no_time": 1, "no_type": 1}
    assert [example["line"] for example in found["rejected"]["no_type"]["examples"]] == [12]
    assert found["outcomes"]["answered"] == found["types"]["answered"] == 4
    assert found["not_understood"] == {"rating": 1}
    assert found["zone"] == "Asia/Shanghai"
    assert found["notes"] == []


def test_a_report_for_people_names_the_same(monkeypatch) -> None:
    result = invoke(monkeypatch, str(EXAMPLES / "queue_log"), "--mapping", "asterisk-queue-log")
    assert result.exit_code == 1
    for part in ("29 rows", "agent_state 20", "no_type 1: say what happened", "line 28:", "left out  1", "data5"):
        assert part in result.stdout
    assert "1795313238" not in result.stdout


def test_a_clean_file_ends_with_0(monkeypatch, tmp_path) -> None:
    of_now = GOOD | {"time": int(time.time() * 1000)}  # the command knows no other clock
    (tmp_path / "events.jsonl").write_text(json.dumps(of_now) + "\n")
    result = invoke(monkeypatch, str(tmp_path / "events.jsonl"))
    assert result.exit_code == 0, result.output
    assert "rejected: none" in result.stdout


def test_what_cannot_be_used_ends_with_2(monkeypatch, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    for arguments, says in (
        (("--mapping", "no-such"), "built-in mapping"),
        (("--mapping", "call-records"), "the file has: a, b"),
        (("--hotline", "12345"), "--mapping"),
    ):
        result = invoke(monkeypatch, str(tmp_path / "a.csv"), *arguments)
        assert result.exit_code == 2
        assert says in result.stderr


def test_another_hotline_brings_its_zone(monkeypatch) -> None:
    monkeypatch.setattr(
        "deploy.cli.feed.current", lambda: Settings(demo=True, hotlines={"b": Hotline(time_zone="Europe/Berlin")})
    )
    arguments = ["feed", "test", str(EXAMPLES / "calls.csv"), "--mapping", "call-records", "--hotline", "b", "--json"]
    found = json.loads(CliRunner().invoke(cli, arguments).stdout)
    assert found["hotlines"] == {"b": 35}
    assert found["from"] == "2026-11-22T09:58:41.000+01:00"


def test_columns_of_another_export_are_told_with_how_to_read_it(monkeypatch, tmp_path) -> None:
    (tmp_path / "calls.csv").write_text("Call ID,Skill\nA-1,water\n")
    result = invoke(monkeypatch, str(tmp_path / "calls.csv"), "--mapping", "call-records")
    assert result.exit_code == 2
    assert "the file has: Call ID, Skill; change them in a copy of " in result.output
    (named,) = re.findall(r"copy of (\S+) and", result.output)
    own = tmp_path / "own.yaml"
    own.write_text(Path(named).read_text("utf-8").replace("call: call_id", "call: Call ID"), "utf-8")
    result = invoke(monkeypatch, str(tmp_path / "calls.csv"), "--mapping", str(own))
    assert "times.queued: 'start'" in result.output
    assert "call: " not in result.output


def test_what_is_one_is_said_as_one(monkeypatch, tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(GOOD))
    assert invoke(monkeypatch, str(path)).stdout.startswith(f"{path.name}: 1 row, 1 event\n")
    path.write_text("\n".join(json.dumps(GOOD | {"call": str(n)}) for n in range(2_000)))
    assert invoke(monkeypatch, str(path)).stdout.startswith(f"{path.name}: 2,000 rows, 2,000 events\n")
