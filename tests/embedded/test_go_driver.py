"""The Go driver over HTTP, as Grafana's datasource uses it, reads the embedded ClickHouse."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = [
    pytest.mark.clickhouse,
    pytest.mark.timeout(900),  # the first build compiles the driver and everything under it
    pytest.mark.skipif(shutil.which("go") is None, reason="needs the Go toolchain"),
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    program = tmp_path_factory.mktemp("go") / "go_driver"
    build = subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=Path(__file__).parent / "go_driver",
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return program


def ask(driver, url, user, compression):
    return subprocess.run(
        [driver, urlsplit(url).netloc, user, compression], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("user", ["default", "reader"])
@pytest.mark.parametrize("compression", ["none", "gzip", "lz4"])
def test_the_driver_reads_every_kind_of_answer(driver, clickhouse_url, user, compression):
    ran = ask(driver, clickhouse_url, user, compression)
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
