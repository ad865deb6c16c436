"""`hotline backup` and `hotline restore`: every view says the same, and what is not whole is refused."""

import gzip
import shutil
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from click.testing import CliRunner

import deploy.cli.backup
from deploy.backup import BackupError, read, restore, write
from deploy.cli.main import cli
from deploy.runtime.settings import ClickHouse, Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import apply, check_schema, create_database, migrations
from sinks.clickhouse.records import STORED_TOPICS, row_functions
from sinks.clickhouse.table_files import SeveralReplicasError

pytestmark = pytest.mark.clickhouse


@pytest.fixture(scope="module")
def made(told, tmp_path_factory):
    """A backup of two days of calls, with a configuration beside them."""
    config = tmp_path_factory.mktemp("config") / "hotline.yaml"
    config.write_text("demo: true\n", "utf-8")
    folder = config.parent / "backup"
    write(told.settings, folder, config, "cluster-1", {("hotline.visits", 3): 17})
    return folder


@pytest.fixture
def backup(made, tmp_path):
    """A copy of it that a test may damage."""
    return Path(shutil.copytree(made, tmp_path / "backup"))


@pytest.fixture
def elsewhere(told):
    """Settings of a database that is not there yet."""
    settings = told.settings.model_copy(
        update={"clickhouse": told.settings.clickhouse.model_copy(update={"database": f"test_{uuid4().hex[:12]}"})}
    )
    yield settings
    with connect(settings.clickhouse, database=False) as client:
        client.command(f"DROP DATABASE IF EXISTS {settings.clickhouse.database}")


def views(settings: Settings) -> dict[str, list[tuple]]:
    """What every view says of times that are over."""
    with connect(settings.clickhouse) as client:
        names = client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' ORDER BY name"
        ).result_rows
        return {name: sorted(map(repr, client.query(f"SELECT * FROM {name}").result_rows)) for (name,) in names}


def test_every_view_says_the_same_after_a_restore_and_after_another(told, backup, elsewhere):
    manifest = read(backup)
    assert manifest.places == {("hotline.visits", 3): 17}
    assert restore(elsewhere, backup, manifest) == []
    before = views(told.settings)
    assert len(before) > 15
    assert sum(map(len, before.values())) > 1_000
    assert views(elsewhere) == before
    restore(elsewhere, backup, manifest)
    assert views(elsewhere) == before


def test_texts_with_every_kind_of_byte_come_back(told, elsewhere, tmp_path):
    nasty = "tab\t newline\n back\\slash quote'\" nul\0 中文 \\N 👂"
    with connect(told.settings.clickhouse) as client:
        client.insert("feeds", [[nasty]], ["feed"])
        try:
            write(told.settings, tmp_path / "b", None, "", {})
        finally:
            client.command("DELETE FROM feeds WHERE feed = {feed:String}", {"feed": nasty})
    restore(elsewhere, tmp_path / "b", read(tmp_path / "b"))
    with connect(elsewhere.clickhouse) as client:
        assert client.query("SELECT count() FROM feeds WHERE feed = {feed:String}", {"feed": nasty}).result_rows == [
            (1,)
        ]


@pytest.fixture
def older(told):
    """Settings of a database of the schema before the newest, with a visit in it."""
    name = f"test_{uuid4().hex[:12]}"
    settings = told.settings.model_copy(
        update={"clickhouse": told.settings.clickhouse.model_copy(update={"database": name})}
    )
    create_database(settings)
    with connect(settings.clickhouse) as client:
        apply(client, migrations()[:-1])
        client.command("INSERT INTO visits (feed, visit, text, day) VALUES ('live', 'c/q/1', 'no water', '2026-03-09')")
        yield settings
        client.command(f"DROP DATABASE {name}")


def test_a_backup_of_an_older_schema_is_brought_up_to_date(older, elsewhere, tmp_path):
    write(older, tmp_path / "b", None, "", {})
    assert restore(elsewhere, tmp_path / "b", read(tmp_path / "b")) == [migrations()[-1].name]
    with connect(elsewhere.clickhouse) as client:
        check_schema(client)
        assert client.query("SELECT visit, text FROM v_visits").result_rows == [("c/q/1", "no water")]


