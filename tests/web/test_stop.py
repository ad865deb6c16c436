"""`hotline web` ends soon after it is told to, also while a ClickHouse that takes its question never answers it."""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession

ENDS_WITHIN_S = 15


async def until_listening(http: ClientSession) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(ClientConnectionError):
                await http.get("/healthz")
                return
            await asyncio.sleep(0.1)


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
