"""Terms of visits that are stored already: those written before there were any, or before a site's words changed."""

from datetime import date, timedelta
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from sinks.clickhouse.rows import VISITS, TermsOf

_BLOCK = 10_000


class Remade(NamedTuple):
    """How many visits had a text, and how many of them have other terms now."""

    looked_at: int
    changed: int


def remake(client: Client, terms_of: TermsOf, first: date, last: date) -> Remade:
    """Make the terms of all visits of some local days anew; safe to repeat, and beside a writer that has the same words.

    A row is written again with the version it has: of two such rows the later one holds, and a newer version of the
    visit, come meanwhile, still wins.
    """
    looked_at = changed = 0
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        query = f"SELECT {', '.join(VISITS.columns)} FROM visits FINAL WHERE day = {{day:Date}} AND (text != '' OR notEmpty(terms))"  # noqa: S608  (names of columns)
        text, terms = VISITS.columns.index("text"), VISITS.columns.index("terms")
        with client.query_row_block_stream(query, {"day": day}) as stream:
            rows = [row for block in stream for row in block]
        fresh = [
            (*row[:terms], list(made), *row[terms + 1 :])
            for row in rows
            if list(made := terms_of(row[text])) != list(row[terms])
        ]
        for begin in range(0, len(fresh), _BLOCK):
            client.insert("visits", fresh[begin : begin + _BLOCK], column_names=VISITS.columns)
        looked_at += len(rows)
        changed += len(fresh)
    return Remade(looked_at, changed)
