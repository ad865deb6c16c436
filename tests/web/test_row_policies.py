"""Row policies that the engine itself enforces leave the same rows of every view as the filters that are sent along.

`hotline access clickhouse` prints SQL for a ClickHouse with users. The embedded engine has one user and nowhere to keep
policies, but it takes those of a configuration: the conditions printed are put there, on the data of the story.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import pytest
import story
from test_row_filters import FILTERS, SETTINGS, views

from deploy.embedded.child import free_port
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.runtime.access import Filter, Grant
from sinks.web.people import person
from sinks.web.row_filters import as_policies, as_setting, row_filters

pytestmark = [pytest.mark.clickhouse, pytest.mark.faults, pytest.mark.timeout(300)]

EVERYTHING = "everything"
SEES = {name: FILTERS[name] for name in ("queue", "centre", "both", "district", "nobody")} | {EVERYTHING: Filter()}
POLICY = re.compile(r"CREATE ROW POLICY OR REPLACE `\w+` ON `(\w+)`\.`(\w+)` FOR SELECT USING (.*) TO `\w+`")
ASK = """
import json, os, sys
os.environ["TZ"] = "UTC"
import chdb
path, configuration, database = sys.argv[1:]
connection = chdb.connect(f"{path}?config-file={configuration}")
connection.query(f"USE {database}")
for view in json.load(sys.stdin):
    rows = connection.query(f"SELECT * FROM {view} ORDER BY ALL", "JSONEachRow").bytes().decode().splitlines()
    print(json.dumps([view, sorted(rows)]))
"""
Rows = dict[str, list[str]]


class Stored(NamedTuple):
    """Where the story lies, with nobody reading it, and what the filters left of each view."""

    path: Path
    database: str
    filtered: dict[str, Rows]


def filters_of(sees: Filter) -> dict[str, str]:
    return row_filters(person("chen", Grant(role="analyst", sees=sees)), SETTINGS)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    server = ClickHouseServer(tmp_path_factory.mktemp("policies") / "clickhouse", port=free_port())
    server.start()
    try:
        telling = story.tell(server.url)
        told = next(telling)
        database = told.settings.clickhouse.database
        filtered: dict[str, Rows] = {}
        for name, sees in SEES.items():
            settings = {"additional_table_filters": as_setting(filters_of(sees), database), "readonly": 1}
            for view in views(told.client):
                asked = f"SELECT * FROM {view} ORDER BY ALL"
                raw = told.client.raw_query(asked, settings=settings, fmt="JSONEachRow")
                filtered.setdefault(name, {})[view] = sorted(raw.decode().splitlines())
    finally:
        server.stop()
    telling.close()
    return Stored(server.data_dir, database, filtered)


def configured(directory: Path, database: str, sees: Filter) -> Path:
    """A configuration of the engine whose one user has the policies that are printed."""
    printed = [POLICY.fullmatch(one) for one in as_policies(filters_of(sees), database, "hotline_chen")]
    tables = "".join(
        f"<{found[2]}><filter>{escape(found[3])}</filter></{found[2]}>" for found in printed if found is not None
    )
    assert tables.count("<filter>") == len(filters_of(sees))
    users = directory / "users.xml"
    users.write_text(
        f"<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/><networks><ip>::/0</ip></networks>"
        f"<databases><{database}>{tables}</{database}></databases></default></users></clickhouse>",
        encoding="utf-8",
    )
    configuration = directory / "config.xml"
    configuration.write_text(f"<clickhouse><users_config>{users}</users_config></clickhouse>", encoding="utf-8")
    return configuration


@pytest.mark.parametrize("name", SEES)
def test_policies_leave_what_filters_leave(stored: Stored, tmp_path: Path, name: str) -> None:
    configuration = configured(tmp_path, stored.database, SEES[name])
    done = subprocess.run(
        [sys.executable, "-c", ASK, stored.path, configuration, stored.database],
        input=json.dumps(sorted(stored.filtered[name])), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: Rows = dict(map(json.loads, done.stdout.splitlines()))
    assert found.keys() == stored.filtered[name].keys()
    for view, rows in found.items():
        assert rows == stored.filtered[name][view], view
    hidden = [view for view, rows in stored.filtered[EVERYTHING].items() if rows != found[view]]
    assert (len(hidden) > 5) == (name != EVERYTHING), hidden