def test_an_address_that_leads_to_several_replicas_in_turn_makes_no_backup(told, tmp_path, monkeypatch):
    def several(_):
        raise SeveralReplicasError("a, b answer in turn")

    monkeypatch.setattr("sinks.clickhouse.table_files.catch_up", several)
    with pytest.raises(BackupError, match="a, b answer in turn; name one of them in HOTLINE_CLICKHOUSE__URL"):
        write(told.settings, tmp_path / "b", None, "", {})
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_a_newer_version_is_refused_and_nothing_is_created(backup, elsewhere):
    manifest = read(backup)
    manifest.schema["9999_later"] = "0"
    manifest.version = "9.9"
    with pytest.raises(BackupError, match=r"9999_later: use version 9\.9 or newer"):
        restore(elsewhere, backup, manifest)
    with connect(elsewhere.clickhouse) as client:
        assert client.query("SHOW TABLES").result_rows == []


def test_a_database_that_is_ahead_of_the_backup_is_refused(told, backup):
    manifest = read(backup)
    newest = migrations()[-1].name
    del manifest.schema[newest]
    with pytest.raises(BackupError, match=f"has {newest}, which the backup had not: restore into an empty one"):
        restore(told.settings, backup, manifest)


def test_a_damaged_file_is_found_before_anything_is_written(backup):
    path = backup / next(part.file for part in read(backup).tables if part.table == "visits")
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text.replace(b"answered", b"abandons", 1)))
    with pytest.raises(BackupError, match=rf"{path} is not as it was written .* damaged"):
        read(backup)
    path.unlink()
    with pytest.raises(BackupError, match="is missing"):
        read(backup)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_what_is_no_manifest_is_refused(backup, text):
    (backup / "manifest.json").write_text(text)
    with pytest.raises(BackupError, match=r"cannot be read|has format"):
        read(backup)


def test_a_backup_that_is_cut_off_leaves_nothing_that_looks_like_one(told, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deploy.backup.table_files.checksum", full)
    with pytest.raises(OSError, match="No space"):
        write(told.settings, tmp_path / "b", None, "", {})
    assert list(tmp_path.iterdir()) == []


def test_only_its_owner_may_read_it(made):
    assert made.stat().st_mode & 0o077 == 0


def test_from_the_command_line(told, elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(deploy.cli.backup, "current", lambda: told.settings)
    monkeypatch.setenv("HOTLINE_CONFIG", str(tmp_path / "hotline.yaml"))
    (tmp_path / "hotline.yaml").write_text("demo: true\n", "utf-8")
    folder = str(tmp_path / "b")
    result = CliRunner().invoke(cli, ["backup", folder, "--database-only"])
    assert result.exit_code == 0, result.output
    assert "settings: config/hotline.yaml; not in it: secrets" in result.stdout
    again = CliRunner().invoke(cli, ["backup", folder, "--database-only"])
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)

    monkeypatch.setattr(deploy.cli.backup, "current", lambda: elsewhere)
    result = CliRunner().invoke(cli, ["restore", folder, "--database-only", "--settings-to", str(tmp_path / "s")])
    assert result.exit_code == 0, result.output
    assert "start `hotline sinks`" in result.stdout
    assert (tmp_path / "s/config/hotline.yaml").read_text() == "demo: true\n"
    with connect(elsewhere.clickhouse) as client:
        [stored] = told.client.query("SELECT count(), sum(wait_ms) FROM v_visits").result_rows
        assert client.query("SELECT count(), sum(wait_ms) FROM v_visits").result_rows == [stored]


def test_an_empty_database_is_no_backup(elsewhere, tmp_path):
    create_database(elsewhere)
    with pytest.raises(BackupError, match="holds no schema"):
        write(elsewhere, tmp_path / "b", None, "", {})


def test_a_clickhouse_that_is_away_is_said(told, tmp_path, monkeypatch):
    away = told.settings.model_copy(update={"clickhouse": ClickHouse(url="http://127.0.0.1:1")})
    monkeypatch.setattr(deploy.cli.backup, "current", lambda: away)
    result = CliRunner().invoke(cli, ["backup", str(tmp_path / "b"), "--database-only"])
    assert (result.exit_code, "does not answer" in result.stderr) == (3, True)
    assert not (tmp_path / "b").exists()


def test_the_writer_is_set_back_on_all_that_it_reads():
    assert set(STORED_TOPICS) == set(row_functions(lambda *_: 0))


def test_a_manifest_says_what_is_not_in_it(made, monkeypatch):
    said = msgspec.json.decode((made / "manifest.json").read_bytes())
    assert said["settings"].keys() == {"config/hotline.yaml"}
    assert all("=" not in name for name in said["variables"])
