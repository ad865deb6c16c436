"""The words of an alert: templates per language over the numbers of what was observed."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

NAMES = ("rule", "severity", "hotline", "queue", "category", "source")
NUMBERS = (
    "value",
    "volume",
    "expected",
    "lower",
    "upper",
    "target",
    "threshold_s",
    "window_s",
    "score",
    "ratio",
)
TEMPLATE_FIELDS = NAMES + NUMBERS


def problem_of(template: str) -> str:
    """Why a template cannot be filled, or ""."""
    sample: dict[str, Any] = {name: 1.0 if name in NUMBERS else "x" for name in TEMPLATE_FIELDS}
    try:
        for _, name, form, _ in Formatter().parse(template):
            if name is not None and name not in sample:
                return f"{{{name}}} is no field; there are {', '.join(TEMPLATE_FIELDS)}"
            if form and "{" in form:
                return f"{{{name}:{form}}}: a format holds no field; write it as {{{name}:.1f}}"
        template.format_map(sample)
    except ValueError as error:
        return str(error)
    return ""


def fill(template: str, fields: Mapping[str, Any]) -> str:
    """The template filled; a field that is None becomes a dash, whatever format is asked for."""
    return template.format_map({name: _Unknown() if value is None else value for name, value in fields.items()})


class _Unknown:
    def __format__(self, spec: str) -> str:
        return "–"
