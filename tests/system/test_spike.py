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
    """Calls of a line without a menu: who calls is in the queue at once."""
    told = ["--calls-only", "--menu", "0", "--rate", RATE, "--queue", "utilities"]
    command = [Path(sys.executable).parent / "hotline", "simulate", *told, *options]
    return subprocess.Popen(command, cwd=hotline.directory, env=hotline.environment)


def began(truth: Path) -> float:
    """When the spike of a truth log began, epoch seconds."""
    (start,) = [json.loads(line)["start"] for line in truth.read_text().splitlines() if '"incident"' in line]
    return start / 1000


def fired(hotline: Installation, feed: str, since: float = 0) -> list[dict[str, Any]]:
    return hotline.sql(
        "SELECT rule, queue, summary, toUnixTimestamp64Milli(started_at) / 1000 AS started FROM v_alerts "
        f"WHERE feed = '{feed}' AND state = 'firing' AND started >= {since} ORDER BY at"
    )


@pytest.mark.parametrize("minutes", [2, 20])
def test_an_outage_of_ours_pages_nobody_and_a_spike_does_within_thirty_seconds(
    taught: tuple[Installation, Path], alertmanager: str, grafana: Grafana, minutes: int
) -> None:
    hotline, directory = taught
    truth = directory / f"truth-{minutes}.jsonl"
    incident = f"spike:start=+{minutes + 10}m,for=150s,factor=4"
    options = ["--warm-up", "110m", "--seed", "7", "--for", f"{minutes + 30}m", "--comfort", "3", "--truth", str(truth)]
    began_at = time.time()
    running = simulate(hotline, *options, "--incident", incident)
    try:
        eventually(lambda: truth.exists() and '"incident"' in truth.read_text())
        without_streams(hotline, minutes * 60)
        assert fired(hotline, "live", began_at) == []
        assert hotline.sql("SELECT * FROM v_late_events WHERE feed = 'live'") == []
        demand = eventually(
            lambda: [
                alert
                for alert in alerts_in(alertmanager) or []
                if alert["labels"]["alertname"] == "DemandAboveExpectation"
                and datetime.fromisoformat(alert["startsAt"]).timestamp() > began_at
            ],
            within=600,
        )
        after = time.time() - began(truth)
        assert 0 < after <= 30, f"{after:.1f} s after the spike began"
        assert demand[0]["labels"]["hotline"] == "city"
        assert eventually(lambda: [body for _, path, body in grafana.requests if path.startswith("/api/annotations")])
        of_demand = (
            "SELECT 1 FROM v_alerts WHERE feed = 'live' AND rule = 'DemandAboveExpectation' AND state = 'resolved'"
        )
        eventually(lambda: hotline.sql(of_demand), within=900)
        assert time.time() > began(truth) + 150
        eventually(lambda: not [a for a in hotline.status()["alerts_firing"] if "Demand" in json.dumps(a)])
    finally:
        running.terminate()
        running.wait()


def without_streams(hotline: Installation, seconds: float) -> None:
    """`streams` hangs for so long under load and is then killed; returns when its successor has been as far as now for a while."""
    begun = time.time()
    eventually(lambda: int(hotline.sql("SELECT count() AS n FROM v_visits WHERE feed = 'live'")[0]["n"]) > 50)
    eventually(
        lambda: time.time() - begun > 120, within=130
    )  # what the beginning of a feed looks like is not the matter
    pid = hotline.pid("streams")
    os.kill(pid, signal.SIGSTOP)
    stopped = time.time()
    eventually(lambda: time.time() - stopped > seconds, within=seconds + 10)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: hotline.pid("streams") != pid)
    eventually(lambda: time.time() * 1000 - data_as_of(hotline) < 5_000, within=120)
    started = time.time()
    eventually(lambda: time.time() - started > 60, within=70)
    expired = "SELECT sum(event_expired[15]) AS n FROM v_cells WHERE feed = 'live' AND dimension_set = 'hotline'"
    waited = "SELECT countIf(wait_ms > 15000) AS n FROM v_visits WHERE feed = 'live'"
    assert int(hotline.sql(expired)[0]["n"]) >= int(hotline.sql(waited)[0]["n"]), "who waited too long is counted"


def test_a_quiet_week_fires_nothing_and_the_spike_after_it_does(taught: tuple[Installation, Path]) -> None:
    """The same settings judge a simulated week, as fast as it can be read, and one more day with a spike."""
    hotline, directory = taught
    hotline.stop()
    hotline.environment["HOTLINE_ALERTS__FEED"] = "week"
    hotline.start()
    try:
        truth = directory / "week.jsonl"
        start = datetime.now(UTC).strftime("%Y-%m-%d")
        incident = "spike:start=+180h,for=30m,factor=4"
        options = ["--feed", "week", "--start", start, "--speed", "max", "--for", "8d", "--comfort", "4", "--seed", "9"]
        simulate(hotline, *options, "--truth", str(truth), "--incident", incident).wait()
        spike = began(truth)
        of_demand = {"rule": "DemandAboveExpectation", "queue": "utilities"}
        all_fired = eventually(
            lambda: (it := fired(hotline, "week")) and any(of_demand.items() <= row.items() for row in it) and it,
            within=900,
        )
        assert [row for row in all_fired if float(row["started"]) < spike - 60] == []
    finally:
        hotline.stop()
        del hotline.environment["HOTLINE_ALERTS__FEED"]
        hotline.start()


def data_as_of(hotline: Installation) -> int:
    """The lowest partition clock, ms (0: not told yet)."""
    told = [p["data_as_of"] for p in hotline.status()["partitions"] if p["topic"] == "hotline.calls"]
    if not told or None in told:
        return 0
    return min(int(datetime.fromisoformat(it).timestamp() * 1000) if isinstance(it, str) else int(it) for it in told)
