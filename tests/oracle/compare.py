"""Where the engine's answer and the oracle's differ: every key, interval and metric, in words."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from oracle.batch import Answer, CellKey


def differences(engine: Answer, oracle: Answer) -> list[str]:
    """One line per value that differs; empty: they agree."""
    return [
        *_differences("visit", engine.visits, oracle.visits, lambda key: "/".join(map(str, key))),
        *_differences("cell", engine.cells, oracle.cells, _cell),
        *_differences("dead letter", engine.letters, oracle.letters, lambda key: f"{key[0]}/{key[1]}"),
    ]


def _differences(what: str, engine: Mapping[Any, Any], oracle: Mapping[Any, Any], name: Any) -> Iterable[str]:
    for key in sorted(engine.keys() | oracle.keys(), key=repr):
        one, other = engine.get(key), oracle.get(key)
        if one is None or other is None:
            who = "engine" if other is None else "oracle"
            yield f"{what} {name(key)}: only in the {who}: {one if other is None else other}"
            continue
        for metric in sorted(one.keys() | other.keys()):
            if _of(one, metric) != _of(other, metric):
                yield f"{what} {name(key)}: {metric}: engine {_of(one, metric)}, oracle {_of(other, metric)}"


def _of(values: Mapping[str, Any], metric: str) -> Hashable:
    value = values.get(metric, 0)
    return tuple(value) if isinstance(value, list) else value


def _cell(key: CellKey) -> str:
    minute = datetime.fromtimestamp(key.minute / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    values = " ".join(f"{name}={value}" for name, value in key.values)
    return f"{key.feed}.{key.generation} {key.hotline} {key.dimension_set} {values} {minute}".replace("  ", " ")
