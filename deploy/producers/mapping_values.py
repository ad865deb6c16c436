"""The values of one row as the mapping names them: white space off, words exchanged, durations in ms. Pure."""

import math
from collections.abc import Mapping as Dict

from deploy.producers.mapping import Mapping
from deploy.producers.mapping_parts import ColumnOf, EventField, Unit
from deploy.producers.mapping_times import UnreadableError, duration_ms, step_back
from streams.contract import RejectionKind, RepairKind
from streams.contract.events import LONGEST_MS, LONGEST_NAME, LONGEST_PLACE, LONGEST_TEXT

_LONGEST = {"subject": LONGEST_PLACE, "place": LONGEST_PLACE, "text": LONGEST_TEXT}


class RejectedError(Exception):
    """A row whose call, outcome, times or durations cannot be read; the text says why, without personal data."""

    def __init__(self, reason: RejectionKind, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Values:
    """One row with the right number of columns. `repairs` and `not_understood` (columns) fill while it is read."""

    def __init__(self, mapping: Mapping, values: Dict[str, str]) -> None:
        self._mapping = mapping
        self._values = values
        self.repairs: set[RepairKind] = set()
        self.not_understood: set[str] = set()

    def text(self, column: str) -> str:
        """A column's value without white space around it; empty if the file has no such (optional) column."""
        value = self._values.get(column)
        if not value:
            return ""
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise RejectedError("encoding", f"{column} is not {self._mapping.encoding}") from None
        stripped = value.strip()
        if stripped != value:
            self.repairs.add("whitespace")
        return stripped

    def wanted(self) -> bool:
        """Whether the row is among those that `where` asks for."""
        return all(self.text(column) in values for column, values in self._mapping.where.items())

    def call(self) -> str:
        """The call's id."""
        parts = [self.name(column) for column in self._mapping.call]
        if not all(parts) or (len(parts) == 1 and parts[0] in self._mapping.no_call):
            raise RejectedError("no_call", f"no value in {' or '.join(self._mapping.call)}")
        return "-".join(parts)

    def name(self, column: str, longest: int = LONGEST_NAME) -> str:
        value = self.text(column)
        if len(value) > longest:
            raise RejectedError("too_large", f"{column} has more than {longest} characters")
        return value

    def of(self, spec: ColumnOf | None, longest: int = LONGEST_NAME) -> str:
        """What a column (or several, or none) gives; empty if it stands among the absent ones."""
        if spec is None:
            return ""
        if spec.always:
            return spec.always
        if spec.columns:
            return self._path(spec, longest)
        value = self.name(spec.column, longest)
        return self._exchanged(spec, value) if value and value not in spec.absent else ""

    def _path(self, spec: ColumnOf, longest: int) -> str:
        levels = [value for column in spec.columns if (value := self.name(column, longest)) not in spec.absent]
        found = "/".join(level.replace("/", "／") for level in levels if level)
        if len(found) > longest:
            raise RejectedError("too_large", f"{' and '.join(spec.columns)} have more than {longest} characters")
        return found

    def _exchanged(self, spec: ColumnOf, value: str) -> str:
        value = spec.words.get(value, value)
        if spec.split:
            head, found, tail = value.partition(spec.split)
            if found and head.strip() and tail.strip():
                return f"{head.strip()}/{tail.strip()}"
        return value

    def queue(self) -> str:
        return self.of(self._mapping.queue)

    def source(self) -> str:
        """Where the row comes from: its own column, else the mapping's name."""
        return self.of(self._mapping.source) or self._mapping.name

    def agent(self) -> str:
        return self.of(self._mapping.fields.get("agent"))

    def described(self) -> dict[str, str]:
        """The caller and what else describes the call; the agent stands on `answered`."""
        described = {"caller": self.of(self._mapping.caller)}
        for name, spec in self._mapping.fields.items():
            if name != "agent":
                described[name] = self.of(spec, _longest(name))
        return described

    def duration(self, column: str, unit: Unit | None = None) -> int | None:
        """A stated duration in ms, never below 0; None if the row states none."""
        text = self.text(column)
        if not text:
            return None
        try:
            found = duration_ms(text, unit or self._mapping.durations.unit)
        except UnreadableError as error:
            raise RejectedError("schema", f"{column}: {error}") from error
        if found > LONGEST_MS:
            raise RejectedError("schema", f"{column}: longer than 7 days")
        self.repairs.update(step_back(found))
        return max(0, found)

    def skills(self, column: str) -> list[str] | None:
        """The queues that an agent serves, parted by `,` or `;`; None if the row does not say."""
        text = self.text(column)
        return [name for part in text.replace(";", ",").split(",") if (name := part.strip())] if text else None

    def rating(self, column: str, words: Dict[str, int]) -> int | None:
        """The caller's rating; None where none was given, or where its word means nothing here (which is noted)."""
        text = self.text(column)
        if not text:
            return None
        if text in words:
            return words[text]
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not (abs(found) < 1_000 and found.is_integer()):
            self.not_understood.add(column)
            return None
        return int(found)


def _longest(name: EventField) -> int:
    return _LONGEST.get(name, LONGEST_NAME)
