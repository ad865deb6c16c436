"""The same calls in every format: text in GB18030 and UTF-8, a workbook, Parquet; large files stay on disk."""

import csv
import resource
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.producers import mapping
from deploy.producers.contents import Contents, read
from deploy.producers.mapping import MappingError
from deploy.producers.mapping_times import EXCEL_EPOCH
from deploy.producers.sorting import Sorted, Timed
from streams.contract import CallEvent

EXAMPLES = Path(__file__).parent / "examples"
local = datetime.fromisoformat
TICKETS = mapping.load("12345-tickets")


def events(contents: Contents) -> list[CallEvent]:
    return [msgspec.json.decode(event.value, type=CallEvent) for event in contents.events]


def values(contents: Contents) -> list[bytes]:
    return [event.value for event in contents.events]


def ticket_rows() -> list[list[str]]:
    with (EXAMPLES / "tickets-gb18030.csv").open(encoding="gb18030", newline="") as file:
        return list(csv.reader(file))


def workbook(path: Path, rows: list[list], title: str = "工单", titles: int = 0) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for _ in range(titles):
        sheet.append(["12345热线工单明细"])
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


@pytest.fixture(scope="module")
def from_text() -> Contents:
    return read(EXAMPLES / "tickets-gb18030.csv", TICKETS, feed="f", generation=1)


def test_gb18030_text_is_read_as_it_was_written(from_text) -> None:
    first = events(from_text)[0]
    assert (first.category, first.department, first.ticket_type) == ("城乡建设/供水/停水", "江北区水务局", "投诉")
    assert from_text.repaired == {"line_end": 4}


def test_a_byte_order_mark_wins_over_the_mapping(tmp_path, from_text) -> None:
    text = (EXAMPLES / "tickets-gb18030.csv").read_bytes().decode("gb18030")
    for encoding in ("utf-8-sig", "utf-16"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes(text.encode(encoding))
        assert values(read(file, TICKETS, feed="f", generation=1)) == values(from_text)


def test_bytes_that_are_no_gb18030_reject_their_row_alone(tmp_path) -> None:
    lines = (EXAMPLES / "tickets-gb18030.csv").read_bytes().split(b"\r\n")
    lines[1] = lines[1].replace("停水".encode("gb18030"), b"\xff\xff", 1)
    file = tmp_path / "tickets.csv"
    file.write_bytes(b"\r\n".join(lines))
    contents = read(file, TICKETS, feed="f", generation=1)
    assert contents.refused == {"encoding": 1, "no_time": 1}
    assert contents.rejected[0][0] == 2


def test_a_workbook_gives_what_the_text_gives_with_dates_as_dates_or_serials(tmp_path, from_text) -> None:
    header, *rows = ticket_rows()
    at, length, surveyed = (header.index(name) for name in ("来电时间", "通话时长", "回访时间"))
    rows[0][at] = local("2026-11-22 09:58:41")
    rows[1][at] = (local("2026-11-22 09:59") - EXCEL_EPOCH) / timedelta(days=1)  # a serial, shown as a number
    rows[2][at] = "2026/11/22 10:00:15"
    rows[0][length] = time(0, 3, 7)
    rows[1][length] = 95.0
    rows[2][length] = timedelta(minutes=4)
    rows[0][surveyed] = local("2026-11-25 15:20")
    plain = [[int(v) if isinstance(v, str) and v.isdigit() else v for v in row] for row in rows]
    contents = read(workbook(tmp_path / "工单.xlsx", [header, *plain]), TICKETS, feed="f", generation=1)
    assert values(contents) == values(from_text)
    assert contents.refused == from_text.refused
    assert contents.not_understood == from_text.not_understood == {"满意度": 1}
    assert contents.rejected[0][0] == 7  # the row's own number


def test_a_workbook_with_titles_and_a_named_sheet(tmp_path, from_text) -> None:
    file = workbook(tmp_path / "a.xlsx", [[*row, None, None] for row in ticket_rows()], titles=2)
    found = read(file, TICKETS.model_copy(update={"skip_lines": 2, "sheet": "工单"}), feed="f", generation=1)
    assert values(found) == values(from_text)
    with pytest.raises(MappingError, match="no sheet '明细'; it has: 工单"):
        read(file, TICKETS.model_copy(update={"sheet": "明细"}), feed="f", generation=1)


def test_a_workbook_that_counts_from_1904_says_the_same(tmp_path) -> None:
    text = "name: x\nhotline: h\nzone: UTC\ncall: id\ntimes: {arrived: at}\noutcome: {always: phantom}\n"
    file = tmp_path / "mac.xlsx"
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["id", "at"])
    book.active.append(["1", local("2026-11-22 10:41:30")])
    book.save(file)
    (event,) = events(read(file, mapping.parse(text, "x"), feed="f", generation=1))
    assert event.time == 1_795_344_090_000


