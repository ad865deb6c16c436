"""Large answers, answers that fail in the middle, and cancelled queries, by every client that people use.

A large answer has every type of column that the schema has, nothing among them, or a million rows; each client says how
many rows it read and SHA-256 of their text (`clients.py`). A cancelled query must be gone from the engine, not only
from the client, and the client's next one be answered.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import aiohttp
import clickhouse_connect
import clients
import pytest
from clickhouse_connect.driver.client import Client

pytestmark = [pytest.mark.clickhouse, pytest.mark.faults, pytest.mark.timeout(600)]

EVERY_TYPE = """
SELECT toUInt8(number), toUInt32(number), 18446744073709551615 - number, toInt64(number) * -1000000007, number / 8,
  number % 2 = 0 AND number % 3 = 0, concat('来电 é\\t', toString(number)), toLowCardinality(['water', '', '其他'][number % 3 + 1]),
  toDateTime64(1792000000 + number * 1.001, 3, 'UTC'), toDate('2026-01-01') + number % 400,
  number % 7 = 0 ? NULL : number / 4, number % 5 = 0 ? NULL : number, number % 4 = 0 ? NULL : toInt64(number) - 50000,
  number % 3 = 0 ? NULL : toString(number % 2 ? '' : 'x'), number % 2 ? NULL : toDateTime64(number * 7, 3, 'UTC'),
  arrayMap(i -> toString(i), range(number % 4)), CAST(['a', 'b'], 'Array(LowCardinality(String))'), [number / 2, 0.25],
  map(toUInt32(number % 120), number), CAST(map('level', toString(number % 3)), 'Map(LowCardinality(String), String)'),
  tuple(toInt64(number), toInt32(8)), [(toInt64(number), toInt32(1))]
FROM numbers({rows})
""".replace("\n", " ").replace("{{", "{").replace("}}", "}").strip()  # fmt: skip
LARGE = EVERY_TYPE.replace("{rows}", "100000")
MILLION = "SELECT number, number % 7 = 0 ? NULL : toString(number), number / 4 FROM numbers(1000000)"
TOO_LARGE = "SELECT number FROM numbers(1000001)"
FAILS_LATE = "SELECT number, throwIf(number = 900000) FROM numbers(1000000)"
CODES = {TOO_LARGE: "396", FAILS_LATE: "395"}
QUERIES = [LARGE, MILLION, TOO_LARGE, FAILS_LATE]

Answers = list[dict[str, Any]]


@pytest.fixture(scope="module")
def reader(clickhouse_url: str) -> Iterator[Client]:
    with clickhouse_connect.get_client(dsn=clickhouse_url, username="reader") as client:
        yield client


@pytest.fixture(scope="module")
def expected(reader: Client) -> Answers:
    """What clickhouse-connect reads of the two that are answered; how much that is, we know."""
    large, million = (clients.digest(reader.query(query).result_rows) for query in (LARGE, MILLION))
    assert (large["count"], million["count"]) == (100_000, 1_000_000)
    return [large, million]


def same(answers: Answers, expected: Answers) -> None:
    assert answers[:2] == expected
    assert len(answers) == len(QUERIES)
    for query, answer in zip(QUERIES[2:], answers[2:], strict=True):
        assert set(answer) == {"error"}, answer
        assert CODES[query] in answer["error"]


def asked(command: Sequence[object], directory: Path) -> Answers:
    """What a program answers that takes a file of queries last."""
    path = directory / "queries.txt"
    path.write_text("\n".join(f"DIGEST {query}" for query in QUERIES), encoding="utf-8")
    done = subprocess.run([*map(str, command), path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def java(jars: str, url: str, client: str, compression: str, user: str = "reader") -> list[object]:
    return ["java", "-cp", jars, clients.HERE / "java_client/Ask.java", url, "default", user, client, compression]


def test_java_reads_large_answers(clickhouse_url: str, jars: str, expected: Answers, tmp_path: Path) -> None:
    same(asked(java(jars, clickhouse_url, "client", "lz4"), tmp_path), expected)


def test_go_reads_large_answers(clickhouse_url: str, go_driver: Path, expected: Answers, tmp_path: Path) -> None:
    command = [go_driver, urlsplit(clickhouse_url).netloc, "reader", "gzip", "default"]
    same(asked(command, tmp_path), expected)


def test_pandas_reads_large_answers(reader: Client, expected: Answers) -> None:
    def ask(query: str) -> dict[str, Any]:
        try:
            frame = reader.query_df(query, use_na_values=False, use_none=True)
        except clickhouse_connect.driver.exceptions.DatabaseError as error:
            return {"error": str(error)}
        return clients.digest(frame.itertuples(index=False, name=None))

    same([ask(query) for query in QUERIES], expected)


def test_curl_reads_large_answers(clickhouse_url: str, expected: Answers) -> None:
    settings = {
        "user": "reader", "default_format": "JSONCompactEachRowWithNamesAndTypes", "output_format_json_quote_64bit_integers": "0",
    }  # fmt: skip
    command = [clients.curl(), "-sS", "--data-binary", "@-", f"{clickhouse_url}/?{urlencode(settings)}"]

    def ask(query: str) -> dict[str, Any]:
        text = subprocess.run(command, input=query, capture_output=True, text=True, check=True).stdout
        if text.startswith("Code: "):
            return {"error": text}
        lines = text.splitlines()
        kinds = json.loads(lines[1])
        return clients.digest(
            [of_json(value, kind) for value, kind in zip(json.loads(line), kinds, strict=True)] for line in lines[2:]
        )

    of_json = clients.of_json
    same([ask(query) for query in QUERIES], expected)


# Cancelled


class Slow:
    """A query that runs for days, and whether the engine still runs it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._name = uuid4().hex
        self.query = f"SELECT count() FROM numbers(1000000000000000) WHERE toString(number) = '{self._name}'"

    def runs(self) -> bool:
        found = self._client.command(
            f"SELECT count() FROM system.processes WHERE query LIKE '%{self._name}%' AND query NOT LIKE '%processes%'"
        )
        return int(str(found)) > 0

    def wait(self, *, until: bool, of: subprocess.Popen[str] | None = None) -> None:
        end = time.monotonic() + 60
        while self.runs() is not until:
            assert of is None or of.poll() is None, of.communicate()
            assert time.monotonic() < end, "the query is still running" if not until else "the query never ran"
            time.sleep(0.02)


