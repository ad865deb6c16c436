"""Lengths of time as people write them: `90s`, `10m`, `1h30m`, `14d`."""

import re

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.ASCII)
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def parse_duration(text: str) -> int:
    """Milliseconds of a length of time; raises ValueError saying how to write one."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no length of time: write for instance 90s, 10m, 1h30m or 14d")
    return round(sum(float(number) * _MS[unit] for number, unit in parts))
