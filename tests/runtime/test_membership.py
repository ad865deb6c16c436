"""A process knows by its own clock when its group may have given it up."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from deploy.runtime.membership import Membership

SESSION_S = 10.0
OK, REBALANCING, UNKNOWN_MEMBER = 0, 27, 25


class Group:
    """A coordinator as aiokafka has one, and the clock that it and the process share."""

    def __init__(self) -> None:
        self.now = 100.0
        self.answer: Any = SimpleNamespace(error_code=OK)
        self.takes_s = 0.0
        self._send_req = self._send
        self.membership = Membership(SESSION_S, lambda: self.now)
        self.membership.watch(self)

    async def _send(self, request: Any) -> Any:
        self.now += self.takes_s
        return self.answer

    async def ask(self, request: Any, error_code: int = OK, takes_s: float = 0.0) -> None:
        self.answer, self.takes_s = SimpleNamespace(error_code=error_code), takes_s
        assert await self._send_req(request) is self.answer


def heartbeat() -> HeartbeatRequest:
    return HeartbeatRequest("group", 1, "member")


async def test_nobody_is_sure_before_the_group_has_answered() -> None:
    group = Group()
    assert not group.membership.sure
    await group.ask(SyncGroupRequest("group", 1, "member", None, []))
    assert group.membership.sure


async def test_an_answer_holds_for_the_session_timeout_from_when_it_was_asked_for() -> None:
    group = Group()
    await group.ask(heartbeat(), takes_s=4)
    group.now += 5.9
    assert group.membership.sure
    group.now += 0.1
    assert not group.membership.sure
    await group.ask(heartbeat())
    assert group.membership.sure, "the group had not given it up"


@pytest.mark.parametrize(
    ("request_", "error_code", "sure"),
    [
        (heartbeat(), OK, True),
        (heartbeat(), REBALANCING, True),
        (heartbeat(), UNKNOWN_MEMBER, False),
        (SyncGroupRequest("group", 1, "member", None, []), REBALANCING, False),
        (JoinGroupRequest("group", 1, 1, "", None, "consumer", []), OK, False),
    ],
)
async def test_which_answers_count(request_: Any, error_code: int, sure: bool) -> None:
    group = Group()
    await group.ask(request_, error_code)
    assert group.membership.sure is sure


async def test_an_answer_without_an_error_code_is_passed_on() -> None:
    group = Group()
    group.answer = object()
    assert await group._send_req(object()) is group.answer
