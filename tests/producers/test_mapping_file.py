"""Mapping files: every format, clear errors."""

import json
from pathlib import Path

import msgspec
import pytest
from bank_rows import HEADER, bank_row, seconds_of

from deploy.producers import mapping
from deploy.producers.contents import Contents
from deploy.producers.contents import read as read_export
from deploy.producers.mapping import MappingError
from streams.contract import CallEvent

CSV = """
name: city
hotline: city
zone: Europe/Berlin
format: csv
delimiter: ";"
time: {format: "%d.%m.%Y %H:%M:%S"}
call: id
caller: {column: from, absent: [anonym]}
queue: queue
times: {arrived: in, answered: picked_up, ended: out, wrapped: done}
durations: {unit: min, wait: wait, talk: talk, hold: hold, acw: acw}
outcome: {column: result, words: {ok: answered, lost: abandoned, test call: test, full: blocked}}
fields: {language: lang, category: topic}
"""
CSV_LINES = (
    "id;from;queue;in;picked_up;out;done;wait;talk;hold;acw;result;lang;topic\n"
    '7;anonym;water;"29.03.2026 01:59:00";29.03.2026 03:00:30;29.03.2026 03:05:30;;0.5;4.5;0.5;1;ok;de;"leak; street"\n'
    "8;030123456;water;29.03.2026 01:59:30;;;;2;;;;lost;;\n"
    "9;1;;29.03.2026 02:00:00;;;;;;;;full;;\n"
    "10;1;;29.03.2026 04:00:00;;;;;;;;test call;;\n"
)


def read(tmp_path: Path, text: str, lines: str | bytes) -> Contents:
    file = tmp_path / "export"
    file.write_bytes(lines.encode() if isinstance(lines, str) else lines)
    return read_export(file, mapping.parse(text, "city.yaml"), feed="replay-x", generation=1)


def events(contents: Contents) -> list:
    return [msgspec.json.decode(event.value, type=CallEvent) for event in contents.events]


def test_a_csv_with_full_times_and_durations_in_minutes(tmp_path: Path) -> None:
    contents = read(tmp_path, CSV, CSV_LINES)
    assert contents.rejected == []
    assert dict(contents.outcomes) == {"answered": 1, "abandoned": 1, "blocked": 1, "test": 1}
    seven = [event for event in events(contents) if event.call == "7"]
    assert [event.type for event in seven] == ["arrived", "queued", "answered", "ended", "wrapped"]
    arrived, _, answered, ended, wrapped = seven
    assert (arrived.caller, arrived.language, arrived.category) == ("", "de", "leak; street")
    assert answered.time - arrived.time == 90_000  # the clocks went forward at 2:00
    assert (answered.wait_ms, ended.talk_ms, ended.hold_ms, wrapped.acw_ms) == (0, 270_000, 30_000, 60_000)
    assert wrapped.time == ended.time + 60_000


def test_the_second_hour_when_clocks_go_back_follows_the_first(tmp_path: Path) -> None:
    line = "id;from;queue;in;picked_up;out;done;wait;talk;hold;acw;result;lang;topic\n"
    line += "7;1;water;25.10.2026 02:59:50;25.10.2026 02:00:10;25.10.2026 02:03:10;;;;;;ok;;\n"
    contents = read(tmp_path, CSV, line)
    times = [event.time for event in events(contents)]
    assert [t - times[0] for t in times] == [0, 20_000, 20_000, 200_000]
    assert contents.repaired == {"repeated_hour": 1}


JSONL = """
name: api
hotline: city
zone: UTC
format: jsonl
time: {format: iso}
call: [site, id]
times: {arrived: start, queued: start, queue_left: left}
outcome: {column: result, words: {gone: abandoned}}
"""


