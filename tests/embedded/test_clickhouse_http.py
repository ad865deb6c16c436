"""The embedded ClickHouse over its HTTP protocol: curl's way and clickhouse-connect's."""

import asyncio
import base64
import gzip
import http.client
import json
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import aiohttp
import clickhouse_connect
import cramjam
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.embedded.clickhouse_server.handshake import answer, is_handshake

pytestmark = pytest.mark.clickhouse


@pytest.fixture
def ask(clickhouse_url):
    """`ask(sql, ...)` -> (status, headers, body) of one plain HTTP request."""

    def request(sql="", *, method="POST", body=b"", headers=None, path="/", **args):
        connection = http.client.HTTPConnection(urlsplit(clickhouse_url).netloc, timeout=60)
        query = urlencode(({"query": sql} if sql else {}) | args)
        connection.request(method, f"{path}?{query}" if query else path, body=body, headers=headers or {})
        response = connection.getresponse()
        result = response.status, response.headers, response.read()
        connection.close()
        return result

    return request


@pytest.fixture
def client(clickhouse_url):
    with clickhouse_connect.get_client(dsn=clickhouse_url) as client:
        yield client


@pytest.fixture
def table(client, request):
    name = f"t_{abs(hash(request.node.name))}"
    client.command(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    yield name
    client.command(f"DROP TABLE {name}")


def test_ping_and_the_bare_address_answer_ok(ask):
    assert ask(method="GET", path="/ping")[::2] == (200, b"Ok.\n")
    assert ask(method="GET")[::2] == (200, b"Ok.\n")


def test_a_query_comes_in_the_url_or_in_the_body_or_in_both(ask):
    assert ask("SELECT 1", method="GET")[2] == b"1\n"
    assert ask(body=b"SELECT 2")[2] == b"2\n"
    assert ask("SELECT 3", body=b"+ 4")[2] == b"7\n"


def test_the_answer_says_format_zone_and_cost(ask):
    status, headers, body = ask("SELECT number AS n FROM numbers(3) FORMAT JSON", query_id="mine")
    assert status == 200
    assert [row["n"] for row in json.loads(body)["data"]] == [0, 1, 2]
    assert headers["Content-Type"].startswith("application/json")
    assert headers["X-ClickHouse-Format"] == "JSON"
    assert headers["X-ClickHouse-Query-Id"] == "mine"
    assert headers["X-ClickHouse-Timezone"] == "UTC"
    assert json.loads(headers["X-ClickHouse-Summary"])["read_rows"] == "3"
    assert ask("SELECT 1", default_format="CSVWithNames")[2] == b'"1"\n1\n'


def test_parameters_and_settings_come_in_the_url(ask):
    assert ask("SELECT {a:String}", param_a="it's\\n")[2] == b"it\\'s\\n\n"
    assert ask("SELECT getSetting('max_block_size')", max_block_size="1234")[2] == b"1234\n"
    status, headers, _ = ask("SELECT 1", no_such_setting="1")
    assert (status, headers["X-ClickHouse-Exception-Code"]) == (400, "115")


def test_an_error_has_its_code_its_name_and_its_status(ask):
    status, headers, body = ask("SELECT * FROM no_such_table")
    assert status == 404
    assert headers["X-ClickHouse-Exception-Code"] == "60"
    assert body.startswith(b"Code: 60. DB::Exception: ")
    assert b"(UNKNOWN_TABLE) (version " in body


def test_data_follows_an_insert_plain_and_compressed(ask, table):
    rows = b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'
    insert = f"INSERT INTO {table} FORMAT JSONEachRow"
    status, headers, _ = ask(insert, body=rows)
    assert (status, json.loads(headers["X-ClickHouse-Summary"])["written_rows"]) == (200, "2")
    for encoding, compress in (
        ("gzip", gzip.compress),
        ("deflate", cramjam.zlib.compress),
        ("lz4", cramjam.lz4.compress),
        ("zstd", cramjam.zstd.compress),
    ):
        assert ask(insert, body=bytes(compress(rows)), headers={"Content-Encoding": encoding})[0] == 200
    assert ask(body=f"{insert}\n".encode() + rows)[0] == 200
    assert ask(f"INSERT INTO {table} VALUES", body=b"(3, 'z')")[0] == 200
    assert ask(f"SELECT count(), sum(a) FROM {table}")[2] == b"13\t21\n"


def test_answers_are_compressed_when_the_client_asks_for_it(ask):
    want = ask("SELECT number FROM numbers(10000)")[2]
    for encoding, decompress in (
        ("gzip", gzip.decompress),
        ("lz4", cramjam.lz4.decompress),
        ("zstd", cramjam.zstd.decompress),
    ):
        accept = {"Accept-Encoding": encoding}
        _, headers, body = ask("SELECT number FROM numbers(10000)", headers=accept, enable_http_compression="1")
        assert headers["Content-Encoding"] == encoding
        assert bytes(decompress(body)) == want
        assert ask("SELECT number FROM numbers(10000)", headers=accept)[2] == want


@pytest.mark.parametrize(
    ("args", "headers", "code"),
    [
        ({"decompress": "1"}, {}, "36"),
        ({}, {"Content-Type": "multipart/form-data; boundary=x"}, "48"),
        ({}, {"Content-Encoding": "snappy"}, "48"),
        ({}, {"Content-Encoding": "gzip"}, "36"),
        ({"user": "somebody"}, {}, "516"),
        ({}, {"X-ClickHouse-User": "somebody"}, "516"),
        ({}, {"Authorization": "Basic " + base64.b64encode(b"somebody:x").decode()}, "516"),
    ],
)
def test_what_is_not_offered_is_refused_with_a_reason(ask, args, headers, code):
    status, got, body = ask(body=b"SELECT 1", headers=headers, **args)
    assert status >= 400
    assert got["X-ClickHouse-Exception-Code"] == code
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())


