"""docker-compose.yml: after the Compose schema, with settings, files and commands that exist."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed import command_exists, settings_of
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
COMPOSE_GO = "github.com/compose-spec/compose-go/v2@v2.16.2"  # the Go module that carries the schema
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PROCESSES = {"streams": 9101, "sinks": 9102, "alerts": 9103, "web": 8080}
SECRETS = {
    "HOTLINE_PSEUDONYM__KEY": "a-key-long-enough-for-a-test",
    "CLICKHOUSE_WRITER_PASSWORD": "w",
    "CLICKHOUSE_READER_PASSWORD": "r",
    "GRAFANA_ADMIN_PASSWORD": "g",
}
_REFERENCE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?+])(?P<word>[^}]*))?\}")


class MissingError(Exception):
    pass


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """What Compose makes of `${NAME}`, `${NAME:-default}`, `${NAME:?error}` and `${NAME:+other}`."""

    def one(match: re.Match[str]) -> str:
        value, how, word = values.get(match["name"], ""), match["how"], match["word"]
        if how == "?" and not value:
            raise MissingError(word)
        if how == "+":
            return word if value else ""
        return value or (word if how == "-" else "")

    return _REFERENCE.sub(one, text)


def environment(service: str, values: Mapping[str, str] = SECRETS) -> dict[str, str]:
    return {name: interpolated(text, values) for name, text in SERVICES[service].get("environment", {}).items()}


def texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


@pytest.fixture(scope="module")
def compose_schema() -> dict[str, Any]:
    go = shutil.which("go")
    if go is None:
        pytest.skip("no `go` on this machine: the Compose schema comes with a Go module")
    # Outside any module of ours; an ordinary download, kept in Go's own cache.
    try:
        done = subprocess.run(
            [go, "mod", "download", "-json", COMPOSE_GO], capture_output=True, text=True, timeout=120, check=False,
            cwd="/", env=os.environ | {"GOFLAGS": "-mod=mod"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("the Compose schema does not come")
    if done.returncode != 0:
        pytest.skip(f"the Compose schema cannot be fetched: {done.stdout.strip()[-300:]}{done.stderr.strip()[-300:]}")
    return json.loads((Path(json.loads(done.stdout)["Dir"]) / "schema/compose-spec.json").read_text(encoding="utf-8"))


def test_it_follows_the_compose_schema(compose_schema: dict[str, Any]) -> None:
    errors = Draft202012Validator(compose_schema).iter_errors(COMPOSE)
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors] == []


def test_the_schema_refuses_what_is_no_compose_file(compose_schema: dict[str, Any]) -> None:
    wrong = COMPOSE | {"services": {"kafka": SERVICES["kafka"] | {"depend_on": ["x"]}}}
    assert list(Draft202012Validator(compose_schema).iter_errors(wrong))


def test_it_starts_everything_that_is_promised() -> None:
    third_party = {"kafka", "clickhouse", "prometheus", "alertmanager", "grafana"}
    assert third_party | {*PROCESSES, "topics", "migrate", "simulator"} == set(SERVICES)
    assert {name for name, service in SERVICES.items() if service.get("profiles")} == {"simulator"}


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        _, _, tag = service["image"].partition(":")
        assert re.fullmatch(r"v?\d+\.\d+\.\d+(\.\d+)?", tag), f"{name}: {service['image']} names no release"


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)] == []


def test_every_service_that_stays_has_a_healthcheck_and_comes_back() -> None:
    jobs = {"topics", "migrate"}
    for name, service in SERVICES.items():
        if name in jobs:
            assert service["restart"] == "no"
        else:
            assert service["restart"] == "unless-stopped", name
            assert "healthcheck" in service or name == "simulator", name


def test_what_is_waited_for_exists_and_can_become_so() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for {other}, which has no health check"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "no", f"{name} waits for {other}, which never ends"


def test_mounted_files_exist_and_volumes_are_declared() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            source = interpolated(mount, {}).split(":")[0]
            known = (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            assert known, f"{name} mounts {source}, which does not exist"


def test_secrets_come_from_the_environment_and_a_missing_one_says_what_to_do() -> None:
    for service, definition in SERVICES.items():
        for name, text in definition.get("environment", {}).items():
            if name.endswith(("PASSWORD", "TOKEN", "PSEUDONYM__KEY")):
                assert _REFERENCE.fullmatch(text), f"{service}: {name} is written into the file"
    named = {match["name"] for text in texts(SERVICES) for match in _REFERENCE.finditer(text) if match["how"] == "?"}
    assert named == set(SECRETS)
    for missing in SECRETS:
        rest = {name: value for name, value in SECRETS.items() if name != missing}
        with pytest.raises(MissingError, match=missing):
            [environment(service, rest) for service in SERVICES]


def test_the_example_of_env_names_every_variable() -> None:
    example = (ROOT / "deploy/docker/env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    used = {match["name"] for text in texts(SERVICES) for match in _REFERENCE.finditer(text)}
    assert offered == used
    assert {name for name in SECRETS if re.search(rf"^{name}=.+$", example, re.MULTILINE)} == set(), (
        "no secret by default"
    )


@pytest.mark.parametrize("service", sorted(OURS))
@pytest.mark.parametrize("token", ["", "glsa_x"])
def test_its_settings_are_known_and_can_be_used(
    service: str, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = [interpolated(mount, {}).split(":") for mount in OURS[service]["volumes"]]
    given = environment(service, SECRETS | {"GRAFANA_TOKEN": token})
    (config,) = [mount[0] for mount in mounts if mount[1] == given["HOTLINE_CONFIG"]]

    settings = settings_of(given | {"HOTLINE_CONFIG": str(ROOT / config)}, tmp_path, monkeypatch)

    assert settings.kafka.bootstrap == "kafka:19092"
    assert settings.paging == "alertmanager", "one pager, whatever the file says: all processes have to agree on it"
    assert not settings.demo, "a default pseudonym key must be refused here"
    if service == "streams":
        assert settings.require_pseudonym_key() == SECRETS["HOTLINE_PSEUDONYM__KEY"].encode()
    if service == "alerts":
        assert settings.alerts.grafana.url == ("http://grafana:3000" if token else "")
    if service in PROCESSES:
        port = settings.web.port if service == "web" else getattr(settings.health, f"{service}_port")
        assert port == PROCESSES[service]
        assert OURS[service]["healthcheck"]["test"][-1] == str(port)
        assert (settings.web.host if service == "web" else settings.health.host) == "0.0.0.0"


def test_only_who_writes_may_write() -> None:
    users = {name: environment(name).get("HOTLINE_CLICKHOUSE__USER", "") for name in OURS}
    assert {name for name, user in users.items() if user == "hotline_writer"} == {"sinks", "migrate"}
    assert {name for name, user in users.items() if user == "hotline_reader"} == {"web"}


@pytest.mark.parametrize("service", sorted(OURS))
def test_its_command_exists(service: str) -> None:
    assert command_exists(OURS[service]["command"])
    assert not command_exists([*OURS[service]["command"], "--no-such-option"])


def test_the_broker_invents_no_topics_and_no_retention() -> None:
    kafka = environment("kafka")
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert kafka["KAFKA_LOG_RETENTION_MS"] == "-1"
    inside = dict(listener.split("://") for listener in kafka["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert inside["INTERNAL"] == environment("streams")["HOTLINE_KAFKA__BOOTSTRAP"]
