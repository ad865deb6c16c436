"""The clients that people use read the same answers from the embedded ClickHouse: every view, with all column types.

clickhouse-connect's rows are what the others are compared with; they are told apart by their text alone: `[a,b]` for
arrays and tuples, `{k:v}` for maps, instants in UTC to the millisecond (a midnight by its date).
"""

import asyncio
import json
import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import aiohttp
import pandas as pd
import pytest
import story
from clickhouse_connect.driver.client import Client

pytestmark = [pytest.mark.clickhouse, pytest.mark.faults, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
ROWS = 30
LARGE = 200_000
Answer = list[list[str | None]]


def plain(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return "[" + ",".join(str(plain(one)) for one in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{plain(key)}:{plain(one)}" for key, one in value.items())) + "}"
    return None if pd.isna(value) else of_one(value)


def of_one(value: Any) -> str:
    if isinstance(value, datetime):
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        midnight = (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
        return at.strftime("%Y-%m-%d") if midnight else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


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


@pytest.fixture(scope="module")
def jars(tmp_path_factory: pytest.TempPathFactory) -> str:
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine: Debian's packages default-jdk-headless and maven")
    into = tmp_path_factory.mktemp("jars")
    fetch = [
        "mvn",
        "-q",
        "-B",
        "-f",
        HERE / "java_client/pom.xml",
        "dependency:copy-dependencies",
        f"-DoutputDirectory={into}",
    ]
    done = subprocess.run(fetch, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(HERE / "java_client/target", ignore_errors=True)
    return f"{into}{os.sep}*"


@pytest.mark.parametrize(("client", "compression"), [("client", "lz4"), ("client", "http"), ("jdbc", "lz4")])
def test_the_official_java_clients(asked: Asked, jars: str, tmp_path: Path, client: str, compression: str) -> None:
    if client == "jdbc":  # its ResultSet has strings of its own for what is no SQL type: those are left to the other
        asked = asked._replace(queries=asked.queries[-4:], expected=asked.expected[-3:])
    url, database, path = asked.arguments(tmp_path)
    done = subprocess.run(
        ["java", "-cp", jars, HERE / "java_client/Ask.java", url, database, "reader", client, compression, path],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    asked.same(done)


@pytest.fixture(scope="module")
def go_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain on this machine")
    program = tmp_path_factory.mktemp("go") / "go_driver"
    build = ["go", "build", "-o", program, "."]
    done = subprocess.run(build, cwd=HERE / "go_driver", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


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
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
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
        told_rows = [[plain(of_type(value, kind)) for value, kind in zip(row, kinds, strict=True)] for row in found]
        assert told_rows == rows, query
    assert ask(asked.queries[-1]).startswith("Code: 60. DB::Exception: ")


def of_type(value: Any, kind: str) -> Any:
    """What JSON gives as text, as what it is."""
    if value is None:
        return None
    if "DateTime64" in kind and isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return int(value) if kind == "UInt128" else value


@pytest.mark.parametrize("settings", [{}, {"compress": "1"}, {"enable_http_compression": "1"}])
async def test_a_client_that_goes_away_leaves_room_for_the_next(clickhouse_url: str, settings: dict[str, str]) -> None:
    """Again and again a large answer is cut off in the middle, and a slow query before its first row."""
    large = {"query": "SELECT number, repeat('x', 200) FROM numbers(500000)", "user": "reader"} | settings
    slow = {
        "query": "SELECT count() FROM numbers(1000000000000)",
        "user": "reader",
        "max_execution_time": "1",
    } | settings
    async with aiohttp.ClientSession(clickhouse_url, auto_decompress=False) as session:
        for _ in range(5):
            async with session.post("/", params=large) as response:
                assert await response.content.read(1_000)
                response.close()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), session.post("/", params=slow) as response:
                    await response.read()
        async with asyncio.timeout(30), session.post("/", params={"query": "SELECT 1", "user": "reader"}) as response:
            assert await response.read() == b"1\n"


def test_a_large_result_is_whole(told: story.Told) -> None:
    client: Client = told.client
    rows = client.query(
        f"SELECT number, toString(number), number % 7 = 0 ? NULL : number FROM numbers({LARGE})"
    ).result_rows
    assert len(rows) == LARGE
    assert sum(row[0] for row in rows) == LARGE * (LARGE - 1) // 2
    assert sum(row[2] is None for row in rows) == math.ceil(LARGE / 7)
    frame = client.query_df(f"SELECT number FROM numbers({LARGE})")
    assert int(frame["number"].sum()) == LARGE * (LARGE - 1) // 2
