"""Rules from YAML: typed, unknown keys refused, every problem named by file, rule and field.

A file holds `rules:`, a list. Without a file the built-in `rules.yaml` beside this module holds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from alerts.rules import Rule
from deploy.runtime import yaml_text
from deploy.runtime.section import Section
from deploy.runtime.settings import SettingsError

BUILT_IN = Path(__file__).with_name("rules.yaml")


class RulesError(SettingsError):
    """Rules that cannot be used; one line per problem: file, rule, field, what is wrong."""


FileT = TypeVar("FileT", bound=BaseModel)


class _RulesFile(Section):
    rules: tuple[Rule, ...]


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """The rules of a file, or the built-in ones. Raises RulesError with one line per problem."""
    if path is not None and not path.is_file():
        raise RulesError(f"{path}: no such file; correct alerts.rules or leave it out for the built-in rules")
    path = path or BUILT_IN
    return parse_rules(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file. Raises RulesError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def parse(model: type[FileT], text: str, name: str, entry: str, *, otherwise: str) -> FileT:
    """What the YAML in `text` says, as `model`; `name` is the file's, for errors.

    `entry`: what one of the file's list is called, `rule` of the list `rules`; problems say which one by name or number.
    `otherwise`: what to do about a file that has no keys. Raises RulesError with one line per problem.
    """
    try:
        data = yaml_text.parse(text, name)
    except yaml_text.YamlError as error:
        raise RulesError(str(error)) from error
    if not isinstance(data, dict):
        raise RulesError(f"{name}: {otherwise}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RulesError("\n".join(f"{name}: {line}" for line in _problems(error, data, entry, model))) from error


def parse_rules(text: str, name: str) -> tuple[Rule, ...]:
    """The rules in `text`; `name` is the file's, for errors."""
    rules = parse(_RulesFile, text, name, "rule", otherwise="write `rules:` and below it a list of rules").rules
    names = [rule.name for rule in rules]
    if twice := sorted({rule for rule in names if names.count(rule) > 1}):
        raise RulesError(f"{name}: rule {twice[0]}: name: two rules have this name; alerts are told apart by it")
    return rules


def _problems(error: ValidationError, data: Any, entry_word: str, model: type[BaseModel]) -> Sequence[str]:
    lines, known, entries = [], yaml_text.keys_of(model), f"{entry_word}s"
    for problem in yaml_text.problems(error):
        place = list(problem["loc"])
        entry_name = ""
        if place[:1] == [entries] and len(place) > 1 and isinstance(place[1], int):
            number = place[1]
            entry = data[entries][number]
            named = entry.get("name") if isinstance(entry, dict) else None
            entry_name = f"{entry_word} {named or number + 1}: "
            place = place[2:]
        field = ".".join(str(part) for part in place if part != "[key]" and not str(part).startswith("<"))
        message = yaml_text.in_words(problem, known)
        lines.append(f"{entry_name}{field}: {message}" if field else f"{entry_name}{message}")
    return lines
