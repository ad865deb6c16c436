"""Links in messages by which people answer: signed, so that nobody can make one up; good for a week.

Whoever has the message may use them, as with a password reset: they name the receiver the message was sent to.
"""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal, NamedTuple, get_args
from urllib.parse import urlencode

PATH = "callbacks/alert"
GOOD_FOR_MS = 7 * 86_400_000
MOST_EPISODES = 8
"""A message of some services holds 4 kB in all."""

Answer = Literal["acknowledge", "useful", "noise", "missed"]
Refusal = Literal["unreadable", "forged", "expired"]


class Link(NamedTuple):
    """What a link says: the answer, about which episodes, by whom it came, until when it is good (ms)."""

    answer: Answer
    episodes: tuple[str, ...]
    receiver: str
    until: int


def made(answer: Answer, episodes: Sequence[str], receiver: str, now: int) -> Link:
    """What a link is to say; beyond `MOST_EPISODES` episodes it speaks of the first ones."""
    return Link(answer, tuple(episodes[:MOST_EPISODES]), receiver, now + GOOD_FOR_MS)


def address(base: str, said: Link, key: str) -> str:
    """The link itself."""
    return f"{base.rstrip('/')}/{PATH}?{urlencode(fields(said, key))}"


def fields(said: Link, key: str) -> dict[str, str]:
    """The link as the fields of a form, its signature among them."""
    told = {"do": said.answer, "of": " ".join(said.episodes), "for": said.receiver, "until": str(said.until)}
    return told | {"sign": _sign(told, key)}


def read(told: Mapping[str, str], key: str, now: int) -> Link | Refusal:
    """What a link says, if it is ours."""
    try:
        said = {name: told[name] for name in ("do", "of", "for", "until")}
        sign, until = told["sign"], int(said["until"])
    except (KeyError, ValueError):
        return "unreadable"
    if not hmac.compare_digest(sign.encode(), _sign(said, key).encode()):
        return "forged"
    if now > until:
        return "expired"
    answer = next((answer for answer in get_args(Answer) if answer == said["do"]), None)
    return "unreadable" if answer is None else Link(answer, tuple(said["of"].split()), said["for"], until)


def _sign(told: Mapping[str, str], key: str) -> str:
    text = "\n".join(f"{name}={told[name]}" for name in ("do", "of", "for", "until"))
    return hmac.digest(key.encode(), text.encode(), sha256).hex()[:40]
