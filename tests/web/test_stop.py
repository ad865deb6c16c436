"""`hotline web` ends soon after it is told to, also while a ClickHouse that takes its question never answers it."""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientConnectionError, ClientSession

from deploy.runtime.settings import Kafka
from sinks.web.audit import Audit
from streams.contract.audit import AuditEvent
from streams.contract.topics import AUDIT

ENDS_WITHIN_S = 15


async def until_listening(http: ClientSession) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(ClientConnectionError):
                await http.get("/healthz")
                return
            await asyncio.sleep(0.1)


class Slow:
    """A producer that takes a record once it may."""

    def __init__(self, **_: object) -> None:
        self.asked, self.may, self.taken = asyncio.Event(), asyncio.Event(), list[bytes]()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send_and_wait(self, topic: str, value: bytes, *, key: bytes) -> None:
        assert (topic, bool(key)) == (AUDIT, True)
        self.asked.set()
        await self.may.wait()
        self.taken.append(value)


async def test_a_deed_that_is_being_written_at_the_end_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr("sinks.web.audit.AIOKafkaProducer", lambda **_: slow)
    audit = Audit(Kafka(bootstrap="127.0.0.1:1"), lambda: 1)
    running = asyncio.create_task(audit.run())
    for name in ("ann", "bob"):
        audit.say("login", name, "127.0.0.1")
    await slow.asked.wait()
    running.cancel()
    await asyncio.wait([running])
    audit.say("logout", "cid", "127.0.0.1")
    slow.may.set()
    await audit.finish()
    assert [msgspec.json.decode(value, type=AuditEvent).name for value in slow.taken] == ["ann", "bob", "cid"]


async def test_a_deed_that_kafka_has_not_taken_at_the_end_is_in_the_log(tmp_path: Path, unused_tcp_port: int) -> None:
    environment = os.environ | {
        "HOTLINE_KAFKA__BOOTSTRAP": "127.0.0.1:1",
        "HOTLINE_CLICKHOUSE__URL": "http://127.0.0.1:1",
        "HOTLINE_WEB__PORT": str(unused_tcp_port),
        "HOTLINE_DATA_DIR": str(tmp_path),
    }
    program = "from deploy.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, "web", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )  # fmt: skip
    try:
        async with ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as http:
            await until_listening(http)
            for number in (1, 2):
                assert (await http.get(f"/api/v1/board?format=csv&queues={number}")).status == 200
        process.terminate()
        said, _ = await asyncio.wait_for(process.communicate(), ENDS_WITHIN_S)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0
    told = [line for line in said.decode().splitlines() if "deed is not in the audit topic" in line]
    assert [f"queues={number}" in line for number, line in enumerate(told, 1)] == [True, True]


async def test_a_question_that_is_never_answered_does_not_hold_up_the_end(tmp_path: Path, unused_tcp_port: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        environment = os.environ | {
            "HOTLINE_KAFKA__BOOTSTRAP": "127.0.0.1:1",
            "HOTLINE_CLICKHOUSE__URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "HOTLINE_WEB__PORT": str(unused_tcp_port),
            "HOTLINE_DATA_DIR": str(tmp_path),
        }
        program = "from deploy.cli import main; main()"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, "web", env=environment)
        try:
            async with ClientSession(f"http://127.0.0.1:{unused_tcp_port}") as http:
                await until_listening(http)
                asking = asyncio.create_task(http.get("/api/v1/summary?hotline=12345&feed=of-another-year"))
                asked, _ = await asyncio.wait_for(loop.sock_accept(silent), 60)
                with asked:
                    assert await asyncio.wait_for(loop.sock_recv(asked, 4), 60)
                    process.terminate()
                    assert await asyncio.wait_for(process.wait(), ENDS_WITHIN_S) == 0
                with suppress(ClientConnectionError):
                    await asking
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
