"""Public holidays and the weekend days that are worked instead, by country: which weekday a date goes like."""

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase


MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6
_LANGUAGES = {"en": "en_US", "zh": "zh_CN"}


def known_country(code: str) -> str:
    """A country, or a part of one, as ISO 3166 writes it (`CN`, `DE-BY`), or ""; raises ValueError for one nobody knows."""
    if not code:
        return code
    from holidays import list_supported_countries  # noqa: PLC0415  (a fifth of a second, for whoever names a country)

    country, _, part = code.upper().partition("-")
    known = list_supported_countries(include_aliases=True)
    if country not in known:
        raise ValueError(f"{code}: no country; write its two letters as in ISO 3166, such as CN, or DE-BY for a part")
    if part and part not in known[country]:
        parts = ", ".join(f"{country}-{it}" for it in known[country])
        raise ValueError(f"{code}: no part of {country} that has holidays of its own; there are {parts or 'none'}")
    return code.upper()


class Weekdays:
    """`country` as `known_country` takes it; "" has no holidays."""

    def __init__(self, country: str = "") -> None:
        self._days: dict[str, HolidayBase] = {}
        if country:
            from holidays import country_holidays  # noqa: PLC0415  (a fifth of a second, for whoever names a country)

            code, _, part = country.partition("-")
            self._days = {
                language: country_holidays(code, subdiv=part or None, language=spoken)
                for language, spoken in _LANGUAGES.items()
            }
        self._known: dict[int, int] = {}

    def of(self, ordinal: int) -> int:
        """0 Monday ... 6 Sunday of a date's ordinal: a holiday goes like a Sunday, a Saturday (Sunday) that is worked
        like a Friday (Monday).
        """
        known = self._known.get(ordinal)
        if known is None:
            known = self._known[ordinal] = self._like(date.fromordinal(ordinal))
        return known

    def names(self, ordinal: int) -> dict[str, str]:
        """What a holiday is called, by language; empty for other days."""
        day = date.fromordinal(ordinal)
        return {language: days[day] for language, days in self._days.items() if day in days}

    def _like(self, day: date) -> int:
        own = day.weekday()
        if not self._days:
            return own
        days = self._days["en"]
        if day in days:
            return SUNDAY
        if days.is_weekend(day) and days.is_working_day(day):
            return {SATURDAY: FRIDAY, SUNDAY: MONDAY}.get(own, own)
        return own


@lru_cache(maxsize=32)
def weekdays(country: str) -> Weekdays:
    """Those of a country; made once."""
    return Weekdays(country)
