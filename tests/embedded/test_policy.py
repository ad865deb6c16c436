"""What people may send: an allow-list that holds against the ways round it."""

import pytest

from deploy.embedded.clickhouse_server.errors import ServerError
from deploy.embedded.clickhouse_server.policy import Policy
from deploy.embedded.clickhouse_server.statement import parse

POLICY = Policy(
    table_functions=[
        "file",
        "url",
        "remote",
        "merge",
        "mergeTreeIndex",
        "executable",
        "python",
        "numbers",
        "s3",
        "mysql",
    ],
    functions=["sum", "aiGenerate", "file", "count"],
)


def judge(sql, user="reader", *, by_get=False):
    POLICY.require(parse(sql.encode()), user, by_get=by_get)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT file('/etc/passwd')",
        "SELECT * FROM \"file\"('x')",
        "SELECT * FROM \"fi\\x6ce\"('x')",
        "SELECT * FROM FILE /* */ ('x')",
        "SELECT 1 WHERE 1 IN (SELECT 1 FROM url('http://127.0.0.1', 'CSV'))",
        "DESCRIBE TABLE s3('http://x')",
        "EXPLAIN SELECT * FROM mysql('h', 'd', 't', 'u', 'p')",
        "SELECT * FROM merge('default', '.*')",
        "SELECT * FROM mergeTreeIndex('default', 't')",
        "SELECT * FROM executable('x', 'TSV', 'a String')",
        "SELECT * FROM python(frame)",
        "SELECT aiGenerate('x')",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "WITH 1 AS x SELECT x INTO /* */ OUTFILE '/tmp/x' TRUNCATE",
        "SELECT 1 FORMAT Template",
        "SELECT 1 FORMAT ProtobufSingle",
    ],
)
@pytest.mark.parametrize("user", ["reader", "default"])
def test_files_networks_and_programs_are_out_of_reach(sql, user):
    with pytest.raises(ServerError, match=r"refuse|offer"):
        judge(sql, user)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a String) ENGINE = File(CSV)",
        "CREATE TABLE t (a String) ENGINE URL('http://x', CSV)",
        "CREATE TABLE t AS file('x')",
        "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = web, endpoint = 'http://x')",
        "CREATE DATABASE d ENGINE = MySQL('h', 'd', 'u', 'p')",
        "CREATE DATABASE d ENGINE = Filesystem('/')",
        "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(FILE(path 'x'))",
        "CREATE OR REPLACE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(FILE(path 'x'))",
        "CREATE FUNCTION f AS x -> x",
        "CREATE USER u",
        "INSERT INTO FUNCTION url('http://x', 'CSV') SELECT 1",
        "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
        "BACKUP TABLE t TO File('x')",
        "RESTORE TABLE t FROM File('x')",
        "ATTACH TABLE t FROM '/x' (a Int8) ENGINE = Memory",
        "SYSTEM SHUTDOWN",
        "GRANT ALL ON *.* TO reader",
        "1 + 1",
    ],
)
def test_our_own_user_is_held_to_tables_and_views_too(sql):
    with pytest.raises(ServerError):
        judge(sql, "default")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "DROP TABLE t",
        "SET readonly = 0",
        "USE system",
        "OPTIMIZE TABLE t",
        "KILL QUERY WHERE 1",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
    ],
)
def test_a_reader_only_reads(sql):
    with pytest.raises(ServerError, match="only reading"):
        judge(sql)
    judge(sql, "default")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM v_cells WHERE feed = 'live'",
        "WITH x AS (SELECT number FROM numbers(10)) SELECT sum(number) FROM x",
        "SELECT 'file(', \"a(b\" FROM t -- url('x')",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT url FROM pages WHERE file = 1",
        "SELECT engine FROM system.tables",
    ],
)
def test_plain_questions_pass(sql):
    judge(sql)
    judge(sql, by_get=True)


def test_get_does_not_write():
    with pytest.raises(ServerError, match="use POST"):
        judge("DROP TABLE t", "default", by_get=True)
