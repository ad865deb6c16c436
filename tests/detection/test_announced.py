"""Events that were announced: no surprise when they come, nor when they do not; named where they bring still more."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError
from click.testing import CliRunner
from msgspec import DecodeError, json, to_builtins
from msgspec.structs import replace as replaced

from deploy.cli.main import cli
from deploy.runtime import announcement_log
from deploy.runtime import settings as settings_module
from deploy.runtime.kafka import UnansweredError
from deploy.runtime.planned_events import read_events
from deploy.runtime.settings import SettingsError
from streams.contract import Announcement, Signal
from streams.contract.announcements import Announcements, followed, same
from streams.detection import Announced, Detection, words
from streams.detection.announced import Lift, doubts, factors
from streams.detection.calendar import SLOT
from streams.event_file import EventFile, Events

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
VOLUMES = {"transport": 8_000, "housing": 2_000}


@pytest.fixture(scope="module")
def taught(make_city, monday):
    """Two weeks of a city, learned: (city, snapshot, the Monday after)."""
    city = make_city(11, VOLUMES)
    detection = Detection(city.rules())
    city.teach(detection, 14)
    return city, detection.snapshot(), monday


def results(monday: int, lift: float = 2.5, queue: str = "transport") -> Announced:
    begin = monday + 10 * HOUR
    return Announced("exam results", begin, begin + 3 * HOUR, lift, "12345", queue)


def morning(taught, events, brought: float, hours: int = 15) -> list[Signal]:
    """08:00 on; from 10:00 to 13:00 `transport` has `brought` times its usual calls. What is told of demand."""
    city, snapshot, monday = taught
    detection = Detection.restore(replace(city.rules(), announced=events), snapshot)
    random, told = np.random.default_rng(3), []
    rate = dict(zip(VOLUMES, (volume * city.shape for volume in VOLUMES.values()), strict=True))
    for i in range(8 * 60, hours * 60):
        minute = monday + i * MINUTE
        times = brought if 600 <= i < 780 else 1.0
        counts = {q: int(random.poisson(r[i] * (times if q == "transport" else 1.0))) for q, r in rate.items()}
        city.tell(detection, "live", minute, counts)
        told += [r for r in detection.advance(minute + MINUTE, i) if isinstance(r, Signal)]
    return [s for s in told if s.kind.startswith("demand_") and s.active]


def test_what_was_announced_is_no_news_and_what_was_not_is(taught):
    event = results(taught[2])
    assert {s.queue for s in morning(taught, (), 2.5)} == {"transport", ""}
    assert morning(taught, (event,), 2.5) == []


def test_an_event_that_does_not_come_is_no_shortfall(taught):
    assert morning(taught, (results(taught[2]),), 1.0) == []


def test_what_brings_still_more_is_told_with_its_name(taught):
    told = morning(taught, (results(taught[2]),), 8.0, hours=12)
    first = next(s for s in told if s.queue == "transport")
    assert first.kind == "demand_above_expectation"
    assert first.summary["en"].endswith(" Announced: exam results (x2.5 expected).")
    assert "已预告：“exam results”（预计 2.5 倍）。" in first.summary["zh"]
    assert first.expected > 1.5 * (first.volume / 8.0), "what was announced is expected"


def test_an_event_announced_in_the_middle_of_the_day_holds_from_the_next_minute(taught):
    city, snapshot, monday = taught
    detection = Detection.restore(city.rules(), snapshot)
    detection.advance(monday + 9 * HOUR, 1)

    def expected():
        *_, found = [
            r
            for r in detection.advance(detection._now + 5 * MINUTE, 1)
            if not isinstance(r, Signal) and r.queue == "transport"
        ]
        return found.expected[11 * 12]

    usual = expected()
    detection.announce([results(monday)])
    assert expected() == pytest.approx(2.5 * usual, rel=0.01)
    again = Detection.restore(replace(city.rules(), announced=(results(monday),)), detection.snapshot())
    assert again.snapshot() == detection.snapshot()
    detection.announce([])
    assert expected() == pytest.approx(usual, rel=0.01)


def test_its_queue_s_part_of_the_hotline_s_calls_is_lifted():
    event = Announced("works", 0, HOUR, 3.0, "12345", "water")
    assert event.lift_of("12345", "water", 0.2) == Lift("works", 0, HOUR, 3.0)
    assert event.lift_of("12345", "", 0.2) == Lift("works", 0, HOUR, 1.4)
    assert event.lift_of("12345", "housing", 0.2) is None
    assert event.lift_of("911", "water", 0.2) is None


def test_edges_count_by_their_part():
    lifts = [Lift("a", 0, 6 * MINUTE, 2.0), Lift("b", 5 * MINUTE, 10 * MINUTE, 3.0)]
    assert factors(lifts, 0, 3, 5 * MINUTE).tolist() == pytest.approx([2.0, 3.6, 1.0])
    assert (doubts(lifts, 0, 2) > 0).tolist() == [True, False]
    assert SLOT == 15 * MINUTE


# ---- the file and the command


@pytest.fixture
def log(monkeypatch) -> Announcements:
    """What the topic would hold, without one."""
    held = Announcements()

    async def load(kafka) -> Announcements:
        return held

    async def write(kafka, record) -> None:
        held.take(record)

    monkeypatch.setattr(announcement_log, "load", load)
    monkeypatch.setattr(announcement_log, "write", write)
    return held


@pytest.fixture
def hotline(tmp_path, monkeypatch, log):
    monkeypatch.setenv("HOTLINE_CONFIG", str(tmp_path / "hotline.yaml"))
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP", "127.0.0.1:1")
    (tmp_path / "hotline.yaml").write_text('hotlines: {"12345": {time_zone: Asia/Shanghai}}', encoding="utf-8")
    settings_module.current.cache_clear()
    yield lambda *words: CliRunner().invoke(cli, ["events", *words])
    settings_module.current.cache_clear()


def test_events_are_added_listed_and_removed(hotline, tmp_path, log):
    events = Events(EventFile(tmp_path / "data" / "events.yaml"))
    assert events.all == ()
    added = hotline(
        "add", "高考查分", "--begin", "2027-06-25T08:00", "--hours", "12", "--lift", "2.5", "--queue", "education",
        "--author", "Chen Yu",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    assert events.take(log)
    assert not events.take(log)
    begin = int(datetime.fromisoformat("2027-06-25T08:00+08:00").timestamp() * 1000)
    assert events.all == (Announced("高考查分", begin, begin + 12 * HOUR, 2.5, "", "education"),)
    line = "2027-06-25T08:00+08:00 to 2027-06-25T20:00+08:00  all hotlines/education  x2.5  高考查分  (Chen Yu)"
    assert line in hotline("list").output
    assert hotline("add", "高考查分", "--begin", "2027-06-25T08:00", "--hours", "2").exit_code == 2
    assert "there are 高考查分" in hotline("remove", "works").output
    assert hotline("remove", "高考查分").exit_code == 0
    assert events.take(log)
    assert events.all == ()
    assert "no event is announced" in hotline("list").output


ADD = ("add", "works", "--begin", "2036-06-01T08:00", "--hours", "2", "--author", "Chen Yu")
REMOVE = ("remove", "works", "--author", "Chen Yu")


@pytest.fixture
def written(monkeypatch, log):
    """What becomes of the next record that is written is told by a function of it."""

    def by(become) -> None:
        async def write(kafka, record) -> None:
            become(record)

        monkeypatch.setattr(announcement_log, "write", write)

    return by


def test_of_two_machines_that_announce_the_same_at_once_the_first_in_the_log_counts(hotline, log, written):
    def late(record) -> None:
        assert log.take(replaced(record, author="Li", lift=3.0))
        assert not log.take(record)

    written(late)
    added = hotline(*ADD)
    assert (added.exit_code, "somebody else has announced works" in added.output) == (1, True), added.output
    assert [(it.author, it.lift) for it in log.holding()] == [("Li", 3.0)]
    again = hotline(*ADD)
    assert (again.exit_code, "is announced already" in again.output) == (2, True), again.output


def test_an_event_that_somebody_changes_at_the_same_time_is_not_removed(hotline, log, written):
    assert hotline(*ADD).exit_code == 0
    [event] = log.holding()

    def late(record) -> None:
        assert log.take(replaced(event, revision=2, author="Li", lift=3.0))
        assert not log.take(record)

    written(late)
    removed = hotline(*REMOVE)
    assert (removed.exit_code, "somebody has changed works meanwhile" in removed.output) == (1, True), removed.output
    assert "(0 of 1 removed)" in removed.output
    assert [(it.author, it.lift) for it in log.holding()] == [("Li", 3.0)]


@pytest.mark.parametrize("words", [ADD, REMOVE])
@pytest.mark.parametrize("recorded", [True, False])
def test_where_the_answer_is_lost_the_log_is_asked(hotline, log, written, words, recorded):
    if words is REMOVE:
        assert hotline(*ADD).exit_code == 0

    def lost(record) -> None:
        if recorded:
            assert log.take(record)
        raise UnansweredError(KafkaTimeoutError())

    written(lost)
    done = hotline(*words)
    assert done.exit_code == (0 if recorded else 3), done.output
    assert ("works may have been recorded: look with `hotline events list`" in done.output) == (not recorded)
    assert len(log.holding()) == ((words is ADD) == recorded)


def test_what_was_not_even_sent_was_not_recorded(hotline, log, written):
    def away(record) -> None:
        raise KafkaConnectionError("away")

    written(away)
    added = hotline(*ADD)
    assert (added.exit_code, "does not answer" in added.output) == (3, True), added.output
    assert "may have been" not in added.output


def test_where_the_log_cannot_be_read_either_no_more_is_said_than_is_known(hotline, log, written, monkeypatch):
    read = []

    async def load(kafka) -> Announcements:
        read.append(kafka)
        if len(read) > 1:
            raise KafkaConnectionError("away")
        return log

    def lost(record) -> None:
        raise UnansweredError(KafkaTimeoutError())

    monkeypatch.setattr(announcement_log, "load", load)
    written(lost)
    added = hotline(*ADD)
    assert (added.exit_code, "works may have been recorded" in added.output) == (3, True), added.output


def test_events_of_the_file_are_listed_and_taken_out_there(hotline, tmp_path):
    (tmp_path / "data").mkdir()
    text = "events: [{name: works, begin: 2036-06-01T08:00+08:00, end: 2036-06-01T09:00+08:00}]"
    (tmp_path / "data" / "events.yaml").write_text(text, encoding="utf-8")
    assert "x1  works  (events.yaml)" in hotline("list").output
    removed = hotline("remove", "works")
    assert (removed.exit_code, "take it out there" in removed.output) == (0, True)


def said(revision: int, **changed) -> Announcement:
    told = {"id": "e", "name": "a", "begin": 0, "end": 1, "author": "x", "at": 0, "revision": revision}
    return Announcement(**(told | changed))


def test_of_two_who_change_the_same_revision_the_first_in_the_log_counts():
    log = Announcements()
    records = [said(1), said(2, name="b"), said(2, name="c"), said(4), said(3, withdrawn=True), said(4, name="d")]
    assert [log.take(record) for record in records] == [True, True, False, False, True, True]
    assert log.holding() == [said(4, name="d")]
    assert log.changes == 4


def test_an_event_announced_anew_has_the_same_id_on_every_machine_and_never_one_that_there_was():
    log = Announcements()
    first = log.numbered(said(7, id="", author="Chen Yu"))
    assert log.numbered(said(1, id="x", author="Li", lift=2.0, end=5)).id == first.id
    assert (
        len(
            {
                log.numbered(said(1, **other)).id
                for other in ({}, {"name": "b"}, {"begin": 1}, {"queue": "q"}, {"hotline": "q"})
            }
        )
        == 5
    )
    assert (first.revision, log.fate(first)) == (1, "not_seen")
    assert log.take(first)
    assert log.fate(first) == "counts"
    assert log.fate(replaced(first, author="Li")) == "overtaken"
    assert log.take(followed(first, "x", 1))
    second = log.numbered(said(1))
    assert second.id != first.id
    assert log.take(second)
    assert same(log.holding(), said(1, author="Li", lift=3.0)) == second
    assert same(log.holding(), said(1, queue="q")) is None


@pytest.mark.parametrize("wrong", [{"lift": 0}, {"lift": -1}, {"lift": 1e9}, {"begin": 2**63 - 1}, {"end": -(2**63)}])
def test_a_record_that_no_expectation_could_be_made_of_is_not_read(wrong):
    line = json.encode(to_builtins(said(1)) | wrong)
    with pytest.raises(DecodeError):
        json.decode(line, type=Announcement)


def test_of_years_of_events_those_that_are_near_are_weighed_each_minute(taught):
    """All of them, for each key and minute, would be seconds a minute."""
    city, snapshot, monday = taught
    events = [results(monday + day * DAY) for day in range(-900, 900)]
    detection = Detection.restore(replace(city.rules(), announced=tuple(events)), snapshot)
    city.tell(detection, "live", monday, {"transport": 3})
    detection.advance(monday + MINUTE, 1)
    near = {len(demand.lifts) for key, demand in detection._demands.items() if key.queue == "transport"}
    assert near == {16}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("exam results", " Announced: exam results (x2.5 expected)."),
        ("توقف المياه", " Announced: \u2068توقف المياه\u2069 (x2.5 expected)."),
        ("停水 עברית", " Announced: \u2068停水 עברית\u2069 (x2.5 expected)."),
    ],
)
def test_a_name_from_right_to_left_turns_nothing_of_a_sentence(name, sentence):
    assert words.announced([(name, 2.5)])["en"] == sentence


def test_however_many_events_overlap_what_is_expected_stays_a_number():
    many = [Lift("x", 0, HOUR, 50.0), Lift("y", HOUR, 2 * HOUR, 0.01)] * 400
    assert factors(many, 0, 3, HOUR).tolist() == pytest.approx([50.0, 0.01, 1.0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--begin", "tomorrow", "--hours", "1"), "--begin: write date and time as 2026-06-25T08:00"),
        (("--begin", "0001-01-01T00:00", "--hours", "1"), "--begin: write a year from 2000"),
        (("--begin", "2027-06-25T08:00", "--end", "2030-06-25T08:00"), "--end: an event lasts a year at most"),
        (("--begin", "2027-06-25T08:00", "--hours", "1e9"), "--hours"),
        (("--begin", "2027-06-25T08:00", "--hours", "1", "--lift", "nan"), "write a number"),
        (("--begin", "2027-06-25T08:00", "--hours", "1", "--author", "\x1b[2J"), "write a name"),
        (("--begin", "2027-06-25T08:00"), "say --end or --hours"),
        (("--begin", "2027-06-25T08:00", "--end", "2027-06-25T08:00"), "--end: write a time after the begin"),
        (("--begin", "2027-06-25T08:00", "--hours", "1", "--hotline", "911"), "911: there are 12345"),
    ],
)
def test_a_bad_event_says_what_is_wrong(hotline, words, said):
    done = hotline("add", "works", *words)
    assert (done.exit_code, said in done.output) == (2, True), done.output


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "works \x1b[2J", "\u202esrow"])
def test_a_name_that_nobody_could_read_is_none(hotline, log, name):
    done = hotline("add", name, "--begin", "2027-06-25T08:00", "--hours", "1")
    assert (done.exit_code, "write a name" in done.output) == (2, True), done.output
    assert log.holding() == []


def test_a_queue_that_no_hotline_has_is_told(hotline, tmp_path):
    text = 'hotlines: {"12345": {time_zone: Asia/Shanghai, queues: {water: {}}}}'
    (tmp_path / "hotline.yaml").write_text(text, encoding="utf-8")
    done = hotline("add", "works", "--begin", "2027-06-25T08:00", "--hours", "1", "--queue", "waters")
    assert (done.exit_code, "waters: there are water" in done.output) == (2, True), done.output


@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("2026-06-01T08:00", r"events\.0\.begin: .*timezone"),
        ("2026-02-30T08:00:00+08:00", r"events\.yaml:1: no valid YAML: 2026-02-30.*: day "),
    ],
)
def test_a_file_that_cannot_be_used_names_the_field_and_changes_nothing(tmp_path, begin, said):
    path = tmp_path / "events.yaml"
    path.write_text("events: [{name: a, begin: 2026-06-01T08:00+08:00, end: 2026-06-01T09:00+08:00}]", encoding="utf-8")
    file = EventFile(path)
    path.write_text(f"events: [{{name: a, begin: {begin}, end: 2026-06-01T09:00+08:00}}]", encoding="utf-8")
    assert not file.reread()
    assert [it.name for it in file.events] == ["a"]
    with pytest.raises(SettingsError, match=said):
        read_events(path)


def test_a_file_that_cannot_be_read_changes_nothing_and_one_that_is_gone_holds_no_event(tmp_path):
    path = tmp_path / "events.yaml"
    path.write_text("events: [{name: a, begin: 2026-06-01T08:00+08:00, end: 2026-06-01T09:00+08:00}]", encoding="utf-8")
    file = EventFile(path)
    path.unlink()
    path.mkdir()
    assert not file.reread()
    assert [it.name for it in file.events] == ["a"]
    with pytest.raises(SettingsError, match="cannot be read"):
        EventFile(path)
    path.rmdir()
    assert file.reread()
    assert file.events == ()
