"""YAML that people write: a key that stands twice is an error, and what is wrong is said in their words."""

from collections.abc import Collection, Hashable, Iterator
from difflib import get_close_matches
from re import findall
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class YamlError(ValueError):
    """Text that is no YAML; the text says where and why."""


class _StrictLoader(yaml.SafeLoader):
    """A key that stands twice is an error instead of the last one winning, and so is a date that there is not."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, AttributeError) as error:  # of the value: the library's own errors are others
            raise yaml.MarkedYAMLError(problem=f"{node.value}: {error}", problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused below
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def parse(text: str, name: str) -> Any:
    """The data in `text`; `name` is the file's, for errors. Raises YamlError."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        where = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise YamlError(f"{name}{where}: no valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise YamlError(f"{name}: no valid YAML: {error}") from error
    except RecursionError as error:
        raise YamlError(f"{name}: nested too deep to be read") from error


def lines(error: ValidationError, model: type[BaseModel], whole: str = "") -> list[str]:
    """One line per problem of data that is no `model`: the key, and what it is refused for; `whole` names the data."""
    known = keys_of(model)
    return [f"{'.'.join(map(str, it['loc'])) or whole}: {in_words(it, known)}" for it in problems(error)]


def problems(error: ValidationError) -> list[ErrorDetails]:
    """What data is refused for: an entry that is refused does not make its list too short as well."""
    found = error.errors()
    inside = {it["loc"][:depth] for it in found for depth in range(len(it["loc"]))}
    return [it for it in found if it["type"] != "too_short" or it["loc"] not in inside]


def in_words(problem: ErrorDetails, known: Collection[str] = ()) -> str:
    """What a value is refused for. `known`: the keys that there are, to name the one that may be meant."""
    match problem["type"]:
        case "extra_forbidden":
            return "no such key" + meant(str(problem["loc"][-1]), known)
        case "string_type" if problem["loc"][-1] == "[key]":
            return f'write it in quotes: "{problem["input"]}"'
        case "dict_type" | "model_type":
            return "write `key: value` lines below it (or {key: value} beside it), not a value alone"
        case "too_short":
            return f"write at least {problem['ctx']['min_length']}"
        case "literal_error" if isinstance(problem["input"], str):
            expected = problem["ctx"]["expected"]
            return f"{problem['input']!r} is none of {expected}" + meant(
                problem["input"], findall("'([^']+)'", expected)
            )
    return problem["msg"].removeprefix("Value error, ")


def meant(name: str, known: Collection[str]) -> str:
    """`; is X meant?`, or nothing if none of the known names is like it."""
    like = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; is {like[0]} meant?" if like else ""


def keys_of(model: type[BaseModel]) -> set[str]:
    """The names of all fields of a model and of the models in it."""
    found: set[str] = set()
    waiting, seen = [model], {model}
    while waiting:
        for name, field in waiting.pop().model_fields.items():
            found.add(name)
            inner = set(_models_in(field.annotation)) - seen
            seen |= inner
            waiting += inner
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