def test_jsonl_rows_bad_lines_and_line_ends(tmp_path: Path) -> None:
    lines = (
        b'{"site": 1, "id": 7, "start": "2026-11-22T10:41:30+08:00", "left": "2026-11-22T02:42:00", "result": "gone"}\r\n'
        b"\n"
        b"[1]\n"
        b"{nonsense\n"
        b'{"site": "\xff", "id": 1, "start": "2026-11-22", "result": "gone"}\n'
        b'{"site": 2, "start": "2026-11-22T00:00:00", "result": "gone"}\n'
    )
    contents = read(tmp_path, JSONL, lines)
    assert contents.read == 5
    assert [(number, rejection.reason) for number, rejection in contents.rejected] == [
        (3, "not_json"), (4, "not_json"), (5, "encoding"), (6, "no_call"),
    ]  # fmt: skip
    arrived, queued, abandoned = events(contents)
    assert (arrived.call, seconds_of(arrived.time, 8)) == ("1-7", "10:41:30")
    assert abandoned.time - queued.time == 30_000
    assert contents.repaired == {"line_end": 1}


def test_crlf_and_a_trailing_separator_are_mended_and_counted(tmp_path: Path) -> None:
    bank = mapping.load("anonymous-bank")
    row = bank_row(outcome="HANG")
    file = tmp_path / "bank.txt"
    file.write_bytes(("\t".join(HEADER) + "\r\n" + "\t".join(row) + "\t\r\n" + "\r\n").encode())
    contents = read_export(file, bank, feed="f", generation=1)
    assert (contents.read, contents.visits) == (1, 1)
    assert contents.repaired["line_end"] == contents.repaired["whitespace"] == 1


def test_a_quote_in_a_tsv_means_nothing(tmp_path: Path) -> None:
    bank = mapping.load("anonymous-bank")
    row = bank_row(outcome="HANG", type='"PS')
    file = tmp_path / "bank.txt"
    file.write_text("\t".join(HEADER) + "\n" + ("\t".join(row) + "\n") * 2)
    assert read_export(file, bank, feed="f", generation=1).visits == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("zone: Europe/Berlin", "zone: Berlin", "zone"),
        ("format: csv", "format: xls", "format"),
        ("name: city", "name: city\nencoding: utf-9", "encoding"),
        ("lost: abandoned", "lost: vanished", "outcome.words.lost"),
        ("lost: abandoned", "OK: abandoned", "differ only in case"),
        ('"%d.%m.%Y %H:%M:%S"', "clock", "date"),
        ('"%d.%m.%Y %H:%M:%S"', "german", "strptime"),
        ("fields: {", "fields: {colour: x, ", "fields.colour"),
        ("call: id", "", "call"),
        ("queue: queue", "queues: queue", "queues"),
        ("unit: min", "unit: years", "durations.unit"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_key(old: str, new: str, says: str) -> None:
    assert old in CSV
    with pytest.raises(MappingError, match=says.replace(".", r"\.")):
        mapping.parse(CSV.replace(old, new), "city.yaml")


def test_a_column_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"times\.ended: 'out'.*the file has: id, from"):
        read(tmp_path, CSV, CSV_LINES.replace(";out;", ";end;", 1))


@pytest.mark.parametrize("sign", [",", "\t", "|"])
def test_another_delimiter_is_told_as_one_and_not_as_missing_columns(tmp_path: Path, sign: str) -> None:
    with pytest.raises(MappingError) as raised:
        read(tmp_path, CSV, CSV_LINES.replace(";", sign))
    says = f'mapping city reads columns with ";" between them, the file has {json.dumps(sign)}: write delimiter: '
    assert str(raised.value) == says + json.dumps(sign)


def test_a_title_above_the_names_is_taken_for_one(tmp_path: Path) -> None:
    with pytest.raises(
        MappingError, match=r"the file has: Calls of March; if that is a title .*, write skip_lines: 1$"
    ):
        read(tmp_path, CSV, "Calls of March;;;\n" + CSV_LINES)
    assert read(tmp_path, CSV + "skip_lines: 1\n", "Calls of March;;;\n" + CSV_LINES).read == 4


@pytest.mark.parametrize("text", ["", "- a", "a: [", "just words"])
def test_what_is_no_mapping_at_all_is_said(text: str) -> None:
    with pytest.raises(MappingError):
        mapping.parse(text, "x.yaml")


def test_an_unknown_name_lists_what_is_built_in() -> None:
    with pytest.raises(MappingError, match="anonymous-bank"):
        mapping.load("no-such-mapping")
