"""`<data dir>/run.json`: where a running Hotline is, for commands that are not told by settings."""

import fcntl
import os
from collections.abc import Collection
from pathlib import Path
from typing import IO, Literal, Self

import msgspec

from deploy.runtime.settings import Settings, SettingsError
from deploy.runtime.settings_sources import CONFIG, PREFIX, config_file

State = Literal["starting", "running", "waiting", "stopped"]
Part = Literal["kafka", "clickhouse"]


class Endpoints(msgspec.Struct):
    """Addresses; empty: not known (or not ours)."""

    kafka: str = ""
    clickhouse: str = ""
    web: str = ""


class ProcessState(msgspec.Struct):
    """One supervised process. `waiting`: it died and is started again after a pause."""

    name: str
    pid: int | None
    state: State
    restarts: int


class RunFile(msgspec.Struct, kw_only=True):
    """What a running `hotline up` says about itself; `health`: process -> address that serves /healthz.

    `ready`: every process has answered that it is ready. `demo`: it shows invented calls. `config`: its settings' file,
    empty if it has none.
    """

    pid: int
    version: str
    demo: bool = False
    config: str = ""
    ready: bool = False
    endpoints: Endpoints
    health: dict[str, str] = {}
    processes: list[ProcessState] = []


def path(data_dir: Path) -> Path:
    return data_dir / "run.json"


def write(data_dir: Path, run: RunFile) -> None:
    """Replace the file at once, so that a reader never sees half of it."""
    target = path(data_dir)
    partial = target.with_suffix(".json.new")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")
    partial.replace(target)


def remove(data_dir: Path) -> None:
    path(data_dir).unlink(missing_ok=True)


def read(data_dir: Path) -> RunFile | None:
    """What the file says, whether or not that Hotline still runs; None without a readable file."""
    try:
        return msgspec.json.decode(path(data_dir).read_bytes(), type=RunFile)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(f"{path(data_dir)} cannot be read ({error}): remove it if no Hotline runs there") from error


class DataDirLock:
    """Holds a data directory for one `hotline up`; the system lets go when the process ends, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Whether the directory is ours now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def owner(data_dir: Path) -> int | None:
    """The process id that holds the directory now, or None."""
    try:
        with (data_dir / "lock").open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text.isdigit() else None
    except FileNotFoundError:
        return None
    return None


def running(data_dir: Path) -> RunFile | None:
    """What the Hotline that runs in this directory says, or None if none runs."""
    pid = owner(data_dir)
    if pid is None:
        return None
    run = read(data_dir)
    return run if run is not None and run.pid == pid else None


def adopt_config() -> None:
    """Let this process read the settings' file of the Hotline that runs here, where it has none of its own.

    Else a command beside it would know neither its hotlines nor their time zones and promises.
    """
    if CONFIG in os.environ or config_file().is_file():
        return
    data_dir = Path(os.environ.get(f"{PREFIX}DATA_DIR") or Settings.model_fields["data_dir"].default)
    try:
        run = running(data_dir)
    except PermissionError:
        return  # somebody else's
    if run is not None and run.config:
        os.environ[CONFIG] = run.config


def resolve(settings: Settings, *, need: Collection[Part] = ("kafka", "clickhouse")) -> Settings:
    """Settings with the addresses of the running Hotline where none are configured.

    `need`: the parts without which the caller cannot work. Raises SettingsError if one is neither
    configured nor running.
    """
    missing = [part for part in need if not _address(settings, part)]
    run = running(settings.data_dir)
    if run is None:
        if missing:
            variables = {"kafka": "HOTLINE_KAFKA__BOOTSTRAP", "clickhouse": "HOTLINE_CLICKHOUSE__URL"}
            wanted = " and ".join(variables[part] for part in missing)
            todo = f"go to the folder where one was started, start `hotline up` or set {wanted}"
            raise SettingsError(f"no Hotline is running in {settings.data_dir.resolve()}: {todo}")
        return settings
    kafka = settings.kafka.bootstrap or run.endpoints.kafka
    clickhouse = settings.clickhouse.url or run.endpoints.clickhouse
    web = settings.web
    if run.endpoints.web:
        host, _, port = run.endpoints.web.rpartition("/")[2].rpartition(":")
        web = web.model_copy(
            update={"host": host, "port": int(port), "external_url": web.external_url or run.endpoints.web}
        )
    return settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update={"bootstrap": kafka}),
            "clickhouse": settings.clickhouse.model_copy(update={"url": clickhouse}),
            "web": web,
        }
    )


def _address(settings: Settings, part: Part) -> str:
    return settings.kafka.bootstrap if part == "kafka" else settings.clickhouse.url
