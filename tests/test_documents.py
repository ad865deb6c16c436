"""What the documents send a reader to is there, and the producer that the README shows is understood."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from alerts.duty import load_duty
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS
from streams.intake import Accepted, read

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(path for room in ("streams", "sinks", "alerts", "deploy", "tests") for path in (ROOT / room).rglob("*.md")),
]
PLACE = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)")
TEST = re.compile(r"`(tests/[\w/.]+\.(?:py|md)|test_\w+\.py)`")


def anchors(path: Path) -> set[str]:
    """The places of a document that a link can name: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target, anchor in PLACE.findall(text):
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), f"{document.name} sends its reader to {target}"
        assert not anchor or anchor in anchors(path), f"{document.name} sends its reader to #{anchor} of {path.name}"
    for test in TEST.findall(text):
        assert list(ROOT.glob(test if "/" in test else f"tests/*/{test}")), f"{document.name} names {test}"


def test_the_duty_file_of_the_documents_is_one(tmp_path: Path) -> None:
    text = (ROOT / "alerts/README.md").read_text("utf-8")
    found = re.search(r"<!-- duty: duty.yaml -->\n```yaml\n(.*?)```", text, re.DOTALL)
    assert found
    secret = tmp_path / "wecom"
    secret.write_text("https://127.0.0.1/robot")
    file = tmp_path / "duty.yaml"
    file.write_text(found[1].replace("/run/secrets/wecom", str(secret)), "utf-8")
    duty = load_duty(file)
    assert [receiver.name for receiver in duty.receivers] == ["water-desk", "chief"]
    assert [[step.tell for step in route.chain] for route in duty.routes] == [
        [("water-desk",), ("chief",)],
        [("chief",)],
    ]


def test_the_producer_of_the_readme_sends_calls_that_are_understood(
    topics: Callable[[], Any], kafka_bootstrap: str
) -> None:
    topics()
    found = re.search(
        r"<!-- producer-python -->\n```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert found
    program = found[1].replace("127.0.0.1:9092", kafka_bootstrap)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    async def sent() -> list[ConsumerRecord]:
        async with AIOKafkaConsumer(CALLS, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest") as consumer:
            records: list[ConsumerRecord] = []
            while len(records) < 4:
                record = await anext(consumer)
                records += [record] * (record.key == b"pbx1-20261122-0042")
            return records

    records = asyncio.run(asyncio.wait_for(sent(), 60))
    understood = [read(record.value, record.timestamp, 1_000, frozenset()) for record in records]
    types = [it.event.type for it in understood if isinstance(it, Accepted) and not it.unknown]
    assert types == ["arrived", "queued", "answered", "ended"]
    assert {record.partition for record in records} == {murmur2_partition(records[0].key, 6)}
