"""Every client reaches Kafka by the same options; logs, health and metrics are served."""

import json
import ssl
import subprocess
import sys

import aiohttp
import pytest

from deploy.runtime.engine_metrics import APPLIED
from deploy.runtime.health import Health, serve_health
from deploy.runtime.kafka import client_options
from deploy.runtime.settings import Kafka, SettingsError


def test_plain_options() -> None:
    assert client_options(Kafka(bootstrap="one:9092, two:9092")) == {
        "bootstrap_servers": ["one:9092", "two:9092"],
        "security_protocol": "PLAINTEXT",
    }


def test_sasl_over_tls() -> None:
    options = client_options(
        Kafka(
            bootstrap="one:9093",
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="hotline",
            sasl_password="not-a-real-one",  # type: ignore[arg-type]
        )
    )
    assert isinstance(options.pop("ssl_context"), ssl.SSLContext)
    assert options == {
        "bootstrap_servers": ["one:9093"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "hotline",
        "sasl_plain_password": "not-a-real-one",
    }


def test_no_address_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="hotline up"):
        client_options(Kafka())


def test_an_unreadable_certificate_is_named() -> None:
    with pytest.raises(SettingsError, match="ca_file"):
        client_options(Kafka(bootstrap="one:1", security_protocol="SSL", ca_file="/nowhere/ca.pem"))  # type: ignore[arg-type]


async def test_health_says_what_is_not_ready() -> None:
    now = [Health(("waiting for partitions",), {"partitions": []})]
    runner = await serve_health("127.0.0.1", 0, lambda: now[0])
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/healthz") as answer:
                assert answer.status == 503
                assert await answer.json() == {
                    "ready": False,
                    "problems": ["waiting for partitions"],
                    "partitions": [],
                }
            now[0] = Health()
            async with session.get(f"{url}/healthz") as answer:
                assert (answer.status, (await answer.json())["ready"]) == (200, True)
            async with session.get(f"{url}/metrics") as answer:
                assert APPLIED.describe()[0].name in await answer.text()
    finally:
        await runner.cleanup()


def test_logs_are_one_json_object_a_line_when_nobody_looks() -> None:
    program = (
        "import logging, structlog; from deploy.runtime import logging as ours; ours.configure('web');"
        "structlog.get_logger().info('ready', port=1); logging.getLogger('x').warning('old %s', 'way')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = map(json.loads, done.stderr.splitlines())
    assert (first["process"], first["level"], first["event"], first["port"]) == ("web", "info", "ready", 1)
    assert (second["process"], second["level"], second["event"], second["logger"]) == ("web", "warning", "old way", "x")
    assert done.stdout == ""
