"""Where settings come from: the file, the environment, and files of secrets; what is wrong there is said by name."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from deploy.runtime import yaml_text

PREFIX = "HOTLINE_"
CONFIG = PREFIX + "CONFIG"
"""The variable that names the file."""


class SettingsError(ValueError):
    """Settings that cannot be used; the text names the key and says what to do."""


_FILE = "_FILE"
_SECRET_FILES = tuple(kind + _FILE for kind in ("KEY", "PASSWORD", "SECRET", "TOKEN", "URL"))


def config_file() -> Path:
    """The settings' file, whether or not there is one."""
    return Path(os.environ.get(CONFIG) or "hotline.yaml")


def environment_problems(settings: type[BaseModel]) -> list[str]:
    """Environment variables with our prefix that name no setting (pydantic-settings would pass them over)."""
    problems = []
    for given in os.environ:
        name = _of_secret(given) or given
        if not name.upper().startswith(PREFIX) or name.upper() == CONFIG:
            continue
        model: type[BaseModel] | None = settings
        for part in name[len(PREFIX) :].lower().split("__"):
            field = model.model_fields.get(part) if model else None
            if field is None:
                problems.append(f"{name}: no such setting{yaml_text.meant(name.upper(), _variables(settings, PREFIX))}")
                break
            kind = field.annotation
            model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
            if model is None:
                break
    return problems


def _variables(model: type[BaseModel], begin: str) -> list[str]:
    """The names of all environment variables that set something in `model`."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _variables(kind, f"{begin}{name.upper()}__")
        else:
            found.append(begin + name.upper())
    return found


def _of_secret(name: str) -> str:
    """The variable that `HOTLINE_…_FILE` stands for, if that is a secret; else empty."""
    folded = name.upper()
    return name[: -len(_FILE)] if folded.startswith(PREFIX) and folded.endswith(_SECRET_FILES) else ""


def with_secrets(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """These variables with, in place of each `HOTLINE_…_FILE` of a secret, the one without `_FILE`: the file's first line.

    The environment itself stays as it is: it is told on to child processes, which should not find secrets there. A file
    is read once, for it may be a pipe.
    """
    read: dict[str, str | None] = {}
    for name, value in variables.items():
        target = _of_secret(name)
        if not target:
            read.setdefault(name, value)
            continue
        if variables.get(target):
            raise SettingsError(f"both {target.upper()} and {name.upper()} are set: keep one")
        try:
            read[target] = Path(value or "").read_text(encoding="utf-8").splitlines()[0].strip()
        except (OSError, IndexError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name.upper()}: cannot read a secret from {value}: {error}") from error
    return read


def written(path: Path) -> dict[str, Any]:
    """What the settings' file says; nothing where there is none. Raises SettingsError."""
    try:
        told = yaml_text.parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as UTF-8 text: {error}") from error
    except yaml_text.YamlError as error:
        raise SettingsError(str(error)) from error
    if not isinstance(told, dict | None):
        raise SettingsError(f"{path}: write settings as `name: value`, such as `hotlines:` and below it each hotline")
    return {str(key): value for key, value in (told or {}).items()}
