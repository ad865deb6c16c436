"""A spike is on the phone within half a minute, a quiet week on nobody's, and an outage of ours pages nobody."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from installation import Installation, eventually

from deploy.embedded.child import free_port

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(3_600)]

RATE = "20000"


def zone_where_it_is_eleven() -> str:
    """A zone in which it is about 11 o'clock now, so that a run at any hour meets a day's traffic."""
    offset = 11 - datetime.now(UTC).hour
    if offset < -12:
        offset += 24
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


class Grafana:
    """Takes annotation requests as Grafana's HTTP API documents them, and keeps them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []
        kept = self.requests

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                kept.append((self.command, self.path, body))
                answer = json.dumps({"message": "Annotation added", "id": len(kept)}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        for method in ("GET", "POST", "PUT", "PATCH"):
            setattr(Handler, f"do_{method}", Handler._take)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def grafana() -> Iterator[Grafana]:
    grafana = Grafana()
    yield grafana
    grafana.server.shutdown()
    grafana.server.server_close()


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = which("prometheus-alertmanager")
    if program is None:
        pytest.skip("Debian's prometheus-alertmanager is not installed")
    directory = tmp_path_factory.mktemp("alertmanager")
    config = directory / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    options = [f"--config.file={config}", f"--storage.path={directory}/data", "--cluster.listen-address="]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, *options, f"--web.listen-address={url[7:]}"], stdout=log, stderr=log)
        eventually(lambda: alerts_in(url) is not None)
        yield url
        process.terminate()
        process.wait()


def alerts_in(url: str) -> list[dict[str, Any]] | None:
    """The alerts an Alertmanager holds; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


@pytest.fixture(scope="module")
def taught(
    tmp_path_factory: pytest.TempPathFactory, alertmanager: str, grafana: Grafana
) -> Iterator[tuple[Installation, Path]]:
    """A Hotline that has learned four simulated weeks of a queue of 20,000 calls a day."""
    directory = tmp_path_factory.mktemp("spike")
    settings = f"""
hotlines:
  city:
    time_zone: {zone_where_it_is_eleven()}
    thresholds_s: [15]
    queues: {{utilities: {{}}}}
alerts:
  alertmanager: {{url: "{alertmanager}"}}
  grafana: {{url: "{grafana.url}", token: not-a-secret}}
