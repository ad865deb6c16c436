"""What every part of a file that people write is - of settings, of a mapping: frozen, and strict about keys."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
