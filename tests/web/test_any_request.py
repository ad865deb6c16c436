"""Schemathesis: requests of any shape that the OpenAPI document allows or forbids.

Without ClickHouse: what it would answer is refused with 503, which the document names; 500 it names nowhere. What the
document allows may still be refused with a reason (a span that ends before it begins): JSON Schema cannot say all of it.
"""

import asyncio
import re
import sys
from pathlib import Path

import city
import pytest
from running_site import RunningSite

pytestmark = pytest.mark.faults
PROGRAM = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 8
STREAM = "/api/v1/stream"  # never ends


@pytest.fixture
def settings():
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline")


async def test_no_request_finds_an_answer_that_the_document_does_not_name(site: RunningSite) -> None:
    async def write(kafka, record) -> None:
        site.put(record)

    site.site.actions.write = site.site.planning.write = write
    arguments = ("--exclude-path", STREAM, "--max-examples", str(EXAMPLES), "--generation-deterministic",
                 "--exclude-checks", "not_a_server_error,positive_data_acceptance", "--no-color", "--request-timeout", "20")  # fmt: skip
    running = await asyncio.create_subprocess_exec(
        PROGRAM, "run", f"{site.url}/api/v1/openapi.json", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(150):
            said, _ = await running.communicate()
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    assert running.returncode == 0, said.decode()
    [(selected, of)] = re.findall(r"Selected: (\d+)/(\d+)", said.decode())
    assert int(selected) == int(of) - 1 >= 15, "all but the stream"
    assert f"Tested: {selected}" in said.decode()
