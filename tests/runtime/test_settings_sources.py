"""The settings' file and variables as people get them wrong: one line each, which says what to do."""

from pathlib import Path

import pytest

from deploy.runtime.settings import SettingsError, load


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings' file; not there yet."""
    file = tmp_path / "hotline.yaml"
    monkeypatch.chdir(tmp_path)
    return file


def problem() -> str:
    with pytest.raises(SettingsError) as refused:
        load()
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'hotlines:\n  "1":\n    name: {en: "X"\n    time_zone: UTC\n', "hotline.yaml:4: no valid YAML"),
        (b"web: {}\nweb: {}\n", "hotline.yaml:2: no valid YAML: 'web' stands twice"),
        (b"web:\n  port: !!int x\n", "hotline.yaml:2: no valid YAML: x: invalid literal for int()"),
        (b"web: [1, {{}: 2}]\n", "hotline.yaml:1: no valid YAML: found unhashable key"),
        pytest.param(b"[" * 5_000, "hotline.yaml: nested too deep to be read", id="nested"),
        (b"web: \x07\n", "hotline.yaml: no valid YAML: unacceptable character #x0007"),
        (b"- web\n", "hotline.yaml: write settings as `name: value`"),
        (b"\xff\xfe", "hotline.yaml cannot be read as UTF-8 text"),
        (b"hotlines: {12345: {}}\n", 'hotlines.12345.[key]: write it in quotes: "12345"'),
        (b'hotlines: {"1": {name: X}}\n', "hotlines.1.name: write `key: value` lines below it"),
        (b'hotlines: {"1": {treshold_s: [3]}}\n', "hotlines.1.treshold_s: no such key; is thresholds_s meant?"),
        (b'hotlines: {"1": {time_zone: Mars}}\n', "hotlines.1.time_zone: 'Mars' is no IANA time zone; write one"),
        (
            b"paging: alertmanger\n",
            "paging: 'alertmanger' is none of 'hotline' or 'alertmanager'; is alertmanager meant?",
        ),
        (b"12345: {}\n", "12345: no such key"),
    ],
)
def test_what_the_file_gets_wrong_is_said_with_its_place(written: Path, text: bytes, said: str) -> None:
    written.write_bytes(text)
    assert said in problem()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clickhouse: {url: 'clickhouse:8123'}", "clickhouse.url: 'clickhouse:8123' is no address; write one such as http"),
        ("clickhouse: {url: localhost}", "clickhouse.url: 'localhost' is no address; write one such as http"),
        ("clickhouse: {url: '//localhost:8123'}", "clickhouse.url: '//localhost:8123' is no address"),
        ("clickhouse: {url: 'tcp://localhost:9000'}", "clickhouse.url: 'tcp://localhost:9000' is no address"),
        ("clickhouse: {url: 'http://localhost:81234'}", "clickhouse.url: 'http://localhost:81234' is no address"),
        ("clickhouse: {url: 'http://[::1:8123'}", "clickhouse.url: 'http://[::1:8123' is no address"),
        ("web: {external_url: board.example.org}", "web.external_url: 'board.example.org' is no address"),
        ("alerts: {alertmanager: {url: 'manager:9093'}}", "alerts.alertmanager.url: 'manager:9093' is no address"),
        ("alerts: {grafana: {url: 'grafana:3000'}}", "alerts.grafana.url: 'grafana:3000' is no address"),
    ],
)  # fmt: skip
def test_an_address_without_http_is_refused_with_what_to_write(written: Path, text: str, said: str) -> None:
    written.write_text(text)
    (line,) = problem().splitlines()
    assert line.startswith(said)


@pytest.mark.parametrize("address", ["http://clickhouse:8123", "https://clickhouse", "HTTPS://[::1]:8443/", ""])
def test_an_address_with_http_or_none_is_taken(written: Path, address: str) -> None:
    written.write_text(f"clickhouse: {{url: '{address}'}}")
    assert load().clickhouse.url == address


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("alerts: {webhooks: [{url: 'hook.example.org/T0/token'}]}", "alerts.webhooks.0.url"),
        ("alerts: {webhooks: [{url: ''}]}", "alerts.webhooks.0.url"),
        ("alerts: {heartbeat: {url: 'ping.example.org/token'}}", "alerts.heartbeat.url"),
    ],
)
def test_an_address_that_is_a_secret_is_refused_without_saying_it(written: Path, text: str, key: str) -> None:
    written.write_text(text)
    assert problem() == f"{key}: write an address that begins with https:// (or http://), such as https://host/path"


def test_a_file_of_nothing_and_no_file_say_nothing(written: Path) -> None:
    without = load()
    written.write_text("# nothing yet\n")
    assert load() == without


def test_a_variable_that_is_none_names_the_one_that_is_meant(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del written
    monkeypatch.setenv("HOTLINE_KAFKA_BOOTSTRAP", "one:9092")
    monkeypatch.setenv("HOTLINE_COLOUR", "red")
    assert problem().splitlines() == [
        "HOTLINE_KAFKA_BOOTSTRAP: no such setting; is HOTLINE_KAFKA__BOOTSTRAP meant?",
        "HOTLINE_COLOUR: no such setting",
    ]
