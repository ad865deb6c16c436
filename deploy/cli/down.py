"""`hotline down`: stop what `hotline up` started."""

import os
import signal
import sys
import time
from pathlib import Path

import click

from deploy.runtime import run_file
from deploy.runtime.settings import load

WITHIN_S = 90.0


@click.command("down")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Of the Hotline to stop.")
def command(data_dir: Path | None) -> None:
    """Stop the Hotline that runs in a data directory; the data stays. Nothing runs: says so, exit 0."""
    directory = data_dir or load().data_dir
    # The holder of the directory's lock, never merely a number in a file.
    pid = run_file.owner(directory)
    if pid is None:
        click.echo(f"no Hotline is running in {directory}")
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + WITHIN_S
    while run_file.owner(directory) == pid:
        if time.monotonic() > end:
            click.echo(f"process {pid} has not ended after {WITHIN_S:.0f} s; see {directory / 'logs'}", err=True)
            sys.exit(1)
        time.sleep(0.1)
    click.echo("stopped")
