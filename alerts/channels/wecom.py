"""WeCom (企业微信), by a group robot: Markdown; the answer's `errcode` says whether it was taken."""

from typing import Any

from alerts.channels import Outcome
from alerts.channels.chat import ChatChannel
from alerts.channels.http import outcome_of_code
from alerts.channels.settings import ChatSettings
from alerts.channels.words import Words, markdown

MOST_BYTES = 4096


class WeComChannel(ChatChannel[ChatSettings]):
    """POST of one Markdown message for all alerts of a page."""

    kind = "wecom"

    def _message(self, said: Words) -> dict[str, Any]:
        return {"msgtype": "markdown", "markdown": {"content": markdown(said, self._board, MOST_BYTES)}}

    @staticmethod
    def _read(answer: bytes) -> Outcome:
        """-1: the service is busy; 45009: more than 20 messages a minute; 93000: the robot's key is none."""
        return outcome_of_code(answer, "errcode", limited=(45009, 45033), auth=(93000, 40001, 40014), busy=(-1,))