def test_parquet_gives_what_the_text_gives_with_local_times_and_instants(tmp_path, from_text) -> None:
    header, *rows = ticket_rows()
    table = {name: [row[at] or None for row in rows] for at, name in enumerate(header)}
    table["来电时间"] = [
        local("2026-11-22 09:58:41"), local("2026-11-22 09:59"), local("2026-11-22 10:00:15"),
        local("2026-11-22 10:00:50"), local("2026-11-22 10:01:30"), None,
    ]  # fmt: skip
    table["通话时长"] = pa.array([187, 95, 240, None, 61, 30], pa.duration("s"))
    table["行政区划代码"] = pa.array([310104, 310115, 310115001, 310104, 310104, None], pa.int64())
    for name, kind in (("local", pa.timestamp("ns")), ("instant", pa.timestamp("us", "UTC"))):
        offset = timedelta(hours=8) if name == "instant" else timedelta()
        times = [at and (at - offset).replace(tzinfo=UTC if offset else None) for at in table["来电时间"]]
        file = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table(table | {"来电时间": pa.array(times, kind)}), file, row_group_size=2)
        contents = read(file, TICKETS, feed="f", generation=1)
        assert values(contents) == values(from_text)
        assert contents.rejected[0][0] == 6


def test_parquet_may_hold_dates_and_times_of_day_apart(tmp_path) -> None:
    text = """
name: x
hotline: h
zone: Asia/Kolkata
format: parquet
time: {format: clock, date: day}
call: id
times: {arrived: at, queue_left: left}
outcome: {always: abandoned}
"""
    file = tmp_path / "export"
    table = {"id": [1], "day": [date(2026, 11, 22)], "at": [time(23, 59, 50)], "left": [time(0, 0, 5)], "other": [b"x"]}
    pq.write_table(pa.table(table), file)
    contents = read(file, mapping.parse(text, "x"), feed="f", generation=1)
    assert [event.time for event in events(contents)] == [1_795_372_190_000, 1_795_372_190_000, 1_795_372_205_000]
    assert contents.repaired == {"midnight": 1}


@pytest.mark.parametrize(
    ("name", "begins", "says"),
    [
        ("a.csv", b"PK\x03\x04", "name it .xlsx"),
        ("a.xls", b"\xd0\xcf\x11\xe0", "save it as .xlsx"),
        ("a.csv", b"PAR1", "name it .parquet"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00", "gunzip"),
        ("a.xlsx", b"id,at", "no .xlsx workbook"),
        ("a.parquet", b"id,at", "no Parquet file"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_told_so(tmp_path, name, begins, says) -> None:
    (tmp_path / name).write_bytes(begins + b" and so on")
    with pytest.raises(MappingError, match=says):
        read(tmp_path / name, TICKETS, feed="f", generation=1)


@pytest.mark.parametrize(("name", "library"), [("a.xlsx", "openpyxl"), ("a.parquet", "pyarrow")])
def test_without_the_extra_the_error_says_what_to_install(name, library) -> None:
    script = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from pathlib import Path; from deploy.producers import mapping; from deploy.producers.export import open_export\n"
        f"open_export(Path({name!r}), mapping.load('call-records'))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert f"needs {library}: pip install 'hotline-monitor[formats]'" in done.stderr


def test_events_beyond_memory_wait_on_disk_and_come_back_in_order() -> None:
    found, plain = Sorted(run_events=7), []
    for n in range(100):
        event = Timed((n * 37) % 11, str(n).encode(), b"{}")
        found.add(event)
        plain.append(event)
    assert list(found) == list(found) == sorted(plain, key=lambda event: event.time)
    assert (len(found), found.first, found.last) == (100, 0, 10)
    found.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_large_file_is_read_within_a_bound_of_memory(tmp_path) -> None:
    file = tmp_path / "calls.csv"
    with file.open("w") as out:
        out.write("call_id,start,wait,talk,outcome,queue\n")
        for n in range(300_000):
            out.write(f"{n},2026-11-22 {n % 24:02d}:{n // 24 % 60:02d}:00,5,60,answered,q\n")
    script = (
        "import resource, sys; from pathlib import Path; from deploy.producers import mapping\n"
        "from deploy.producers.contents import read\n"
        f"contents = read(Path({str(file)!r}), mapping.load('call-records'), feed='f', generation=1)\n"
        "last = 0\n"
        "for event in contents.events:\n    assert event.time >= last\n    last = event.time\n"
        "print(len(contents.events), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    count, peak_mb = map(int, done.stdout.split())
    assert count == 1_200_000
    assert peak_mb < 450, before
