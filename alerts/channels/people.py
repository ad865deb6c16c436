"""The channels that reach people, made from what `alerts.duty` says of them."""

from alerts.channels import Channel
from alerts.channels.apprise import AppriseChannel
from alerts.channels.content import Writer
from alerts.channels.dingtalk import DingTalkChannel
from alerts.channels.email import EmailChannel
from alerts.channels.feishu import FeishuChannel
from alerts.channels.pace import PacedChannel
from alerts.channels.pagerduty import PagerDutyChannel
from alerts.channels.settings import (
    AppriseSettings,
    ChannelSettings,
    ChatSettings,
    EmailSettings,
    PagerDutySettings,
    SignedChatSettings,
    SmsSettings,
)
from alerts.channels.slack import SlackChannel
from alerts.channels.sms import SmsChannel
from alerts.channels.teams import TeamsChannel
from alerts.channels.wecom import WeComChannel

_CHATS: dict[str, type[SlackChannel | TeamsChannel | WeComChannel]] = {
    "slack": SlackChannel,
    "teams": TeamsChannel,
    "wecom": WeComChannel,
}
_SIGNED: dict[str, type[DingTalkChannel | FeishuChannel]] = {"dingtalk": DingTalkChannel, "feishu": FeishuChannel}


MOST_A_MINUTE = {"pagerduty": 120, "slack": 60, "teams": 60, "wecom": 20, "dingtalk": 20, "feishu": 100}
"""What the services' documentations allow one integration; a gateway's and a mail server's limits are their own."""


def people_channel(settings: ChannelSettings, receiver: str, writer: Writer) -> Channel:
    """The channel, kept to what its service allows; it is called `receiver/type` in logs."""
    channel = _channel(settings, receiver, writer)
    most = MOST_A_MINUTE.get(settings.type)
    return channel if most is None else PacedChannel(channel, most)


def _channel(settings: ChannelSettings, receiver: str, writer: Writer) -> Channel:
    target = f"{receiver}/{settings.type}"
    match settings:
        case EmailSettings():
            return EmailChannel(settings, target, writer)
        case PagerDutySettings():
            return PagerDutyChannel(settings, target, writer)
        case ChatSettings():
            return _CHATS[settings.type](settings, target, writer)
        case SignedChatSettings():
            return _SIGNED[settings.type](settings, target, writer)
        case AppriseSettings():
            return AppriseChannel(settings, target, writer)
        case SmsSettings():
            return SmsChannel(settings, target, writer)
