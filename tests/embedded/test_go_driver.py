"""The Go driver over HTTP, as Grafana's datasource uses it, reads the embedded ClickHouse."""

import json
import subprocess
from urllib.parse import urlsplit

import pytest

pytestmark = [
    pytest.mark.clickhouse,
    pytest.mark.timeout(900),  # the first build compiles the driver and everything under it
]


def ask(go_driver, url, user, compression):
    return subprocess.run(
        [go_driver, urlsplit(url).netloc, user, compression], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("user", ["default", "reader"])
@pytest.mark.parametrize("compression", ["none", "gzip", "lz4"])
def test_the_driver_reads_every_kind_of_answer(go_driver, clickhouse_url, user, compression):
    ran = ask(go_driver, clickhouse_url, user, compression)
    assert ran.returncode == 0, ran.stderr
    got = json.loads(ran.stdout)
    assert "code: 60" in got.pop("Exception")
    assert got.pop("Version").count(".") >= 2
    assert got == {
        "Number": 7,
        "Text": "café 热线",
        "Float": 0.25,
        "Time": "2024-01-02T03:04:05.678Z",
        "Rows": 200_000,
        "Empty": 0,
        "Named": "it's",
    }
