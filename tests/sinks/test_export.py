"""`hotline export`: the rows of a view of some days as a file that others read."""

import csv

import pyarrow.parquet
import pytest
import story
from click.testing import CliRunner

import deploy.cli.clickhouse
from deploy.cli.export import DAYS, statement, write
from deploy.cli.main import cli

SPAN = ("--from", story.SPIKE, "--to", story.SPIKE)
pytestmark = pytest.mark.clickhouse


@pytest.fixture
def export(told, monkeypatch):
    """`hotline export` with the story's settings."""
    monkeypatch.setattr(deploy.cli.clickhouse, "current", lambda: told.settings)
    monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)

    def export_(*args):
        return CliRunner().invoke(cli, ["export", *args])

    return export_


def test_a_day_of_visits_as_parquet(told, export, tmp_path):
    file = tmp_path / "visits.parquet"
    result = export("v_visits", *SPAN, "-o", str(file))
    assert (result.exit_code, result.stdout) == (0, f"{file}: 20 rows, {file.stat().st_size:,} bytes\n")
    table = pyarrow.parquet.read_table(file)
    [stored] = told.client.query("SELECT count(), sum(wait_ms) FROM v_visits WHERE day = '2026-03-10'").result_rows
    assert (table.num_rows, sum(ms or 0 for ms in table["wait_ms"].to_pylist())) == stored
    assert set(table["feed"].to_pylist()) == {"live"}


def test_as_csv_of_one_hotline(export, tmp_path):
    file = tmp_path / "daily.csv"
    assert export("v_daily", *SPAN, "--hotline", "12345", "--format", "csv", "-o", str(file)).exit_code == 0
    with file.open(encoding="utf-8", newline="") as text:
        assert {row["queue"]: row["offered"] for row in csv.DictReader(text)} == {
            "": "0",
            "water": "12",
            "housing": "5",
        }
    file.unlink()
    assert export("v_daily", *SPAN, "--hotline", "other' OR 1=1 --", "--format", "csv", "-o", str(file)).exit_code == 0
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1


def test_every_view_can_be_asked(told):
    for view in DAYS:
        parameters = {"feed": "live", "hotline": "12345", "from": story.FIRST, "to": story.SPIKE}
        told.client.query(f"SELECT * FROM ({statement(view, hotline=False)}) LIMIT 0", parameters=parameters)


def test_a_file_that_is_there_is_kept(export, tmp_path):
    file = tmp_path / "visits.parquet"
    file.write_text("mine", encoding="utf-8")
    result = export("v_visits", *SPAN, "-o", str(file))
    assert (result.exit_code, "--force" in result.stderr, file.read_text(encoding="utf-8")) == (2, True, "mine")
    assert export("v_visits", *SPAN, "-o", str(file), "--force").exit_code == 0
    assert export("v_visits", "--from", story.SPIKE, "--to", story.FIRST, "-o", str(tmp_path / "x")).exit_code == 2
    assert export("v_visits", *SPAN, "-o", str(tmp_path / "nowhere" / "x")).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["visits.parquet"]


def test_a_file_that_was_cut_off_does_not_appear(tmp_path):
    def chunks():
        yield b"half"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write(chunks(), tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []
