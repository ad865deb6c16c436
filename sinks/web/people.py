"""Who asks, and what they may do: roles and rights. Pure.

A viewer sees figures; a supervisor also the calls behind them, and acts on alerts; an analyst sees calls and takes
tables away; an admin may do all of it and read the audit.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from deploy.runtime.access import Access, Filter, Grant, Role
from sinks.web.sees import EVERYTHING, Sees

Right = Literal["figures", "calls", "export", "act"]
RIGHTS: dict[Role, frozenset[Right]] = {
    "viewer": frozenset({"figures"}),
    "supervisor": frozenset({"figures", "calls", "export", "act"}),
    "analyst": frozenset({"figures", "calls", "export"}),
    "admin": frozenset(get_args(Right)),
}


class Person(NamedTuple):
    """Somebody known. `name` "": nobody has logged in, and nobody needs to."""

    name: str
    role: Role
    sees: Sees

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]


ANYBODY = Person("", "admin", EVERYTHING)
"""Where no logins are configured; what changes something is offered on loopback only (see `deeds.offered`)."""


def sees_of(told: Filter) -> Sees:
    """What a filter of the settings leaves."""
    values = (told.hotlines, told.centres, told.queues, told.departments, told.categories, told.districts)
    return Sees(*(None if names is None else frozenset(names) for names in values))


def person(name: str, grant: Grant) -> Person:
    return Person(name, grant.role, sees_of(grant.sees))


def of_proxy(name: str, groups: Iterable[str], access: Access) -> Person | None:
    """Whom a trusted proxy names: by name, else by the first of the configured groups, else the default; None: nobody."""
    if name in access.people:
        return person(name, access.people[name])
    told = set(groups)
    for group, grant in access.groups.items():
        if group in told:
            return person(name, grant)
    return person(name, access.everybody) if access.everybody is not None else None


def everyone(access: Access) -> dict[str, Person]:
    """All that settings name: people by name, `group:NAME`, `everybody`."""
    grants: dict[str, Grant] = {**access.people, **{f"group:{name}": grant for name, grant in access.groups.items()}}
    if access.everybody is not None:
        grants["everybody"] = access.everybody
    return {name: person(name, grant) for name, grant in grants.items()}
