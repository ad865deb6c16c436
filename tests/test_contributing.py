"""The README's contributing part, followed literally in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
README = (REPO / "README.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The fenced block of the README that stands under `<!-- name… -->`."""
    found = re.search(rf"<!-- {name}[^>]*-->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no block {name!r}"
    return found.group(1)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ("streams", "sinks", "alerts", "deploy"):
        shutil.copytree(REPO / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def python(copy: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def insert_after(path: Path, line: str, text: str) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count(line) == 1, line
    path.write_text(source.replace(line, line + text), encoding="utf-8")


@pytest.mark.clickhouse
def test_a_new_metric_reaches_sql(copy: Path, clickhouse_url: str) -> None:
    insert_after(copy / "streams/contract/cells.py", "COUNTERS: dict[str, str] = {\n", block("metric-definition"))
    contribution = copy / "streams/contribution.py"
    function = "def _answered(arrival: Counts, stay: Stay, promise: Promise) -> None:\n    wait = stay.wait_ms or 0\n"
    insert_after(contribution, function, block("metric-contribution"))
    assert "long_answered" in python(copy, "-m", "sinks.clickhouse.new_counter", "long_answered")
    script = f"""
import msgspec
from deploy.runtime.processor import Record
from deploy.runtime.settings import ClickHouse, Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract.topics import CALLS, CELLS, PARTIALS
from streams.processors import factory

settings = Settings(demo=True, clickhouse=ClickHouse(url={clickhouse_url!r}, database="contributing"))
build = factory(settings)
calls, merger = build(CALLS, 0, None), build(PARTIALS, 0, None)
events = [("queued", 0), ("answered", 130_000), ("ended", 200_000)]
records = [
    Record(n, 100_000_000 + at, None, msgspec.json.encode(
        {{"type": kind, "time": 100_000_000 + at, "call": "c", "hotline": "h", "queue": "q"}}))
    for n, (kind, at) in enumerate(events)
]
calls.apply(records)
merger.apply([Record(n, 1, None, o.value) for n, o in enumerate(calls.outputs()) if o.topic == PARTIALS])
migrate(settings)
client = connect(settings.clickhouse)
functions = row_functions(days_by(lambda hotline: settings.hotline(hotline).zone))
cells = [Record(n, 1, o.key, o.value) for n, o in enumerate(merger.outputs()) if o.topic == CELLS]
rows, refused = to_rows(functions[CELLS], CELLS, 0, cells)
assert not refused
for part in blocks(rows):
    assert not Inserter(client).write(part)
print(client.query("SELECT sum(long_answered) FROM v_cells WHERE dimension_set = 'queue'").result_rows)
"""
    assert python(copy, "-c", script).strip() == "[(1,)]"


def test_a_new_channel_tells(copy: Path) -> None:
    (copy / "alerts/channels/file.py").write_text(block("channel"), encoding="utf-8")
    script = """
import asyncio
from pathlib import Path
from alerts.channels import Channel, Delivered, Notice, Retry
from alerts.channels.file import FileChannel
from streams.contract import AlertEvent

event = AlertEvent(fingerprint="f", episode="e", rule="R", state="firing", reason="held_long_enough", severity="warning",
                   feed="live", hotline="h", queue="q", at=1, started_at=1, version=1, value=1.0, labels={})
channel: Channel = FileChannel(Path("alerts.txt"))
assert isinstance(asyncio.run(channel.send([Notice(event)], 7)), Delivered)
assert Path("alerts.txt").read_text() == "7 firing R q\\n"
assert isinstance(asyncio.run(FileChannel(Path("no/such/folder")).send([Notice(event)], 7)), Retry)
"""
    python(copy, "-c", script)


def test_a_new_input_format_is_a_mapping(copy: Path) -> None:
    (copy / "my-mapping.yaml").write_text(block("mapping"), encoding="utf-8")
    (copy / "calls.csv").write_text(
        "id,phone,skill,start,pickup,hangup,result\n"
        "1,13800138000,utilities,2026-11-22T10:00:00,2026-11-22T10:00:09,2026-11-22T10:02:00,OK\n"
        "2,,utilities,2026-11-22T10:00:00,,2026-11-22T10:00:40,HUNGUP\n",
        encoding="utf-8",
    )
    script = """
from pathlib import Path
from deploy.producers.export import open_export
from deploy.producers.mapping import load
from deploy.producers.mapping_rows import RowReader
mapping = load("my-mapping.yaml")
export = open_export(Path("calls.csv"), mapping)
reader = RowReader(mapping, export.header, feed="f", generation=1)
for line in export:
    row = reader.read(line.values)
    print(row.outcome, [event.type for event in row.events])
"""
    assert python(copy, "-c", script).splitlines() == [
        "answered ['arrived', 'queued', 'answered', 'ended']",
        "abandoned ['arrived', 'queued', 'abandoned']",
    ]
