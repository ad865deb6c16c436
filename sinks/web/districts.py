"""The site's own district boundaries: GeoJSON in, one outline per district out, drawn once at start.

A feature needs a Polygon or MultiPolygon and the properties `code` (as events write it) and `population`; `name` is a
text or a text per language. Positions are degrees; the outline is an SVG path in a box 1000 wide.
"""

from collections.abc import Iterable, Mapping
from math import cos, radians
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

WIDTH = 1000.0
MOST_BYTES = 20_000_000
MOST_DISTRICTS = 2_000

Ring = list[tuple[float, float]]


class MapError(ValueError):
    """Boundaries that cannot be drawn; the text says which feature and why."""


class District(NamedTuple):
    """One district: `path` is its outline, (`x`, `y`) where its name may stand."""

    code: str
    name: Mapping[str, str]
    population: int
    path: str
    x: float
    y: float


class Outlines(NamedTuple):
    """All of them in a box `width` by `height`."""

    width: float
    height: float
    districts: tuple[District, ...]


def read(path: Path) -> Outlines:
    """Read a GeoJSON file. Raises MapError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MapError(f"web.map: {path} is larger than {MOST_BYTES:,} bytes: simplify the boundaries")
        return outlines(msgspec.json.decode(path.read_bytes()))
    except (OSError, msgspec.DecodeError) as error:
        raise MapError(f"web.map: {path} cannot be read: {error}") from error


def outlines(document: Any) -> Outlines:
    """Draw a FeatureCollection. Raises MapError."""
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not 0 < len(features) <= MOST_DISTRICTS:
        raise MapError(f"web.map: a FeatureCollection of 1 to {MOST_DISTRICTS:,} features is needed")
    found = [_feature(number, feature) for number, feature in enumerate(features)]
    positions = [position for *_, rings in found for ring in rings for position in ring]
    west, east = min(x for x, _ in positions), max(x for x, _ in positions)
    south, north = min(y for _, y in positions), max(y for _, y in positions)
    squeeze = cos(radians((south + north) / 2))  # equal lengths east and north in the middle of the map
    scale = WIDTH / max((east - west) * squeeze, 1e-9)

    def place(position: tuple[float, float]) -> tuple[float, float]:
        return (position[0] - west) * squeeze * scale, (north - position[1]) * scale

    drawn = []
    for code, name, population, rings in found:
        placed = [[place(position) for position in ring] for ring in rings]
        largest = max(placed, key=lambda ring: abs(_area(ring)))
        drawn.append(District(code, name, population, _path(placed), *_centre(largest)))
    return Outlines(WIDTH, round((north - south) * scale, 1), tuple(drawn))


def _feature(number: int, feature: Any) -> tuple[str, Mapping[str, str], int, list[Ring]]:
    told = feature.get("properties") if isinstance(feature, dict) else None
    shape = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(told, dict) or not isinstance(shape, dict):
        raise MapError(f"web.map: feature {number} has no properties or no geometry")
    code, population, name = str(told.get("code", "")), told.get("population"), told.get("name", "")
    if not code or not isinstance(population, int) or population < 0:
        raise MapError(f"web.map: feature {number} needs code and a whole population")
    names = {str(k): str(v) for k, v in name.items()} if isinstance(name, dict) else {"en": str(name)}
    given = shape.get("coordinates")
    polygons: Any = {"Polygon": [given], "MultiPolygon": given}.get(str(shape.get("type"))) or ()
    try:
        rings = [[(float(p[0]), float(p[1])) for p in ring] for polygon in polygons for ring in polygon]
    except (TypeError, ValueError, IndexError) as error:
        raise MapError(f"web.map: feature {number} ({code}) has positions that are no pairs of degrees") from error
    if not rings or any(len(ring) < 3 or any(abs(x) > 180 or abs(y) > 90 for x, y in ring) for ring in rings):
        raise MapError(f"web.map: feature {number} ({code}) needs a Polygon or MultiPolygon in degrees")
    return code, names, population, rings


def _path(rings: Iterable[Ring]) -> str:
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in rings)


def _area(ring: Ring) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2


def _centre(ring: Ring) -> tuple[float, float]:
    """The centroid of a ring (of a ring without area: the mean of its corners)."""
    area = _area(ring)
    if not area:
        return sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)
    sides = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    x = sum((a[0] + b[0]) * (a[0] * b[1] - b[0] * a[1]) for a, b in sides) / (6 * area)
    y = sum((a[1] + b[1]) * (a[0] * b[1] - b[0] * a[1]) for a, b in sides) / (6 * area)
    return round(x, 1), round(y, 1)
