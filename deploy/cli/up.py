"""`hotline up`: everything on this machine, or what is not configured elsewhere."""

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import click

import deploy
from deploy.embedded.child import EmbeddedError
from deploy.runtime import run_file
from deploy.runtime.run_file import DataDirLock, RunFile
from deploy.runtime.settings import Settings, load

_PACKAGE = Path(deploy.__file__).parent


def _settings(data_dir: Path | None, *, demo: bool) -> Settings:
    """Settings with the options of this command, which the children get by the environment."""
    if demo:
        os.environ["HOTLINE_DEMO"] = "true"
        os.environ.setdefault("HOTLINE_CONFIG", str(_PACKAGE / "demo.yaml"))
        os.environ.setdefault("HOTLINE_WEB__MAP", str(_PACKAGE / "demo-districts.geojson"))
    if data_dir is not None:
        os.environ["HOTLINE_DATA_DIR"] = str(data_dir)
    settings = load()
    settings.require_pseudonym_key()
    return settings


def _say(line: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')}  {line}")


def where_it_is(run: RunFile, data_dir: Path, seconds: float, stop: str) -> str:
    """The block that says where things are and what to do next."""
    program = Path(sys.argv[0])
    to_export = []
    if program.name == "hotline" and not shutil.which("hotline"):
        to_export.append(f"PATH={shlex.quote(str(program.parent.resolve()))}:$PATH")
    elsewhere = data_dir.resolve() != Path(".hotline").resolve()
    if elsewhere:
        to_export.append(f"HOTLINE_DATA_DIR={shlex.quote(str(data_dir.resolve()))}")
    folder = "" if elsewhere else ", in this folder"  # where it is looked for if nothing says where it is
    first = [f"\n  In another terminal{folder}:  export {' '.join(to_export)}"] if to_export else []
    return "\n".join(
        [
            f"\nHotline {run.version} is running ({seconds:.0f} s).\n",
            f"  Wallboard   {run.endpoints.web}",
            f"  Kafka       {run.endpoints.kafka}  (calls go to the topic hotline.calls)",
            f"  ClickHouse  {run.endpoints.clickhouse}",
            f"  Data, logs  {data_dir}  {data_dir / 'logs'}",
            *first,
            "",
            "  Feed it     hotline simulate           or  hotline replay FILE --mapping NAME --wait",
            '  Ask it      hotline status             or  hotline sql "SELECT * FROM v_hotline_daily"',
            f"  Stop it     {stop}\n",
        ]
    )


def _show_wallboard(url: str) -> None:
    """Open the wallboard for a person at a desktop; never for a script or over SSH without a display."""
    on_desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.stdout.isatty() and on_desktop:
        webbrowser.open(url)


def _second(data_dir: Path, pid: int) -> click.ClickException:
    run = run_file.running(data_dir)
    where = f", wallboard {run.endpoints.web}" if run else ""
    return click.ClickException(
        f"a Hotline already runs in {data_dir} (process {pid}{where}): stop it with `hotline down`, "
        "or use another --data-dir with --ports auto"
    )


def _in_foreground(settings: Settings, *, automatic_ports: bool, streams: int, show: bool) -> None:
    """Run everything until it is stopped. `show`: say where things are when they are ready; else whoever waits does."""
    from deploy.supervisor.plan import make_plan  # noqa: PLC0415  (the engine's parts are slow to load)
    from deploy.supervisor.run import Supervisor  # noqa: PLC0415
    from sinks.clickhouse.client import ClickHouseAway  # noqa: PLC0415
    from sinks.clickhouse.migrate import SchemaError  # noqa: PLC0415

    began = time.monotonic()
    data_dir = settings.data_dir.resolve()
    with DataDirLock(data_dir) as lock:
        while not lock.acquire():
            if pid := run_file.owner(data_dir):
                raise _second(data_dir, pid)
            time.sleep(0.01)  # a command that only looks holds it for a moment
        try:
            plan = make_plan(settings, automatic_ports=automatic_ports, streams=streams)

            def on_ready() -> None:
                if not show:
                    return
                run = run_file.read(data_dir)
                assert run is not None
                click.echo(where_it_is(run, settings.data_dir, time.monotonic() - began, "Ctrl-C"))
                if plan.demo:
                    _show_wallboard(plan.endpoints.web)

            asyncio.run(Supervisor(plan, _say).run(on_ready))
        except (EmbeddedError, ClickHouseAway, SchemaError) as error:
            raise click.ClickException(str(error)) from error


def _detached(settings: Settings, *, ports: str, streams: int, demo: bool) -> None:
    """Start another `hotline up` that outlives this one; return when it is ready, fail when it fails."""
    began = time.monotonic()
    data_dir = settings.data_dir.resolve()
    if pid := run_file.owner(data_dir):
        raise _second(data_dir, pid)
    log = data_dir / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy.cli", "up", "--detached", "--ports", ports, "--streams", str(streams)]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603  (this program)
            [*command, *(["--demo"] if demo else [])],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"HOTLINE_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"},
        )
    with log.open("rb") as lines:
        while True:
            ended = process.poll()
            click.echo(lines.read().decode(errors="replace"), nl=False)
            if ended is not None:
                click.echo(f"hotline up ended with exit code {ended}; its log is {log}", err=True)
                sys.exit(ended or 1)
            run = run_file.running(data_dir)
            if run is not None and run.ready and run.pid == process.pid:
                break
            time.sleep(0.1)
    click.echo(where_it_is(run, settings.data_dir, time.monotonic() - began, "hotline down"))
    if demo:
        _show_wallboard(run.endpoints.web)


@click.command("up")
@click.option("--demo", is_flag=True, help="An invented city's hotline with simulated calls.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where data and logs are kept.")
@click.option(
    "--ports",
    type=click.Choice(["default", "auto"]),
    default="default",
    show_default=True,
    help="auto: choose free ports in place of 9092, 8123 and 8080.",
)
@click.option(
    "--streams",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="So many stream processors share the partitions: one for each core that the calls need.",
)
@click.option("--detach", is_flag=True, help="Return when everything is ready; `hotline down` stops it.")
@click.option("--detached", is_flag=True, hidden=True)
def command(*, demo: bool, data_dir: Path | None, ports: str, streams: int, detach: bool, detached: bool) -> None:
    """Start everything that is not configured elsewhere, and keep it running.

    Without HOTLINE_KAFKA__BOOTSTRAP a Kafka broker, without HOTLINE_CLICKHOUSE__URL a ClickHouse engine is
    started here, on loopback. Then come the topics, the schema and the four processes. What dies is
    started again. Ctrl-C stops all of it in order; the data stays.
    """
    settings = _settings(data_dir, demo=demo)
    if detach:
        _detached(settings, ports=ports, streams=streams, demo=demo)
        return
    _in_foreground(settings, automatic_ports=ports == "auto", streams=streams, show=not detached)