"""
    hotline = Installation(directory, settings)
    hotline.start()
    try:
        simulate(hotline, "--history", "28d", "--feed", "only-history", "--for", "1s", "--speed", "max").wait()
        taught = "SELECT 1 FROM v_feeds WHERE feed = 'history' AND queryable_at IS NOT NULL"
        eventually(lambda: hotline.sql(taught), within=1_800)
        yield hotline, directory
    finally:
        hotline.stop()


def simulate(hotline: Installation, *options: str) -> subprocess.Popen[bytes]:
    told = ["--calls-only", "--rate", RATE, "--queue", "utilities"]
    command = [Path(sys.executable).parent / "hotline", "simulate", *told, *options]
    return subprocess.Popen(command, cwd=hotline.directory, env=hotline.environment)


def firing(hotline: Installation) -> list[dict[str, Any]]:
    return hotline.sql("SELECT * FROM v_alerts WHERE state = 'firing' ORDER BY at")


def test_a_spike_fires_within_thirty_seconds_and_resolves(
    taught: tuple[Installation, Path], alertmanager: str, grafana: Grafana
) -> None:
    hotline, directory = taught
    truth = directory / "truth.jsonl"
    running = simulate(
        hotline,
        "--seed",
        "7",
        "--for",
        "16m",
        "--truth",
        str(truth),
        "--incident",
        "spike:start=+5m,for=150s,factor=4",
    )
    try:
        demand = eventually(
            lambda: [a for a in alerts_in(alertmanager) or [] if a["labels"]["alertname"] == "DemandAboveExpectation"],
            within=360,
        )
        seen_at = time.time()
        (start,) = [json.loads(line)["start"] for line in truth.read_text().splitlines() if '"incident"' in line]
        assert 0 < seen_at - start / 1000 <= 30, f"{seen_at - start / 1000:.1f} s after the spike began"
        assert demand[0]["labels"]["hotline"] == "city"
        assert eventually(lambda: [body for _, path, body in grafana.requests if path.startswith("/api/annotations")])
        eventually(lambda: not [a for a in hotline.status()["alerts_firing"] if "Demand" in json.dumps(a)], within=900)
        resolved = hotline.sql("SELECT rule FROM v_alerts WHERE state = 'resolved' AND rule = 'DemandAboveExpectation'")
        assert resolved
    finally:
        running.terminate()
        running.wait()


def test_two_minutes_without_streams_page_nobody(taught: tuple[Installation, Path]) -> None:
    hotline, _ = taught
    running = simulate(hotline, "--seed", "8", "--for", "20m", "--comfort", "4")
    try:
        eventually(lambda: int(hotline.sql("SELECT count() AS n FROM v_visits WHERE feed = 'live'")[0]["n"]) > 50)
        eventually(lambda: not hotline.status()["alerts_firing"], within=600)
        before = firing(hotline)
        pid = hotline.pid("streams")
        os.kill(pid, signal.SIGSTOP)
        stopped = time.time()
        eventually(lambda: time.time() - stopped > 120, within=130)
        os.kill(pid, signal.SIGKILL)
        behind = eventually(lambda: hotline.pid("streams") != pid)
        assert behind
        eventually(lambda: time.time() * 1000 - data_as_of(hotline) < 5_000, within=120)
        eventually(lambda: time.time() - stopped > 200, within=130)
        assert [alert for alert in firing(hotline) if alert not in before] == []
        expired = hotline.sql(
            "SELECT sum(event_expired[15]) AS n FROM v_cells WHERE feed = 'live' AND dimension_set = 'hotline'"
        )
        waited = hotline.sql("SELECT countIf(wait_ms > 15000) AS n FROM v_visits WHERE feed = 'live'")
        assert int(expired[0]["n"]) >= int(waited[0]["n"])
    finally:
        running.terminate()
        running.wait()


def test_a_quiet_week_fires_nothing_and_the_spike_after_it_does(taught: tuple[Installation, Path]) -> None:
    """The same settings judge a simulated week, as fast as it can be read, and one more day with a spike."""
    hotline, directory = taught
    hotline.stop()
    hotline.environment["HOTLINE_ALERTS__FEED"] = "week"
    hotline.start()
    truth = directory / "week.jsonl"
    start = datetime.now(UTC).strftime("%Y-%m-%d")
    incident = "spike:start=+180h,for=30m,factor=4"
    options = ["--feed", "week", "--start", start, "--speed", "max", "--for", "8d", "--comfort", "4", "--seed", "9"]
    simulate(hotline, *options, "--truth", str(truth), "--incident", incident).wait()
    (spike,) = [json.loads(line)["start"] for line in truth.read_text().splitlines() if '"incident"' in line]
    fired = eventually(
        lambda: hotline.sql(
            "SELECT rule, toUnixTimestamp64Milli(started_at) AS started FROM v_alerts "
            "WHERE feed = 'week' AND state = 'firing' ORDER BY started"
        ),
        within=900,
    )
    demand = [int(row["started"]) for row in fired if row["rule"] == "DemandAboveExpectation"]
    assert demand
    assert all(int(row["started"]) >= spike - 60_000 for row in fired), fired


def data_as_of(hotline: Installation) -> int:
    """The lowest partition clock, ms (0: not told yet)."""
    told = [p["data_as_of"] for p in hotline.status()["partitions"] if p["topic"] == "hotline.calls"]
    if not told or None in told:
        return 0
    return min(int(datetime.fromisoformat(it).timestamp() * 1000) if isinstance(it, str) else int(it) for it in told)