def test_a_browser_page_and_another_host_are_refused(ask):
    assert ask("SELECT 1", headers={"Host": "evil.example"})[0] == 403
    assert ask("SELECT 1", headers={"Origin": "http://evil.example"})[0] == 403


def test_a_file_cannot_be_read_as_if_it_were_a_table(ask):
    for sql in (
        "SELECT * FROM `/etc/hostname`",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM default.`/etc/hostname`",
    ):
        assert ask(sql)[1]["X-ClickHouse-Exception-Code"] == "60", sql


def test_a_reader_reads_within_limits_and_changes_nothing(ask, table):
    reader = {"headers": {"X-ClickHouse-User": "reader"}}
    assert ask(f"SELECT count() FROM {table}", **reader)[2] == b"0\n"
    assert ask(f"INSERT INTO {table} VALUES (1, 'x')", **reader)[1]["X-ClickHouse-Exception-Code"] == "164"
    assert ask("SELECT 1 SETTINGS max_threads = 9", **reader)[1]["X-ClickHouse-Exception-Code"] == "164"
    assert ask("SELECT 1", max_memory_usage="0", **reader)[1]["X-ClickHouse-Exception-Code"] == "164"
    assert ask("SELECT getSetting('max_execution_time')", max_execution_time="9999", **reader)[2] == b"30\n"
    assert ask("SELECT getSetting('readonly')", readonly="2", **reader)[2] == b"1\n"
    slow = ask("SELECT count() FROM numbers(1000000000000)", max_execution_time="0.2", **reader)
    assert slow[1]["X-ClickHouse-Exception-Code"] == "159"
    assert ask("SELECT number FROM numbers(2000000)", **reader)[1]["X-ClickHouse-Exception-Code"] == "396"


async def test_people_cannot_stop_the_writer(clickhouse_url, table):
    slow = {"query": "SELECT count() FROM numbers(1000000000000)", "max_execution_time": "10", "user": "reader"}
    insert = {"query": f"INSERT INTO {table} FORMAT TSV"}
    async with aiohttp.ClientSession(clickhouse_url) as session:

        async def post(params, data=b""):
            async with session.post("/", params=params, data=data) as response:
                return response.status, response.headers.get("X-ClickHouse-Exception-Code")

        people = [asyncio.create_task(post(slow)) for _ in range(24)]
        await asyncio.wait(people, return_when=asyncio.FIRST_COMPLETED)  # those for whom there is no room
        assert await post(insert, b"1\tx\n") == (200, None)
        assert sum(not task.done() for task in people) > 10
        first = [task.result() for task in people if task.done()]
        assert set(first) <= {(503, "202"), (500, "159")}
        assert (503, "202") in first
        for task in people:
            task.cancel()
        await asyncio.wait(people)
        # Those that had not begun went with their clients: there is room again as soon as two have ended.
        async with asyncio.timeout(60):
            while await post({"query": "SELECT 1", "user": "reader"}) != (200, None):
                pass


def test_settings_of_a_request_do_not_outlive_it_in_a_session(ask):
    session = {"session_id": "settings"}
    assert ask("SET max_block_size = 77", **session)[0] == 200
    assert ask("SELECT getSetting('max_block_size')", max_block_size="99", **session)[2] == b"99\n"
    assert ask("SELECT getSetting('max_block_size')", **session)[2] == b"77\n"
    assert ask("SELECT getSetting('readonly')", readonly="2", **session)[2] == b"2\n"
    assert ask("CREATE TEMPORARY TABLE mine (a UInt8) ENGINE = Memory", **session)[0] == 200
    assert ask("SELECT count() FROM mine", **session)[2] == b"0\n"
    assert ask("SELECT count() FROM mine", session_id="other")[1]["X-ClickHouse-Exception-Code"] == "60"
    assert ask("SELECT 1", session_id="never", session_check="1")[1]["X-ClickHouse-Exception-Code"] == "372"


def test_clickhouse_connect_inserts_and_reads_back(client, table):
    client.command(f"ALTER TABLE {table} ADD COLUMN at DateTime64(3, 'UTC'), ADD COLUMN waits Map(UInt16, UInt32)")
    at = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    rows = [[n, f"x{n}", at, {n % 120: n}] for n in range(5000)]
    summary = client.insert(table, rows, column_names=["a", "b", "at", "waits"])
    assert summary.written_rows == 5000
    got = client.query(
        f"SELECT a, b, at, waits FROM {table} WHERE a = {{n:UInt64}}", parameters={"n": 4999}, tz_mode="aware"
    )
    assert got.result_rows == [(4999, "x4999", at, {4999 % 120: 4999})]
    assert (
        client.query(f"SELECT b FROM {table} WHERE b = {{t:String}}", parameters={"t": "a'\\b\n\t"}).result_rows == []
    )
    with pytest.raises(DatabaseError, match="code: 60") as failure:
        client.query("SELECT * FROM no_such_table")
    assert failure.value.code == 60


def test_a_client_names_its_database_in_the_url_or_in_a_header(ask):
    assert ask("SELECT currentDatabase()")[2] == b"default\n"
    assert ask("SELECT currentDatabase()", database="system")[2] == b"system\n"
    assert ask("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "system"})[2] == b"system\n"


def test_the_handshake_answer_is_for_the_go_driver_only():
    question = b"SELECT displayName(), version(), revision(), timezone()"
    assert is_handshake(question, 54_460)
    assert not is_handshake(question, 0)
    assert not is_handshake(b"SELECT version()", 54_460)
    block = answer("name", "26.9.2.1", "UTC")
    assert block.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01\x0ddisplayName()\x06String\x00\x04name")
    assert b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00" in block
