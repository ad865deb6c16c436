"""A call to which nothing happens just now, as bytes: a tenth of what it takes as objects, and ready for a checkpoint.

Most remembered calls wait for their next event, or are over and kept for corrections. An open call with nine attributes
takes about 180 bytes, which are packed once and written to every checkpoint until its next event.
"""

from typing import NamedTuple

import msgspec

from streams.calls import STAY_ATTRIBUTES, Call, Fact
from streams.rows import CALL_ATTRIBUTES

MOST_WORDS = 10_000

_NAMES = (*CALL_ATTRIBUTES, *sorted(STAY_ATTRIBUTES))
_NUMBER_OF = {name: number for number, name in enumerate(_NAMES)}
_OF_ONE_CALL = frozenset({"caller", "subject", "place", "text"})
_encode = msgspec.msgpack.Encoder().encode


class OpenStay(NamedTuple):
    """A stay that is not over. `queued_at` (ms) while it waits, None once it was answered."""

    hotline: str
    queue: str
    queued_at: int | None


class Words:
    """Names that calls share, as numbers: a queue's name is told a million times and kept once.

    After `MOST_WORDS` of them a text that is new stands for itself.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int | str:
        """What stands for a text."""
        number = self._numbers.get(text)
        if number is None:
            if len(self.texts) >= MOST_WORDS:
                return text
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def text(self, word: int | str) -> str:
        """The text that a word stands for."""
        return word if isinstance(word, str) else self.texts[word]

    def load(self, texts: list[str]) -> None:
        """Take in what was saved; before the first `number`."""
        self.texts = texts
        self._numbers = {text: number for number, text in enumerate(texts)}


class Standing(msgspec.Struct, array_like=True, gc=False):
    """What is asked of a packed call most. Its bytes begin with it, so that the rest need not be read.

    `due`: the next instant (ms) at which something of it changes without an event, or it is forgotten. `first_at`: of
    its first fact. `open`: queue and `queued_at` of its stays that were not over when it was counted last.
    """

    due: int
    first_at: int
    hotline: int | str
    open: list[tuple[int | str, int | None]]


class _Packed(Standing, array_like=True, gc=False):
    """The whole call. `last_at` None: that of the last fact.

    `told`: the attributes by when they were told: index of the fact of that time, or the time as text -> name, as its
    number in `_NAMES` or itself -> value, as the number of a word or itself.
    """

    flag: str
    last_at: int | None
    gone_at: int
    facts: list[Fact]
    told: dict[int | str, dict[int | str, int | str]]


_decode = msgspec.msgpack.Decoder(_Packed).decode
standing = msgspec.msgpack.Decoder(Standing).decode
"""The standing of a packed call."""


def pack(call: Call, due: int, still_open: tuple[OpenStay, ...], words: Words) -> bytes:
    """The call and its standing."""
    facts = call.facts
    place_of: dict[int, int | str] = {fact.time: place for place, fact in enumerate(facts)}
    number = words.number
    told: dict[int | str, dict[int | str, int | str]] = {}
    for name, (time, value) in call.attributes.items():
        place = place_of.get(time)
        if place is None:
            place = str(time)
        its = told.get(place)
        if its is None:
            its = told[place] = {}
        known = _NUMBER_OF.get(name)
        shared = name not in _OF_ONE_CALL if known is not None else "@" in name
        its[name if known is None else known] = number(value) if shared else value
    packed = _encode(
        _Packed(
            due,
            facts[0].time if facts else 0,
            number(call.hotline),
            [(number(stay.queue), stay.queued_at) for stay in still_open],
            call.flag,
            None if facts and facts[-1].time == call.last_at else call.last_at,
            call.gone_at,
            facts,
            told,
        )
    )
    return bytes(memoryview(packed))  # a copy: the encoder's own bytes lie in a block half as large again


def unpack(packed: bytes, words: Words) -> Call:
    """The call that was packed."""
    its = _decode(packed)
    facts, texts = its.facts, words.texts
    attributes = {}
    for place, values in its.told.items():
        time = facts[place].time if isinstance(place, int) else int(place)
        for name, word in values.items():
            attributes[_NAMES[name] if isinstance(name, int) else name] = (
                time,
                texts[word] if isinstance(word, int) else word,
            )
    last_at = facts[-1].time if its.last_at is None else its.last_at
    return Call(words.text(its.hotline), facts, attributes, its.flag, last_at, its.gone_at)
