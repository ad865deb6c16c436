"""The image: built from the lock file, runs as nobody in particular, and knows whether its process is healthy."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
HEALTHCHECK = ROOT / "deploy/docker/healthcheck.py"


def test_bases_are_pinned_and_the_same() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert set(bases) == {bases[0]}
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])


def test_it_is_built_from_the_lock_file_with_the_uv_of_the_makefile() -> None:
    syncs = re.findall(r"uv sync [^\n]*", DOCKERFILE)
    assert syncs
    assert all("--frozen" in sync for sync in syncs)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = re.search(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert wanted
    assert f"ARG UV_VERSION={wanted[1]}\n" in DOCKERFILE


def test_it_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "10001:10001"


def test_what_is_copied_exists_and_reaches_the_builder() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in allowed, source


class _Process(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(b'{"ready":false,"problems":["Kafka"]}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def process() -> Iterator[type[_Process]]:
    class Process(_Process):
        port = 0

    with ThreadingHTTPServer(("127.0.0.1", 0), Process) as server:
        Process.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Process
        server.shutdown()
        thread.join()


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(HEALTHCHECK), *arguments], capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_says_what_the_process_says(process: type[_Process], status: int, code: int) -> None:
    process.status = status
    done = check(str(process.port))
    assert done.returncode == code
    assert "Kafka" in done.stdout


def test_no_answer_is_not_healthy(unused_tcp_port: int) -> None:
    done = check(str(unused_tcp_port))
    assert done.returncode == 1
    assert "no answer" in done.stderr


def test_a_health_check_without_a_port_is_a_mistake() -> None:
    assert check().returncode == 1
    assert "usage" in check("http://x").stderr
