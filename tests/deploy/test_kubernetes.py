"""deploy/kubernetes: after the schemas of Kubernetes, with settings, secrets, ports and commands that exist."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from deployed import command_exists, settings_of

HERE = Path(__file__).parents[2] / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((HERE.parents[1] / "docker-compose.yml").read_text(encoding="utf-8"))
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((HERE / "kustomization.yaml").read_text(encoding="utf-8"))
VERSIONS = ("1.29", "1.37")
PORTS = {"streams": 9101, "sinks": 9102, "alerts": 9103, "web": 8080}
SECRETS = {"pseudonym-key": "a-key-long-enough-for-a-test", "clickhouse-writer": "w", "clickhouse-reader": "r"}


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((HERE / name).read_text(encoding="utf-8")))


ALL = [it for name in KUSTOMIZATION["resources"] for it in manifests(name)]
PODS = {
    it["metadata"]["name"].removeprefix("hotline-"): it["spec"]["template"] for it in ALL if "template" in it["spec"]
}


def containers(process: str) -> list[dict[str, Any]]:
    spec = PODS[process]["spec"]
    return [*spec["initContainers"], *spec["containers"]]


def environment(process: str, container: dict[str, Any], directory: Path) -> dict[str, str]:
    """What the container is started with, its mounts written below `directory`."""
    volumes = {it["name"]: it for it in PODS[process]["spec"]["volumes"]}
    given = {it["name"]: it.get("value", f"hotline-{process}-0") for it in container["env"]}
    for mount in container["volumeMounts"]:
        volume, at = volumes[mount["name"]], directory / mount["mountPath"].lstrip("/")
        at.mkdir(parents=True)
        if "configMap" in volume:
            for name in KUSTOMIZATION["configMapGenerator"][0]["files"]:
                (at / name).write_bytes((HERE / name).read_bytes())
        for item in volume.get("secret", {}).get("items", ()):
            (at / item["path"]).write_text(SECRETS[item["key"]], encoding="utf-8")
    return {
        name: str(directory / value.lstrip("/")) if value.startswith("/") else value for name, value in given.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_follows_the_schema(version: str) -> None:
    assert {it["kind"] for it in ALL} == {"Service", "StatefulSet", "Deployment", "PodDisruptionBudget"}
    for manifest in ALL:
        kubernetes_validate.validate(manifest, version, strict=True)
    wrong = ALL[0] | {"spec": ALL[0]["spec"] | {"port": 80}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_every_file_is_applied_and_the_image_is_the_one_of_compose() -> None:
    named = {*KUSTOMIZATION["resources"], *KUSTOMIZATION["configMapGenerator"][0]["files"], "kustomization.yaml"}
    assert {it.name for it in HERE.iterdir()} == named
    [image] = KUSTOMIZATION["images"]
    assert f"{image['name']}:{image['newTag']}" == COMPOSE["x-hotline"]["image"]
    assert {it["image"] for process in PODS for it in containers(process)} == {image["name"]}


@pytest.mark.parametrize("process", PORTS)
def test_its_settings_can_be_used_and_its_commands_exist(
    process: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, container in enumerate(containers(process)):
        assert command_exists(container["command"]), container["command"]
        directory = tmp_path / str(number)
        settings = settings_of(environment(process, container, directory), directory, monkeypatch)
        assert not settings.demo
        assert settings.kafka.replication_factor == 3
        port = settings.web.port if process == "web" else getattr(settings.health, f"{process}_port")
        assert port == PORTS[process]
        assert (settings.web.host if process == "web" else settings.health.host) == "0.0.0.0"
        if process == "streams":
            assert settings.require_pseudonym_key() == SECRETS["pseudonym-key"].encode()
        else:
            assert settings.pseudonym.key.get_secret_value() == "", "only who hashes numbers has the key"
        user = {"sinks": ("hotline_writer", "w"), "web": ("hotline_reader", "r")}.get(process, ("default", ""))
        assert (settings.clickhouse.user, settings.clickhouse.password.get_secret_value()) == user
        assert settings.kafka.group_instance_id == ("" if process == "web" else f"hotline-{process}-0")


@pytest.mark.parametrize("process", PORTS)
def test_its_probes_and_services_lead_to_the_port_it_listens_at(process: str) -> None:
    [main] = PODS[process]["spec"]["containers"]
    assert main["command"] == ["hotline", process]
    [port] = main["ports"]
    assert port["containerPort"] == PORTS[process]
    assert PODS[process]["metadata"]["annotations"]["prometheus.io/port"] == str(PORTS[process])
    assert {main[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} == {port["name"]}
    [service] = [it for it in ALL if it["kind"] == "Service" and it["metadata"]["name"] == f"hotline-{process}"]
    assert service["spec"]["selector"] == PODS[process]["metadata"]["labels"]
    assert service["spec"]["ports"][0].get("targetPort", service["spec"]["ports"][0]["port"]) in {*port.values()}


@pytest.mark.parametrize("process", PORTS)
def test_it_may_do_nothing_but_its_work(process: str) -> None:
    spec = PODS[process]["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert not spec["automountServiceAccountToken"]
    assert not spec["enableServiceLinks"], "Kubernetes would set HOTLINE_STREAMS_PORT and the like: unknown settings"
    for container in containers(process):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_no_secret_is_in_a_file_and_the_one_that_is_needed_is_named() -> None:
    told = (HERE / "kustomization.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"--from-literal=([a-z-]+)=", told)) == set(SECRETS)
    used = {
        item["key"]
        for pod in PODS.values()
        for volume in pod["spec"]["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }
    assert used == set(SECRETS)
