"""What would become of a provider's file: read by the engine's own intake, without Kafka.

Every event goes through `streams.intake.read`, as it does in the engine, so the two cannot disagree. With a mapping
the rows of an export become events first, as in a replay; without one each line is an event as it would be sent.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from deploy.producers.contents import CallsSeen, rows_of
from deploy.producers.export import open_export
from deploy.producers.feed_advice import advice_on
from deploy.producers.mapping import Mapping
from deploy.producers.mapping_rows import LEFT_OUT, Rejection
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Settings
from deploy.runtime.yaml_text import meant
from streams import intake
from streams.contract import LIVE, RejectionKind, RepairKind
from streams.contract.events import IN_SECONDS_BEFORE_MS
from streams.privacy import mask_preview

FEED = "feed-test"
_encode = msgspec.json.Encoder().encode

_QUEUES_NAMED = 10


class Example(msgspec.Struct, frozen=True):
    """One line that was mended or refused: `preview` is its beginning, digits masked."""

    line: int
    field: str
    detail: str
    preview: str


class Finding(msgspec.Struct):
    """One kind of repair or rejection: how often, what to do, the first few lines."""

    count: int = 0
    what_to_do: str = ""
    examples: list[Example] = msgspec.field(default_factory=list)


class Report(msgspec.Struct):
    """What was found. Times are epoch ms; `refused_lines` counts lines, `rejected` what was refused by kind."""

    read: int = 0
    events: int = 0
    types: Counter[str] = msgspec.field(default_factory=Counter)
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    hotlines: Counter[str] = msgspec.field(default_factory=Counter)
    queued: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)  # by hotline and queue
    sources: Counter[str] = msgspec.field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    rejected: dict[str, Finding] = msgspec.field(default_factory=dict)
    repaired: dict[str, Finding] = msgspec.field(default_factory=dict)
    not_understood: Counter[str] = msgspec.field(default_factory=Counter)
    unknown_fields: Counter[str] = msgspec.field(default_factory=Counter)
    unused_columns: list[str] = msgspec.field(default_factory=list)
    late: int = 0
    in_seconds: int = 0
    calls: CallsSeen = msgspec.field(default_factory=CallsSeen)

    @property
    def left_out(self) -> int:
        """Rows that the mapping does not want (`where`, `ignore`)."""
        return self.outcomes[LEFT_OUT] + self.outcomes["ignored"]


class FeedTest:
    """Reads a file into a report; `examples` lines are kept of each kind. `now` (ms) stands for the append time."""

    def __init__(self, settings: Settings, *, now: int, examples: int) -> None:
        self._now = now
        self._future_ms = settings.intake.future_s * 1000
        self._lateness_ms = settings.intake.allowed_lateness_s * 1000
        self._keep = frozenset(settings.intake.keep_fields)
        self._examples = examples
        self.report = Report()

    def events_of(self, path: Path) -> Report:
        """A file of events, one JSON object per line, as they would be sent to `hotline.calls`. Raises OSError."""
        for number, line in _lines(path):
            self.report.read += 1
            self._event(number, line, line.decode("utf-8", "replace"))
        return self.report

    def rows_of(self, path: Path, mapping: Mapping) -> Report:
        """An export, read by a mapping. Raises MappingError, OSError."""
        used = {*mapping.used_columns()}
        self.report.unused_columns = [name for name in open_export(path, mapping).header if name and name not in used]
        for line, row in rows_of(path, mapping, feed=FEED, generation=1):
            self.report.read += 1
            preview = "" if isinstance(line.values, Rejection) else mapping.separator.join(line.values)
            if isinstance(row, Rejection):
                self._refused(row.reason, Example(line.number, "", row.detail, preview))
                continue
            self.report.outcomes[row.outcome] += 1
            if row.not_understood:
                self.report.not_understood.update(row.not_understood)
            repairs: set[RepairKind] = {*row.repairs}
            if line.carriage_return and row.events:
                repairs.add("line_end")
            for kind in repairs:
                self._mended(kind, Example(line.number, "", "", preview))
            if mapping.events is None:
                self.report.calls.take(row)
            for event in row.events:
                self._event(line.number, _encode(event), preview)
        return self.report

    def _event(self, number: int, value: bytes, preview: str) -> None:
        found = intake.read(value, self._now, self._future_ms, self._keep)
        report = self.report
        if isinstance(found, intake.Rejection):
            self._refused(found.reason, Example(number, found.field, found.detail, preview))
            return
        for kind in found.repairs:
            self._mended(kind, Example(number, "", "", preview))
        event = found.event
        report.events += 1
        report.types[event.type] += 1
        report.hotlines[event.hotline] += 1
        report.sources[event.source] += 1
        if event.type == "queued":
            report.queued[event.hotline, event.queue] += 1
        if found.unknown:
            report.unknown_fields.update(found.unknown)
        if report.first is None or found.time < report.first:
            report.first = found.time
        if report.last is None or found.time > report.last:
            report.last = found.time
        report.in_seconds += found.time < IN_SECONDS_BEFORE_MS
        report.late += event.feed == LIVE and self._now - found.time > self._lateness_ms

    def _refused(self, kind: RejectionKind, example: Example) -> None:
        self._find(self.report.rejected.setdefault(kind, Finding(what_to_do=advice_on(kind))), example)

    def _mended(self, kind: RepairKind, example: Example) -> None:
        self._find(self.report.repaired.setdefault(kind, Finding(what_to_do=advice_on(kind))), example)

    def _find(self, finding: Finding, example: Example) -> None:
        finding.count += 1
        if len(finding.examples) < self._examples:
            shown = msgspec.structs.replace(example, preview=_shown(example.preview))
            finding.examples.append(shown)


def _shown(text: str) -> str:
    """The beginning of a text without its long numbers; bytes that could not be read are shown as such."""
    return mask_preview(text.encode("utf-8", "replace").decode())


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            value = line.rstrip(b"\r\n")
            if value.strip():
                yield number, value


def _on_queues(report: Report, settings: Settings) -> list[str]:
    said = []
    if any(not queue for _, queue in report.queued):
        said.append("some calls are queued in no queue: they count for the hotline alone")
    for hotline in sorted({hotline for hotline, _ in report.queued}):
        known = settings.hotline(hotline).queues
        named = [queue for (its, queue), _ in report.queued.most_common() if its == hotline and queue]
        unknown = [queue for queue in named if queue not in known] if known else []
        said += [f"queue {queue!r} is not in hotline.yaml{meant(queue, known)}" for queue in unknown[:_QUEUES_NAMED]]
        if len(unknown) > _QUEUES_NAMED:
            said.append(f"{so_many(len(unknown) - _QUEUES_NAMED, 'more queue')} not in hotline.yaml")
    return said


def notes(report: Report, settings: Settings, mapping: Mapping | None) -> list[str]:
    """What else the provider should know, a sentence each."""
    said = []
    if not report.read:
        said.append("the file has no rows")
    not_json = report.rejected.get("not_json")
    if mapping is None and not_json is not None and not_json.count == report.read:
        said.append("no line is JSON: if this is an export, name its mapping with --mapping")
    for hotline in sorted(report.hotlines):
        if not hotline and len(settings.hotlines) != 1:
            said.append("events name no hotline, and not exactly one is configured: send `hotline`")
        elif hotline and hotline not in settings.known_hotlines():
            said.append(f"hotline {hotline!r} is not in hotline.yaml: defaults (zone, thresholds) hold for it")
    said += _on_queues(report, settings)
    if report.in_seconds:
        said.append(
            f"{so_many(report.in_seconds, 'event')} of about 1970: are these seconds? `time` is in milliseconds"
        )
    said += report.calls.notes()
    if mapping is None and report.sources[""]:
        said.append(
            f"{so_many(report.sources[''], 'event')} without a source: a feed that falls silent could not be told by name"
        )
    if report.late:
        said.append(f"{so_many(report.late, 'event')} of `live` older than the allowed lateness: late if sent now")
    return said


def _queues(report: Report) -> dict[str, int]:
    """Calls queued by queue, most first; of several hotlines with the hotline's name."""
    alone = len({hotline for hotline, _ in report.queued}) == 1
    return {queue if alone else f"{hotline}/{queue}": count for (hotline, queue), count in report.queued.most_common()}


def summary(report: Report, settings: Settings, mapping: Mapping | None, path: Path) -> dict[str, Any]:
    """The report as it is told: times in the zone of the mapping, else of the hotline that most events name."""
    zone = mapping.zone if mapping else settings.hotline(next(iter(dict(report.hotlines.most_common(1))), "")).time_zone

    def local(at: int | None) -> str | None:
        return (
            at if at is None else datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).isoformat(timespec="milliseconds")
        )

    return {
        "file": path.name,
        "mapping": mapping.name if mapping else None,
        "read": report.read,
        "events": report.events,
        "types": dict(report.types.most_common()),
        "outcomes": dict(report.outcomes.most_common()),
        "hotlines": dict(report.hotlines.most_common()),
        "queues": _queues(report),
        "sources": dict(report.sources.most_common()),
        "from": local(report.first),
        "to": local(report.last),
        "zone": zone,
        "rejected": msgspec.to_builtins(report.rejected),
        "repaired": msgspec.to_builtins(report.repaired),
        "not_understood": dict(report.not_understood.most_common()),
        "unknown_fields": dict(report.unknown_fields.most_common()),
        "unused_columns": report.unused_columns,
        "left_out": report.left_out,
        "notes": notes(report, settings, mapping),
    }
