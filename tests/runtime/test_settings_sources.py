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
