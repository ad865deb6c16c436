"""A receiver's channels: one that hangs holds up what comes after it once, not each time."""

import asyncio
from types import SimpleNamespace

import pytest

from alerts.channels import Delivered, Failed, Retry
from alerts.pager import REST_MS, page_forever


class Way:
    """A channel that gives one answer after the other, the last for ever, at once, where a real one would have hung."""

    kind, resend_s, batch = "chat", None, 10

    def __init__(self, target, asked, *outcomes):
        self.target, self._asked, self._outcomes = target, asked, list(outcomes)

    async def send(self, notices, now):
        self._asked.append((notices[0].event.episode, self.target))
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]


class Pages:
    """Messages that are due until they are delivered, one after the other."""

    def __init__(self, tell):
        self._waiting = dict.fromkeys(tell, 0)

    def due(self, _receiver, _now):
        for name, tries in self._waiting.items():
            event = SimpleNamespace(episode=name, state="firing", severity="critical")
            return SimpleNamespace(id=name, why="first"), tries, [SimpleNamespace(event=event)]
        raise asyncio.CancelledError

    def settle(self, name, outcome, _now, _via):
        if isinstance(outcome, Delivered):
            del self._waiting[name]
        else:
            self._waiting[name] += 2 if isinstance(outcome, Failed) else 1


async def asked_of(messages, now, *ways):
    """(message, channel) of each call, in order; `ways`: (target, answers)."""
    asked, pages = [], Pages(messages)
    channels = [Way(target, asked, *outcomes) for target, *outcomes in ways]
    with pytest.raises(asyncio.CancelledError):
        await page_forever("one", channels, lambda: pages, now)
    return asked


HANGS, TAKEN = Retry("timeout"), Delivered()


async def test_a_channel_that_hangs_twice_rests_and_the_next_stands_in():
    asked = await asked_of(["a", "b", "c"], lambda: 0, ("chat", HANGS), ("sms", TAKEN))
    assert asked == [("a", "chat"), ("a", "chat"), ("a", "sms"), ("b", "sms"), ("c", "sms")]


async def test_it_is_tried_again_after_a_minute():
    clock = iter(range(0, 100 * REST_MS, REST_MS // 4))
    asked = await asked_of(["a", "b", "c"], lambda: next(clock), ("chat", HANGS, HANGS, TAKEN), ("sms", TAKEN))
    assert asked == [("a", "chat"), ("a", "chat"), ("a", "sms"), ("b", "chat"), ("c", "chat")]


async def test_where_all_hang_each_is_tried_in_its_turn():
    asked = await asked_of(["a"], lambda: 0, ("chat", *[HANGS] * 3, TAKEN), ("sms", HANGS))
    assert asked == [("a", "chat"), ("a", "chat"), ("a", "sms"), ("a", "sms"), ("a", "chat"), ("a", "chat")]


async def test_a_message_that_is_refused_for_good_says_nothing_of_the_next():
    asked = await asked_of(["a", "b"], lambda: 0, ("chat", Failed("client_error")), ("sms", TAKEN))
    assert asked == [("a", "chat"), ("a", "sms"), ("b", "chat"), ("b", "sms")]
