"""Where alerts go, what answers are taken, and who hears when nobody can be told any more."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from deploy.runtime.address import Address, SecretAddress, SecretAddressOrNone
from deploy.runtime.section import Section
from streams.contract.events import LIVE


class Alertmanager(Section):
    """`dead_man`: keep up two alerts by which Alertmanager itself rings when Hotline stops. Its configuration has to
    inhibit HotlineStopped by HotlineAlive, as ours does, or it rings all the time.
    """

    url: Address = ""
    user: str = ""
    password: SecretStr = SecretStr("")
    dead_man: bool = False

    @model_validator(mode="after")
    def _dead_man_has_a_home(self) -> Self:
        if self.dead_man and not self.url:
            raise ValueError("dead_man needs alerts.alertmanager.url")
        return self


class Heartbeat(Section):
    """A GET of `url` every `every_s` seconds while alerts can be made and told: a dead man's switch outside."""

    url: SecretAddressOrNone = SecretStr("")
    every_s: Annotated[int, Field(ge=1, le=3_600)] = 60


class Grafana(Section):
    url: Address = ""
    token: SecretStr = SecretStr("")
    dashboard_uid: str = "hotline-overview"


class Webhook(Section):
    """`secret`: each request carries `X-Hotline-Signature: t=<s>,v1=<hex>`, HMAC-SHA256 of `<s>.<body>` with it."""

    url: SecretAddress
    bearer_token: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")


class Callbacks(Section):
    """What answers are taken from outside, at /callbacks/ of `hotline web`: each way is closed while its secret is empty.

    `link_key`: signs the links in messages (16 characters or more). `slack_team`: whose buttons count; empty: any.
    """

    pagerduty_secret: SecretStr = SecretStr("")
    slack_secret: SecretStr = SecretStr("")
    slack_team: str = ""
    link_key: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _link_key_is_long(self) -> Self:
        if 0 < len(self.link_key.get_secret_value()) < 16:
            raise ValueError("link_key is shorter than 16 characters: `openssl rand -hex 32` makes one")
        return self


class Alerts(Section):
    """What is told to whom. `feed` says which feed may page. `rules`: a file; empty: the built-in rules.

    `duty`: a file that says who is called in what order (alerts/duty.py), for `paging: hotline`.
    """

    feed: str = LIVE
    rules: Path | None = None
    duty: Path | None = None
    alertmanager: Alertmanager = Alertmanager()
    grafana: Grafana = Grafana()
    webhooks: tuple[Webhook, ...] = ()
    heartbeat: Heartbeat = Heartbeat()
    callbacks: Callbacks = Callbacks()
