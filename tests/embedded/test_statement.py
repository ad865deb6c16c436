"""What is code and what is text in a request, and where an INSERT's data begins."""

import pytest

from deploy.embedded.clickhouse_server.errors import ServerError
from deploy.embedded.clickhouse_server.statement import parse
from deploy.embedded.clickhouse_server.tokens import tokens


def words(sql):
    return [token.text for token in tokens(sql.encode())]


def test_comments_and_strings_are_no_code():
    assert words("SELECT -- file('x')\n 'file(\\'x\\')', /* url( */ a$b") == ["SELECT", "'file(\\'x\\')'", ",", "A$B"]


def test_a_function_stays_visible_behind_comments_odd_blanks_and_quotes():
    for sql in ("file/**/('x')", "file\u00a0('x')", "file \n-- c\n ('x')", "\"file\"('x')", "`file` ('x')"):
        assert [w.lower() for w in words(sql)[:2]] == ["file", "("]


def test_heredocs_and_doubled_quotes_end_where_they_end():
    assert words("SELECT $a$ it's ( $a$, 'it''s', `a``b`") == ["SELECT", "$a$ it's ( $a$", ",", "'it''s'", ",", "a``b"]


def test_the_data_of_an_insert_begins_after_the_format_and_one_line_break():
    binary = b"\x00\x01; DROP TABLE t; 'unfinished"
    found = parse(b"INSERT INTO t (a, b) SETTINGS x = 1 FORMAT Native\n" + binary)
    assert (found.kind, found.format, found.data) == ("insert", "Native", binary)
    assert found.sql[: found.infile_at] == b"INSERT INTO t (a, b) "
    assert parse(b'INSERT INTO t FORMAT JSONEachRow {"a": 1}').data == b'{"a": 1}'
    assert parse(b"INSERT INTO t FORMAT CSV\n\n1").data == b"\n1"


def test_an_insert_of_a_query_or_of_values_has_no_data_apart():
    assert parse(b"INSERT INTO t SELECT 1 FORMAT Native").data is None
    assert parse(b"INSERT INTO t (a) VALUES (1), (2)").data is None
    assert parse(b"INSERT INTO t (a) FORMAT Values (1)").data is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 FORMAT JSON", "JSON"),
        ("SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        ("SELECT format FROM t", None),
        ("SELECT * FROM (SELECT 1 FORMAT x)", None),
        ("(SELECT 1) UNION ALL (SELECT 2) FORMAT TSV;", "TSV"),
    ],
)
def test_the_format_of_an_answer(sql, expected):
    assert parse(sql.encode()).format == expected


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "INSERT INTO t VALUES (1); DROP TABLE t", "SELECT 1;;SELECT 2"])
def test_several_statements_are_refused(sql):
    with pytest.raises(ServerError, match="several statements"):
        parse(sql.encode())


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing", ";"])
def test_nothing_is_refused(sql):
    with pytest.raises(ServerError, match="Empty query"):
        parse(sql.encode())


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", "read"),
        ("(select 1)", "read"),
        ("DROP TABLE t", "write"),
        ("1 + 1", "write"),
        ("INSERT INTO t VALUES (1)", "insert"),
    ],
)
def test_reading_is_told_from_writing(sql, kind):
    assert parse(sql.encode()).kind == kind
