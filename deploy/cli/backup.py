"""`hotline backup` and `hotline restore`."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from aiokafka.errors import KafkaError

from deploy.backup import BackupError, put_settings, read, restore, write
from deploy.cli.clickhouse import NOT_REACHABLE, REFUSED, errors_for_people
from deploy.runtime.group_positions import GroupRunsError, positions, set_back
from deploy.runtime.kafka import Place, cluster_id
from deploy.runtime.plurals import so_many
from deploy.runtime.run_file import Part, resolve
from deploy.runtime.settings import Kafka, Settings, current
from deploy.runtime.settings_sources import config_file
from sinks.clickhouse.records import GROUP, STORED_TOPICS

_Answer = TypeVar("_Answer")

_database_only = click.option(
    "--database-only", is_flag=True, help="Do not ask Kafka: how far the writer was is not kept (or not set back)."
)


def _settings(*, database_only: bool) -> Settings:
    need: tuple[Part, ...] = ("clickhouse",) if database_only else ("kafka", "clickhouse")
    return resolve(current(), need=need)


def _ask(kafka: Kafka, what: Coroutine[Any, Any, _Answer]) -> _Answer:
    try:
        return asyncio.run(what)
    except (KafkaError, OSError) as error:
        click.echo(
            f"hotline: Kafka at {kafka.bootstrap} does not answer: {error!r}; without it: --database-only", err=True
        )
        raise click.exceptions.Exit(NOT_REACHABLE) from error


def _refuse(error: Exception) -> click.exceptions.Exit:
    click.echo(f"hotline: {error}", err=True)
    return click.exceptions.Exit(REFUSED)


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@_database_only
def backup(*, folder: Path | None, database_only: bool) -> None:
    """Write ClickHouse's tables and the settings' files to FOLDER (default: hotline-backup-<instant>).

    Everything may go on running. The folder appears when it is whole. It holds what people said and callers' pseudonyms:
    keep it as you keep the database. Secrets and HOTLINE_ variables are not in it, only the variables' names.
    Exit codes: 0 written, 1 refused, 2 usage, 3 not reachable.
    """
    settings = _settings(database_only=database_only)
    target = folder or Path(f"hotline-backup-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    cluster, at = "", dict[Place, int]()
    if not database_only:
        cluster = _ask(settings.kafka, cluster_id(settings.kafka))
        at = _ask(settings.kafka, positions(settings.kafka, GROUP))
    with errors_for_people():
        try:
            made = write(settings, target, config_file(), cluster, at)
        except BackupError as error:
            raise _refuse(error) from error
    files = ", ".join(sorted(made.settings)) or "none found"
    tables = len({part.table for part in made.tables})
    click.echo(f"{target}: {so_many(made.rows, 'row')} of {so_many(tables, 'table')} in {made.took_s} s")
    click.echo(f"settings: {files}; not in it: secrets, and the values of {len(made.variables)} HOTLINE_ variables")


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--settings-to", type=click.Path(path_type=Path, file_okay=False), help="Also copy its settings' files here."
)
@click.option("--check", is_flag=True, help="Only see whether the backup is whole.")
@_database_only
def restore_(*, folder: Path, settings_to: Path | None, check: bool, database_only: bool) -> None:
    """Put a backup into ClickHouse, and set the writer back to where it stood then.

    `hotline sinks` must be stopped; everything else may run. Started again, it stores what the topics hold since the
    backup, so nothing is lost while the backup is younger than they keep it (three days for cells); what they do not
    hold any more is counted here. Safe to repeat. Exit codes: 0 restored, 1 refused, 2 usage, 3 not reachable.
    """
    began = time.monotonic()
    try:
        manifest = read(folder)
    except BackupError as error:
        raise _refuse(error) from error
    click.echo(f"{folder}: {so_many(manifest.rows, 'row')} as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, whole")
    if settings_to:
        for path in put_settings(folder, manifest, settings_to):
            click.echo(f"wrote {path}")
    if check:
        return
    settings = _settings(database_only=database_only)
    missing = None if database_only else _set_back(settings.kafka, manifest.cluster, manifest.places)
    with errors_for_people():
        try:
            newer = restore(settings, folder, manifest)
        except BackupError as error:
            raise _refuse(error) from error
    for name in newer:
        click.echo(f"applied {name}")
    click.echo(f"restored in {time.monotonic() - began:.1f} s; start `hotline sinks`")
    for (topic, partition), records in sorted((missing or {}).items()):
        click.echo(f"lost: {so_many(records, 'record')} of {topic}/{partition}, in no backup and no topic", err=True)


def _set_back(kafka: Kafka, cluster: str, at: dict[Place, int]) -> dict[Place, int]:
    """Set the writer back, before any row is restored: it must not run meanwhile."""
    here = _ask(kafka, cluster_id(kafka))
    if here != cluster:
        click.echo(
            f"the backup is of Kafka cluster {cluster or '(not asked)'}, this is {here}: all that it holds is stored"
        )
        at = {}
    try:
        missing = _ask(kafka, set_back(kafka, GROUP, STORED_TOPICS, at))
    except GroupRunsError as error:
        raise _refuse(BackupError(f"{error}: stop `hotline sinks`, then restore")) from error
    return missing if here == cluster else {}