@pytest.fixture
def slow(clickhouse_url: str) -> Iterator[Slow]:
    with clickhouse_connect.get_client(dsn=clickhouse_url) as client:
        it = Slow(client)
        yield it
        assert not it.runs()


@contextmanager
def started(command: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    # Whoever runs the tests in the background ignores SIGINT, and so would what they start.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    program = subprocess.Popen(
        [*map(str, command)],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        preexec_fn=heard,  # noqa: PLW1509  (no thread is at work in a fork of a test)
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def cancelled(
    command: Sequence[object], slow: Slow, cancel: Callable[[subprocess.Popen[str]], None], words: tuple[str, ...]
) -> None:
    """Start, cancel when the engine runs it; it is no more, the client says so, and its next query is answered."""
    with started(command) as program:
        slow.wait(until=True, of=program)
        cancel(program)
        slow.wait(until=False)
        out, err = program.communicate(timeout=60)
    answers = [json.loads(line) for line in out.splitlines()]
    assert any(word in answers[0]["error"].lower() for word in words), (answers, err)
    assert answers[1:] == [{"rows": [["7"]]}], err


def line(program: subprocess.Popen[str]) -> None:
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()


def queries(directory: Path, *lines: str) -> Path:
    path = directory / "queries.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("client", "how", "words"),
    [("client", "CANCEL", ("394",)), ("client", "CLOSE", ("closed", "shut down")), ("jdbc", "CANCEL", ("394",))],
)
def test_java_cancels(
    clickhouse_url: str, jars: str, slow: Slow, tmp_path: Path, *, client: str, how: str, words: tuple[str, ...]
) -> None:
    """By `KILL QUERY` with the query's id (JDBC's `cancel()` sends it), or by closing the client."""
    path = queries(tmp_path, f"{how} {slow.query}", "SELECT 7")
    cancelled([*java(jars, clickhouse_url, client, "lz4", "default"), path], slow, line, words)


def test_go_cancels(clickhouse_url: str, go_driver: Path, slow: Slow, tmp_path: Path) -> None:
    path = queries(tmp_path, f"CANCEL {slow.query}", "SELECT 7")
    command = [go_driver, urlsplit(clickhouse_url).netloc, "default", "lz4", "default", path]
    cancelled(command, slow, line, ("context canceled",))


