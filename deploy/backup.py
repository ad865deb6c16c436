"""Backup and restore: ClickHouse's tables, the settings' files, and how far the writer had come.

What the writer stored after a backup is still in the topics it reads. A restore sets the writer back to where it stood
when the backup began, and every row has a key and a version: nothing is there twice, and nothing is lost while the
backup is younger than the topics keep their records (`streams/contract/topics.py`; three days for cells). Kafka itself, secrets and the environment are not in a backup.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from deploy.runtime.kafka import Place
from deploy.runtime.settings import Settings
from sinks.clickhouse import table_files
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import SchemaError, applied, apply, create_database, migrate, migrations
from sinks.clickhouse.table_files import DamagedError, SeveralReplicasError, TableFile

FORMAT = 1
MANIFEST = "manifest.json"


class BackupError(Exception):
    """This backup cannot be made or restored; the text says why and what to do."""


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup holds. `schema`: migration -> checksum; `positions`: "topic/partition" -> next offset of the writer.

    `cluster`: the Kafka that the positions are of, empty if it was not asked. `settings`: file -> SHA-256, hex;
    `variables`: the names of the environment's settings, whose values are not in the backup.
    """

    format: int
    version: str
    made_at: datetime
    took_s: float
    schema: dict[str, str]
    cluster: str
    positions: dict[str, int]
    tables: list[TableFile]
    settings: dict[str, str]
    variables: list[str]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.tables)

    @property
    def places(self) -> dict[Place, int]:
        """Where the writer stood, by (topic, partition)."""
        split = {name.rpartition("/"): at for name, at in self.positions.items()}
        return {(topic, int(partition)): at for (topic, _, partition), at in split.items()}


def write(settings: Settings, target: Path, config: Path | None, cluster: str, at: Mapping[Place, int]) -> Manifest:
    """Make a backup in the folder `target`, which appears when it is whole.

    `at`: how far the writer was before this began, in Kafka cluster `cluster`. Raises BackupError, ClickHouseAway,
    and the driver's DatabaseError for what the server refuses.
    """
    if target.exists():
        raise BackupError(f"{target} is there already: name another folder")
    began, made_at = time.monotonic(), datetime.now(UTC)
    with _appears_whole(target) as folder, connect(settings.clickhouse) as client:
        schema = applied(client)
        if not schema:
            raise BackupError(f"the database {settings.clickhouse.database} holds no schema: nothing to back up")
        try:
            table_files.catch_up(client)
        except SeveralReplicasError as error:
            raise BackupError(
                f"{settings.clickhouse.url}: {error}; name one of them in HOTLINE_CLICKHOUSE__URL"
            ) from error
        tables = [table_files.dump(client, table, part, folder) for table, part in table_files.partitions(client)]
        if applied(client) != schema:
            raise BackupError("the schema was changed meanwhile: begin again")
        manifest = Manifest(
            format=FORMAT,
            version=version("hotline-monitor"),
            made_at=made_at,
            took_s=0.0,
            schema=schema,
            cluster=cluster,
            positions={f"{topic}/{partition}": offset for (topic, partition), offset in sorted(at.items())},
            tables=tables,
            settings=_copied(settings, config, folder / "settings"),
            variables=sorted(name for name in os.environ if name.startswith("HOTLINE_")),
        )
        manifest.took_s = round(time.monotonic() - began, 1)
        (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest


def read(folder: Path) -> Manifest:
    """The manifest, once every file is known to be as it was written. Raises BackupError."""
    try:
        text = (folder / MANIFEST).read_bytes()
        said = msgspec.json.decode(text)
        found = said.get("format") if isinstance(said, dict) else None
        if found != FORMAT:
            raise BackupError(f"{folder} has format {found}, this version reads {FORMAT}: use the version that made it")
        manifest = msgspec.convert(said, Manifest)
        for part in manifest.tables:
            table_files.check(folder / part.file, part.checksum)
        for name, checksum in manifest.settings.items():
            table_files.check(folder / "settings" / name, checksum)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupError(f"{folder} is no backup: it has no {MANIFEST}") from error
    except msgspec.MsgspecError as error:
        raise BackupError(f"{folder / MANIFEST} cannot be read: {error}") from error
    except DamagedError as error:
        raise BackupError(f"{error}: the backup is damaged, use another") from error
    return manifest


def restore(settings: Settings, folder: Path, manifest: Manifest) -> list[str]:
    """Put the rows of a backup into the database, and bring its schema up to this version.

    The database may be empty or hold rows: of each key the highest version counts, so repeating a restore that was cut
    off is safe. Returns which migrations the backup did not have yet. Raises BackupError if the database or the backup
    is ahead, ClickHouseAway, and the driver's DatabaseError for what the server refuses.
    """
    create_database(settings)
    known = migrations()
    of_backup = [migration for migration in known if migration.name in manifest.schema]
    with connect(settings.clickhouse) as client:
        ahead = sorted(set(applied(client)) - set(manifest.schema))
        if ahead:
            raise BackupError(
                f"the database {settings.clickhouse.database} has {', '.join(ahead)}, which the backup had not: restore "
                "into an empty one (HOTLINE_CLICKHOUSE__DATABASE)"
            )
        unknown = {name: found for name, found in manifest.schema.items() if name not in {m.name for m in known}}
        if unknown:
            raise BackupError(f"the backup has {', '.join(sorted(unknown))}: use version {manifest.version} or newer")
        changed = [m.name for m in of_backup if manifest.schema[m.name] != m.checksum]
        if changed:
            raise BackupError(f"the backup was made with another {', '.join(changed)}: use version {manifest.version}")
        apply(client, of_backup, on_replicas=bool(settings.clickhouse.cluster))
        for part in manifest.tables:
            table_files.load(client, part, folder)
    try:
        return migrate(settings)
    except SchemaError as error:
        raise BackupError(str(error)) from error


def put_settings(folder: Path, manifest: Manifest, target: Path) -> list[Path]:
    """Copy the settings' files of a backup below `target`; one that is there is left alone. Returns what was written."""
    written = []
    for name in manifest.settings:
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / "settings" / name, target / name)
            written.append(target / name)
    return written


def _copied(settings: Settings, config: Path | None, folder: Path) -> dict[str, str]:
    """Copy the files of settings; their names there and checksums."""
    found = {}
    files = {
        "config": config,
        "rules": settings.alerts.rules,
        "duty": settings.alerts.duty,
        "map": settings.web.map,
        "dictionary": settings.terms.dictionary,
        "stop_words": settings.terms.stop_words,
    }
    for what, path in files.items():
        if path is not None and path.is_file():
            target = folder / what / path.name
            target.parent.mkdir(parents=True)
            shutil.copyfile(path, target)
            found[f"{what}/{path.name}"] = table_files.checksum(target)
    return found


@contextmanager
def _appears_whole(target: Path) -> Iterator[Path]:
    """A folder beside `target` that only this user may read; it takes that name when the block ends well."""
    beside = target.with_name(f".{target.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700, parents=True)
    try:
        yield beside
        beside.replace(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
