"""The clients that people use read the same answers from the embedded ClickHouse: every view, with all column types.

clickhouse-connect's rows are what the others are compared with, by their text (`clients.py`).
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import clients
import pytest
import story
from clients import of_json, plain

pytestmark = [pytest.mark.clickhouse, pytest.mark.faults, pytest.mark.timeout(600)]

ROWS = 30
Answer = list[list[str | None]]


@pytest.fixture(scope="module")
def told(clickhouse_url: str) -> Iterator[story.Told]:
    yield from story.tell(clickhouse_url)


class Asked(NamedTuple):
    """Queries, and what clickhouse-connect read for each but the last, which is wrong."""

    told: story.Told
    queries: list[str]
    expected: list[Answer]

    def same(self, done: subprocess.CompletedProcess[str]) -> None:
        """Whether a program wrote the same answers, a line of JSON each."""
        assert done.returncode == 0, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(self.queries)
        for query, answer, rows in zip(self.queries, answers, self.expected, strict=False):
            assert answer.get("rows") == rows, (query, answer.get("error"))
        assert "no_such_table" in answers[-1]["error"]
        assert "60" in answers[-1]["error"]

    def arguments(self, directory: Path) -> tuple[str, str, Path]:
        """Address, database, and a file with the queries."""
        path = directory / "queries.txt"
        path.write_text("\n".join(self.queries), encoding="utf-8")
        return self.told.settings.clickhouse.url, self.told.settings.clickhouse.database, path


def of_rows(rows: Any) -> Answer:
    return [[plain(value) for value in row] for row in rows]


@pytest.fixture(scope="module")
def asked(told: story.Told) -> Asked:
    """Every view and the tables behind two of them, values at their limits, nothing, and what is wrong."""
    views = [row[0] for row in told.client.query("SHOW TABLES LIKE 'v_%'").result_rows]
    assert len(views) > 20
    queries = [
        *(f"SELECT * FROM {name} ORDER BY ALL LIMIT {ROWS}" for name in [*views, "hotlines", "visits"]),
        "SELECT toUInt8(255), toInt64('-9223372036854775808'), toUInt64('18446744073709551615'), 0.25, 'café 热线\t'",
        "SELECT toUInt128('340282366920938463463374607431768211455'), CAST(NULL AS Nullable(Float64)), toNullable('')",
        "SELECT number FROM numbers(10) WHERE number > 100",
        "SELECT * FROM no_such_table",
    ]
    expected = [of_rows(told.client.query(query).result_rows) for query in queries[:-1]]
    assert sum(map(len, expected)) > 250
    assert any(None in row for answer in expected for row in answer)
    return Asked(told, queries, expected)


@pytest.mark.parametrize(("client", "compression"), [("client", "lz4"), ("client", "http"), ("jdbc", "lz4")])
def test_the_official_java_clients(asked: Asked, jars: str, tmp_path: Path, client: str, compression: str) -> None:
    if client == "jdbc":  # its ResultSet has strings of its own for what is no SQL type: those are left to the other
        asked = asked._replace(queries=asked.queries[-4:], expected=asked.expected[-3:])
    url, database, path = asked.arguments(tmp_path)
    done = subprocess.run(
        ["java", "-cp", jars, clients.HERE / "java_client/Ask.java", url, database, "reader", client, compression, path],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    asked.same(done)


@pytest.mark.parametrize("compression", ["gzip", "lz4"])
def test_the_official_go_driver(asked: Asked, go_driver: Path, tmp_path: Path, compression: str) -> None:
    url, database, path = asked.arguments(tmp_path)
    done = subprocess.run(
        [go_driver, urlsplit(url).netloc, "reader", compression, database, path],
        capture_output=True,
        text=True,
        check=False,
    )
    asked.same(done)


def test_pandas(asked: Asked) -> None:
    for query, rows in zip(asked.queries, asked.expected, strict=False):
        frame = asked.told.client.query_df(query, use_na_values=False, use_none=True)
        assert of_rows(frame.itertuples(index=False, name=None)) == rows, query


def test_curl(asked: Asked) -> None:
    curl = clients.curl()
    settings = {
        "user": "reader", "database": asked.told.settings.clickhouse.database, "default_format": "JSONCompactEachRowWithNamesAndTypes",
        "output_format_json_quote_64bit_integers": "0", "output_format_json_quote_denormals": "1",
    }  # fmt: skip
    address = f"{asked.told.settings.clickhouse.url}/?{urlencode(settings)}"

    def ask(query: str) -> str:
        done = subprocess.run(
            [curl, "-sS", "--data-binary", "@-", address], input=query.encode(), capture_output=True, check=True
        )
        return done.stdout.decode()

    for query, rows in zip(asked.queries, asked.expected, strict=False):
        _, kinds, *found = map(json.loads, ask(query).splitlines())
        told_rows = [[plain(of_json(value, kind)) for value, kind in zip(row, kinds, strict=True)] for row in found]
        assert told_rows == rows, query
    assert ask(asked.queries[-1]).startswith("Code: 60. DB::Exception: ")
