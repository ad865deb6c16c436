"""What a channel of a receiver needs to know; a secret may stand in a file of its own (`url_file`, `token_file`)."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from deploy.runtime.address import SecretAddress
from deploy.runtime.section import Section


def secrets_from_files(data: Any) -> Any:
    """For each `…_file` of a secret, the secret itself. Raises ValueError."""
    if not isinstance(data, dict):
        return data
    told = dict(data)
    for field in ("url", "token", "password", "secret", "routing_key"):
        path = told.pop(f"{field}_file", None)
        if path is None:
            continue
        if not isinstance(path, str):
            raise ValueError(f"{field}_file: write the path of a file that holds the secret")  # noqa: TRY004
        if field in told:
            raise ValueError(f"both {field} and {field}_file are there: keep one")
        try:
            told[field] = Path(path).read_text(encoding="utf-8").splitlines()[0].strip()
        except (OSError, UnicodeDecodeError, IndexError) as error:
            raise ValueError(f"{field}_file: cannot read a secret from {path}: {type(error).__name__}") from error
    return told


class ChannelPart(Section):
    """`language`: of the words; those of the other one stand in where a rule has none."""

    language: Literal["en", "zh"] = "en"

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, data: Any) -> Any:
        return secrets_from_files(data)


_PLACE = r"[^\s@<>,;:\"()\[\]\\.]+(?:\.[^\s@<>,;:\"()\[\]\\.]+)*"
_MAILBOX = re.compile(rf"(?:(?:\"[^\"\\]*\"|[^\"<>@,;:()\[\]\\.]*) ?<{_PLACE}(?:@{_PLACE})?>|{_PLACE}(?:@{_PLACE})?)")


def _mailbox(text: str) -> str:
    if not (text.isprintable() and _MAILBOX.fullmatch(text)):
        raise ValueError(
            f"{text!r} is no address of a mailbox; write one such as duty@example.org or Duty <duty@example.org>"
        )
    return text


Mailbox = Annotated[str, AfterValidator(_mailbox)]


class EmailSettings(ChannelPart):
    """SMTP; `tls`: `starttls` asks for it, `implicit` begins with it, `none` is for a relay on this machine."""

    type: Literal["email"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: Mailbox
    to: Annotated[tuple[Mailbox, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _password_only_over_tls(self) -> Self:
        if self.tls == "none" and self.password.get_secret_value():
            raise ValueError("a password is only sent over TLS: set tls to starttls or implicit")
        return self

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if not (self.user + self.password.get_secret_value()).isascii():
            raise ValueError("user and password: logins by SMTP are ASCII: set a password without other characters")
        return self


class PagerDutySettings(ChannelPart):
    """Events API v2; `routing_key` is the integration key of a service."""

    type: Literal["pagerduty"]
    routing_key: SecretStr
    url: SecretAddress = SecretStr("https://events.pagerduty.com/v2/enqueue")


class ChatSettings(ChannelPart):
    """An incoming webhook: Slack, Microsoft Teams (workflow), WeCom (group robot).

    `buttons`: under Slack's messages, for an app whose interactivity goes to /callbacks/slack.
    """

    type: Literal["slack", "teams", "wecom"]
    url: SecretAddress
    buttons: bool = False


class SignedChatSettings(ChannelPart):
    """A group robot with a signing secret: DingTalk, Feishu/Lark."""

    type: Literal["dingtalk", "feishu"]
    url: SecretAddress
    secret: SecretStr = SecretStr("")


class SmsSettings(ChannelPart):
    """A gateway's HTTP API. `body`: template, with `{to}` and `{text}` filled in as JSON strings or form values.

    `accepted`: text that an answer must hold to mean yes (gateways say no with a 200); empty: any 2xx.
    """

    type: Literal["sms"]
    url: SecretAddress
    to: Annotated[tuple[str, ...], Field(min_length=1)]
    format: Literal["json", "form"] = "json"
    body: dict[str, str] = Field(default_factory=lambda: {"to": "{to}", "text": "{text}"})
    token: SecretStr = SecretStr("")
    accepted: str = ""
    max_length: Annotated[int, Field(ge=40, le=1000)] = 160


class AppriseSettings(ChannelPart):
    """An address of Apprise (`ntfys://…`, `matrixs://…`); needs the extra `apprise`."""

    type: Literal["apprise"]
    url: SecretStr


ChannelSettings = Annotated[
    EmailSettings | PagerDutySettings | ChatSettings | SignedChatSettings | SmsSettings | AppriseSettings,
    Field(discriminator="type"),
]
