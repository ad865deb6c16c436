"""`hotline check`: one line per thing that has to be right, with what to do where it is not."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError

from alerts import calendars
from alerts.duty import load_duty
from alerts.rules_file import load_rules
from deploy import topics
from deploy.cli.clickhouse import refusal
from deploy.runtime.kafka import cluster_id
from deploy.runtime.planned_events import events_path, read_events
from deploy.runtime.plurals import so_many
from deploy.runtime.run_file import resolve, running
from deploy.runtime.settings import Settings, SettingsError, load
from sinks.clickhouse.client import ClickHouseAway, connect, short
from sinks.clickhouse.migrate import SchemaError, check_schema, replicas_of
from sinks.clickhouse.term_words import terms_by
from sinks.web.districts import MapError
from sinks.web.districts import read as read_outlines


class Line(NamedTuple):
    """One thing that was checked; `text` says what was found or what to do."""

    what: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'WRONG':<6} {self.what:<11} {self.text}"


def _kafka(settings: Settings) -> Line:
    try:
        cluster = asyncio.run(cluster_id(settings.kafka))
    except (KafkaError, OSError) as error:
        text = f"{settings.kafka.bootstrap} does not answer ({error!r}): is it running, are TLS and SASL as it wants?"
        return Line("Kafka", ok=False, text=text)
    return Line("Kafka", ok=True, text=f"{settings.kafka.bootstrap}, cluster {cluster}")


def _topics(settings: Settings) -> Line:
    try:
        states = asyncio.run(topics.check(settings.kafka))
    except (KafkaError, OSError) as error:
        return Line("topics", ok=False, text=f"could not be asked for ({error!r})")
    wrong = [state for state in states if state.wrong]
    if not wrong:
        return Line("topics", ok=True, text=f"{len(states)} as they should be")
    todo = "" if any(s.state == "partitions" for s in wrong) else "; run `hotline topics apply`"
    return Line("topics", ok=False, text="; ".join(str(state) for state in wrong) + todo)


def _clickhouse(settings: Settings) -> Line:
    try:
        with connect(settings.clickhouse, database=False) as client:
            return Line("ClickHouse", ok=True, text=f"{settings.clickhouse.url}, version {client.server_version}")
    except ClickHouseAway as error:
        return Line("ClickHouse", ok=False, text=f"{error}: is it running, is the URL right?")
    except SettingsError as error:
        return Line("ClickHouse", ok=False, text=str(error))
    except ClickHouseError as error:
        return Line("ClickHouse", ok=False, text=f"{settings.clickhouse.url}: {refusal(error)}")


def _schema(settings: Settings) -> Line:
    try:
        with connect(settings.clickhouse) as client:
            check_schema(client)
            up, replicas = replicas_of(client, settings) if settings.clickhouse.cluster else (0, 0)
    except (ClickHouseAway, SchemaError, SettingsError) as error:
        return Line("schema", ok=False, text=str(error))
    except ClickHouseError as error:
        todo = ": run `hotline migrate`" if "UNKNOWN_DATABASE" in str(error) else ""
        return Line("schema", ok=False, text=f"{short(error)}{todo}")
    where = f"up to date in the database {settings.clickhouse.database}"
    if up < replicas:
        todo = "start the others and run `hotline migrate`"
        return Line("schema", ok=False, text=f"{where}, but on {up} of {replicas} replicas: {todo}")
    return Line("schema", ok=True, text=f"{where}, on {so_many(replicas, 'replica')}" if replicas else where)


def pseudonym(settings: Settings) -> Line:
    """Whether callers are hashed with a key that nobody else knows."""
    run = running(settings.data_dir)
    if run is not None and run.demo and settings.kafka.bootstrap == run.endpoints.kafka:
        return Line("pseudonym", ok=True, text="the key of the demo that runs here: never for real callers")
    try:
        settings.require_pseudonym_key()
    except SettingsError as error:
        return Line("pseudonym", ok=False, text=str(error))
    kind = "the demo's key: never for real callers" if settings.demo else f"key {settings.pseudonym.key_id}"
    return Line("pseudonym", ok=True, text=kind)


def _terms(settings: Settings) -> Line:
    try:
        terms_by(settings.terms)
    except SettingsError as error:
        return Line("terms", ok=False, text=str(error))
    own = settings.terms.dictionary
    return Line("terms", ok=True, text=f"words of its own: {own}" if own else "no words of its own")


def _rules(settings: Settings) -> Line:
    try:
        rules = load_rules(settings.alerts.rules)
    except SettingsError as error:
        return Line("rules", ok=False, text=_on_one_line(error))
    return Line("rules", ok=True, text=f"{len(rules)} of {settings.alerts.rules or 'its own'}")


def _paging(settings: Settings) -> Line:
    config = settings.alerts
    if settings.paging == "alertmanager":
        by = config.alertmanager.url
        return Line(
            "paging", ok=True, text=f"Alertmanager {by}" if by else "nobody: alerts.alertmanager.url is not set"
        )
    if config.duty is None:
        return Line("paging", ok=True, text="nobody: alerts.duty names no file of who is called")
    try:
        duty = load_duty(config.duty)
        calendars.require_library(duty)
    except SettingsError as error:
        return Line("paging", ok=False, text=_on_one_line(error))
    return Line("paging", ok=True, text=f"{so_many(len(duty.receivers), 'receiver')} of {config.duty}")


def _events(settings: Settings) -> Line:
    try:
        events = read_events(events_path(settings))
    except SettingsError as error:
        return Line("events", ok=False, text=_on_one_line(error))
    return Line("events", ok=True, text=f"{len(events)} of {events_path(settings)}" if events else "no file of them")


def _map(settings: Settings) -> Line:
    if settings.web.map is None:
        return Line("map", ok=True, text="none")
    try:
        districts = read_outlines(settings.web.map).districts
    except MapError as error:
        return Line("map", ok=False, text=str(error))
    return Line("map", ok=True, text=f"{so_many(len(districts), 'district')} of {settings.web.map}")


def _on_one_line(error: SettingsError) -> str:
    return "; ".join(str(error).splitlines())


_WITHOUT_A_SERVER: tuple[Callable[[Settings], Line], ...] = (pseudonym, _terms, _rules, _paging, _events, _map)
_OF_SERVERS: tuple[Callable[[Settings], Line], ...] = (_kafka, _topics, _clickhouse, _schema)
CHECKS = (*_WITHOUT_A_SERVER, *_OF_SERVERS)


def _checked(settings: Settings) -> Iterator[Line]:
    try:
        settings = resolve(settings)
    except SettingsError as error:
        yield from (check(settings) for check in _WITHOUT_A_SERVER)
        yield Line("addresses", ok=False, text=str(error))
        return
    yield from (check(settings) for check in CHECKS)


@click.command("check")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Of the Hotline to check.")
def command(data_dir: Path | None) -> None:
    """Check settings and the files that they name (terms, rules, who is called, events, map), the pseudonym key, Kafka,
    topics, ClickHouse and its schema.

    Exit codes: 0 all is right, 1 something is wrong (its line says what to do), 2 settings cannot be used.
    """
    settings = load(data_dir=data_dir) if data_dir else load()
    hotlines = ", ".join(settings.hotlines) or "none configured: defaults hold"
    click.echo(str(Line("settings", ok=True, text=f"readable; hotlines: {hotlines}")))
    wrong = 0
    for line in _checked(settings):
        click.echo(str(line))
        wrong += not line.ok
    if wrong:
        sys.exit(1)
