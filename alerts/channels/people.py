"""The channels that reach people, made from what `alerts.duty` says of them."""

from alerts.channels import Channel
from alerts.channels.content import Writer
from alerts.channels.dingtalk import DingTalkChannel
from alerts.channels.email import EmailChannel
from alerts.channels.feishu import FeishuChannel
from alerts.channels.pagerduty import PagerDutyChannel
from alerts.channels.settings import (
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


def people_channel(settings: ChannelSettings, receiver: str, writer: Writer) -> Channel:
    """The channel; it is called `receiver/type` in logs."""
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
        case SmsSettings():
            return SmsChannel(settings, target, writer)
