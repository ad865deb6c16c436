"""Secrets given as files: `HOTLINE_…_FILE` stands for the variable without `_FILE`."""

import os
from pathlib import Path

import pytest

from deploy.runtime.settings import SettingsError, load

KEY = "a-key-long-enough-for-a-test"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\nanother line\n", encoding="utf-8")
    monkeypatch.setenv("HOTLINE_PSEUDONYM__KEY_FILE", str(path))
    return path


def test_the_first_line_of_the_file_counts_and_the_environment_learns_no_secret(key_file: Path) -> None:
    assert load().require_pseudonym_key() == KEY.encode()
    assert KEY not in os.environ.values()
    assert os.environ["HOTLINE_PSEUDONYM__KEY_FILE"] == str(key_file)


def test_a_pipe_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.write(writer, KEY.encode())
    os.close(writer)
    monkeypatch.setenv("HOTLINE_PSEUDONYM__KEY_FILE", f"/dev/fd/{reader}")
    try:
        assert load().require_pseudonym_key() == KEY.encode()
    finally:
        os.close(reader)


@pytest.mark.usefixtures("key_file")
def test_a_value_and_a_file_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_PSEUDONYM__KEY", KEY)
    with pytest.raises(SettingsError, match=r"both HOTLINE_PSEUDONYM__KEY and HOTLINE_PSEUDONYM__KEY_FILE are set"):
        load()


@pytest.mark.parametrize("content", [None, b"", b"\xff"])
def test_a_file_that_gives_no_secret_is_named(key_file: Path, content: bytes | None) -> None:
    key_file.unlink() if content is None else key_file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"HOTLINE_PSEUDONYM__KEY_FILE: cannot read a secret from"):
        load()


def test_a_file_is_for_secrets_only_and_of_a_setting_that_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_FILE", str(tmp_path / "address"))
    with pytest.raises(SettingsError, match=r"HOTLINE_KAFKA__BOOTSTRAP_FILE: no such setting"):
        load()