INTERRUPTED = """
import json, sys
import clickhouse_connect
client = clickhouse_connect.get_client(dsn=sys.argv[1])
ask = getattr(client, sys.argv[2])
try:
    ask(sys.argv[3])
except KeyboardInterrupt:
    print(json.dumps({"error": "interrupted"}))
found = ask("SELECT 7")
rows = found.values.tolist() if sys.argv[2] == "query_df" else found.result_rows
print(json.dumps({"rows": [[str(value) for value in row] for row in rows]}))
"""


@pytest.mark.parametrize("method", ["query", "query_df"])
def test_an_interrupted_notebook_cancels(clickhouse_url: str, slow: Slow, method: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, clickhouse_url, method, slow.query]
    cancelled(command, slow, lambda program: program.send_signal(signal.SIGINT), ("interrupted",))


def test_curl_cancels(clickhouse_url: str, slow: Slow) -> None:
    address = f"{clickhouse_url}/?log_comment=mine"
    with started([clients.curl(), "-sS", "--data-binary", slow.query, address]) as program:
        slow.wait(until=True, of=program)
        program.send_signal(signal.SIGINT)
        slow.wait(until=False)


def test_a_reader_ends_the_queries_of_readers_and_no_others(clickhouse_url: str, slow: Slow) -> None:
    def ask(query: str, **args: str) -> str:
        command = [clients.curl(), "-sS", "--data-binary", query, f"{clickhouse_url}/?{urlencode(args)}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    mine = {"query_id": slow.query[-20:-1], "session_id": slow.query[-20:-1]}
    kill = f"KILL QUERY WHERE query_id = '{mine['query_id']}'"
    address = f"{clickhouse_url}/?{urlencode(mine)}"
    with started([clients.curl(), "-sS", "--data-binary", slow.query, address]) as program:
        slow.wait(until=True, of=program)
        assert ask(kill, user="reader") == ""
        assert ask(f"{kill} OR 1", user="reader").startswith("Code: 164.")
        assert ask("SELECT 7", session_id=mine["session_id"]).startswith("Code: 373.")
        assert slow.runs()
        assert ask(kill) == f"waiting\t{mine['query_id']}\tdefault\n"
        slow.wait(until=False)
        assert ask("SELECT 7", session_id=mine["session_id"]) == "7\n"
        assert program.communicate(timeout=60)[0].startswith("Code: 394.")


@pytest.mark.parametrize("settings", [{}, {"compress": "1"}, {"enable_http_compression": "1"}])
async def test_a_client_that_goes_away_leaves_room_for_the_next(
    clickhouse_url: str, settings: dict[str, str], reader: Client
) -> None:
    """Again and again a large answer is cut off in the middle, and a slow query before its first row."""
    large = {"query": "SELECT number, repeat('x', 200) FROM numbers(500000)", "user": "reader"} | settings
    slow = {"query": "SELECT count() FROM numbers(1000000000000)", "user": "reader"} | settings
    async with aiohttp.ClientSession(clickhouse_url, auto_decompress=False) as session:
        for _ in range(5):
            async with session.post("/", params=large) as response:
                assert await response.content.read(1_000)
                response.close()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), session.post("/", params=slow) as response:
                    await response.read()
        async with asyncio.timeout(25), session.post("/", params={"query": "SELECT 1", "user": "reader"}) as response:
            assert await response.read() == b"1\n"


def test_part_of_an_answer_is_enough(
    clickhouse_url: str, jars: str, go_driver: Path, reader: Client, tmp_path: Path
) -> None:
    """A thousand rows of a million are read, and the rest is left alone."""
    path = queries(tmp_path, f"PART {MILLION}", "SELECT 7")
    go = [go_driver, urlsplit(clickhouse_url).netloc, "reader", "lz4", "default"]
    for command in (go, java(jars, clickhouse_url, "client", "lz4"), java(jars, clickhouse_url, "jdbc", "lz4")):
        done = subprocess.run([*command, path], capture_output=True, text=True, timeout=120, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert answers == [{"part": 1_000}, {"rows": [["7"]]}], done.stderr
    with reader.query_row_block_stream(MILLION) as blocks:
        assert next(blocks)
    with reader.query_df_stream(MILLION) as frames:
        assert len(next(frames))
    assert reader.command("SELECT 7") == 7
