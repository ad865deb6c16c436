"""Events that are known to come, in a file written by hand (beside those that people enter): `streams` reads it again as
it changes. Every process that is to know of it needs it: `streams`, and `web` to show it.

```yaml
events:
  - name: exam results
    begin: 2026-06-25T08:00:00+08:00
    end: 2026-06-25T20:00:00+08:00
    lift: 2.5             # so many times the usual calls; 1: nobody knows
    hotline: "12345"      # left out: all of them
    queue: education      # left out: all of its calls
```
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from deploy.runtime import yaml_text
from deploy.runtime.event_entry import LONGEST_NAME, readable
from deploy.runtime.section import Section
from deploy.runtime.settings import Settings, SettingsError
from streams.contract.announcements import Announcement


class PlannedEvent(Section):
    """From `begin` to before `end` about `lift` times as many calls are expected as usual."""

    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    begin: AwareDatetime
    end: AwareDatetime
    lift: Annotated[float, Field(gt=0, le=50)] = 1.0
    hotline: str = ""
    queue: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.end <= self.begin:
            raise ValueError("end: write a time after begin")
        if not readable(self.name):
            raise ValueError("name: write a name, without control characters")
        return self

    def told(self, number: int, file: str) -> Announcement:
        """The same as if somebody had entered it; revision 0: only the file can change it."""
        return Announcement(
            id=f"file/{number}",
            revision=0,
            name=self.name,
            begin=round(self.begin.timestamp() * 1000),
            end=round(self.end.timestamp() * 1000),
            lift=self.lift,
            hotline=self.hotline,
            queue=self.queue,
            author=file,
            at=0,
        )


class _File(Section):
    events: tuple[PlannedEvent, ...] = ()


def events_path(settings: Settings) -> Path:
    """Where the events of these settings stand, whether there are any or not."""
    return settings.demand.events or settings.data_dir / "events.yaml"


def read_events(path: Path) -> tuple[PlannedEvent, ...]:
    """The events of a file, none if there is no file. Raises SettingsError with one line per problem."""
    try:
        return parse_events(path.read_bytes(), str(path))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def told_by_file(path: Path) -> list[Announcement]:
    """The events of a file as if somebody had entered them. Raises SettingsError."""
    return [event.told(number, path.name) for number, event in enumerate(read_events(path))]


def parse_events(text: bytes, name: str) -> tuple[PlannedEvent, ...]:
    """The events in `text`; `name` is the file's, for errors. Raises SettingsError with one line per problem."""
    try:
        return _File.model_validate(yaml_text.parse(text.decode(), name) or {}).events
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: no UTF-8 text: {error}") from error
    except yaml_text.YamlError as error:
        raise SettingsError(str(error)) from error
    except ValidationError as error:
        raise SettingsError("\n".join(f"{name}: {line}" for line in yaml_text.lines(error, _File))) from error
