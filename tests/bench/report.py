"""From the figures of a bench to a table: ratios within a round, because a machine's speed changes between rounds."""

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from contestants import OURS, Engine

RESULTS = "results/job_a.json"


class Figure(NamedTuple):
    """One run of one engine; `cpu_seconds` of its process, all threads."""

    engine: str
    events: int
    seconds: float
    cpu_seconds: float
    software: str
    checkpoints: int | None = None

    @property
    def speed(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def per_core(self) -> float:
        """Events per second of processor time: what the same machine would do if nobody else were on it."""
        return self.events / self.cpu_seconds

    def __str__(self) -> str:
        return f"{self.engine}: {self.speed:,.0f} events/s, {self.per_core:,.0f} per second of one core"


class Result(NamedTuple):
    machine: str
    at: str
    rounds: list[list[Figure]]
    missing: dict[str, str]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> str:
    """Cores, and what /proc/cpuinfo calls them where there is one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores, {model or platform.machine()}, {platform.system()}"


def table(result: Result, engines: Sequence[Engine]) -> str:
    """A Markdown table."""
    head = f"{result.at}; {result.machine}; {len(result.rounds)} rounds; ratios: min, **median**, max.\n\n"
    lines = [
        "| engine | events/s | per second of one core | hotline is … times as fast | … per core | what it does not do |",
        "|---|---|---|---|---|---|",
    ]
    for engine in engines:
        if engine.name in result.missing:
            lines.append(f"| {engine.name} | not run | | | | {result.missing[engine.name]} |")
            continue
        pairs = [(_of(one, engine.name), _of(one, OURS)) for one in result.rounds]
        mine = [figure for figure, _ in pairs if figure]
        if not mine:
            continue
        both = [(theirs, ours) for theirs, ours in pairs if theirs and ours and engine.kind != "ours"]
        lines.append(
            f"| {engine.name} ({mine[0].software}) "
            f"| {statistics.median(it.speed for it in mine):,.0f} | {statistics.median(it.per_core for it in mine):,.0f} "
            f"| {spread([ours.speed / theirs.speed for theirs, ours in both])} "
            f"| {spread([ours.per_core / theirs.per_core for theirs, ours in both])} | {engine.lacks} |"
        )
    return head + "\n".join(lines)


def spread(ratios: Sequence[float], digits: int = 2) -> str:
    if not ratios:
        return ""
    return f"{min(ratios):.{digits}f}, **{statistics.median(ratios):.{digits}f}**, {max(ratios):.{digits}f}"


def _of(figures: Sequence[Figure], engine: str) -> Figure | None:
    return next((figure for figure in figures if figure.engine == engine), None)


def save(result: Result, engines: Sequence[Engine], folder: Path) -> None:
    """Keep the figures, and put the table into the README between its marks."""
    kept = folder / RESULTS
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    put(folder, "job A", "run.py", table(result, engines))


def put(folder: Path, job: str, program: str, text: str) -> None:
    """Put what a program found into the README between its marks, which are there."""
    readme = folder / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition(f"<!-- {job}: written by {program} -->")
    _, end, after = rest.partition(f"<!-- end of {job} -->")
    assert end, f"{readme} has no place for {job}"
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def saved(folder: Path) -> Result:
    """What `save` kept; FileNotFoundError if it never did."""
    return msgspec.json.decode((folder / RESULTS).read_bytes(), type=Result)
