"""`hotline schema --asyncapi`: after AsyncAPI's own schema, with every topic that others may use and no loose reference."""

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from deploy.cli.main import cli
from deploy.cli.schema import ENVELOPED, RECORDS
from streams.contract.topics import TOPICS

ASYNCAPI = "@asyncapi/specs@6.11.1"  # the npm package that carries the schemas


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["schema", "--asyncapi"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.output)


@pytest.mark.faults
def test_it_follows_asyncapis_schema(document: dict[str, Any], tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine, which brings AsyncAPI's schema")
    try:
        done = subprocess.run(
            [npm, "pack", ASYNCAPI], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("AsyncAPI's schema does not come")
    if done.returncode:
        pytest.skip(f"AsyncAPI's schema cannot be had: {done.stderr.strip()[-200:]}")
    with tarfile.open(tmp_path / done.stdout.split()[-1]) as package:
        found = package.extractfile("package/schemas/3.0.0-without-$id.json")
        assert found is not None
        validator = Draft7Validator(json.load(found))
    assert [error.message for error in validator.iter_errors(document)] == []
    assert list(validator.iter_errors(document | {"channels": {"calls": {"address": 1}}}))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert len(found) > 10
    for reference in found:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_its_topics_are_those_of_the_table(document: dict[str, Any]) -> None:
    table = {topic.name: topic for topic in TOPICS}
    assert set(document["channels"]) == set(RECORDS) - {ENVELOPED}
    for channel in document["channels"].values():
        told = channel["bindings"]["kafka"]
        assert told["partitions"] == table[channel["address"]].partitions
        assert told["topicConfiguration"]["cleanup.policy"] == [table[channel["address"]].cleanup]
    actions = {(it["action"], it["channel"]["$ref"]) for it in document["operations"].values()}
    assert len(actions) == 2 * len(document["channels"])


def test_a_payload_judges_an_event(document: dict[str, Any]) -> None:
    payload = document["components"]["messages"]["calls"]["payload"]
    assert re.fullmatch(r"application/schema\+json;version=draft-2020-12", payload["schemaFormat"])
    registry: Registry[Any] = Registry().with_resource("urn:doc", DRAFT202012.create_resource(document))
    whole = json.loads(json.dumps(payload["schema"]).replace('"#/components', '"urn:doc#/components'))
    validator = Draft202012Validator(whole, registry=registry)
    event = {"type": "queued", "time": 1_767_240_000_000, "call": "c1", "hotline": "12345", "queue": "water"}
    assert list(validator.iter_errors(event)) == []
    assert list(validator.iter_errors(event | {"type": "nonsense"}))
