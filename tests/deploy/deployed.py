"""What a deployment's file says of a process of ours, held against the program: settings and commands that exist."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import pytest

from deploy.cli.main import cli
from deploy.runtime.settings import PREFIX, Settings, load


def settings_of(environment: Mapping[str, str], directory: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that a process started in `directory` with this environment alone has; raises as the process would."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(directory)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load()


def command_exists(words: Sequence[str]) -> bool:
    """Whether the first word is our program, the next ones its commands and the rest options of the last."""
    program, *rest = words
    command: click.Command = cli
    while rest and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest.pop(0))
        if found is None:
            return False
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    return program == "hotline" and set(rest) <= options
