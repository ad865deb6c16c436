"""Settings of who may see and do what at the wallboard: `web.access`."""

from typing import Annotated, Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, model_validator

from deploy.runtime.section import Section

Role = Literal["viewer", "supervisor", "analyst", "admin"]


class Filter(Section):
    """What may be seen, per dimension; one that is not named: all of it. Centres own queues (`queues.NAME.centre`)."""

    hotlines: tuple[str, ...] | None = None
    centres: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    departments: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    districts: tuple[str, ...] | None = None


class Grant(Section):
    role: Role = "viewer"
    sees: Filter = Filter()


class Account(Grant):
    """Somebody by name. `password`: a hash from `hotline password`, for `mode: accounts`."""

    password: SecretStr = SecretStr("")


class Access(Section):
    """Who may see the wallboard. `open`: whoever reaches it. `accounts`: who logs in. `proxy`: whom a proxy names.

    A proxy (oauth2-proxy, a gateway with OpenID Connect) is believed only from `trusted_proxies`; it names people in
    `name_header` and their groups, with commas, in `groups_header`. `everybody`: who is named and in no group.
    Processes that share people share `session_key`; empty: a new one at every start.
    """

    mode: Literal["open", "accounts", "proxy"] = "open"
    people: dict[str, Account] = {}
    groups: dict[str, Grant] = {}
    everybody: Grant | None = None
    session_key: SecretStr = SecretStr("")
    session_hours: Annotated[int, Field(ge=1, le=168)] = 12
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    name_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"
    metrics_from: tuple[IPvAnyNetwork, ...] = ()

    @model_validator(mode="after")
    def _can_be_entered(self) -> Self:
        if self.mode == "accounts" and not any(one.password.get_secret_value() for one in self.people.values()):
            raise ValueError(
                "mode accounts needs web.access.people with passwords: `hotline password` makes the hashes"
            )
        if self.mode == "proxy" and not self.trusted_proxies:
            raise ValueError("mode proxy needs web.access.trusted_proxies: the addresses the proxy asks from")
        return self
