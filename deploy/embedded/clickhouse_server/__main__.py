"""Entry point: `python -m deploy.embedded.clickhouse_server --path DIR [--port 8123] [--database hotline]`."""

import asyncio
import os
import signal
from pathlib import Path

import click
from aiohttp import web

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


async def _serve(path: Path, host: str, port: int, database: str, hosts: frozenset[str]) -> None:
    # chdb reads the zone when it is loaded; times without a zone must not depend on the host's.
    from deploy.embedded.clickhouse_server.engine import Engine  # noqa: PLC0415
    from deploy.embedded.clickhouse_server.executor import Executor  # noqa: PLC0415
    from deploy.embedded.clickhouse_server.server import application  # noqa: PLC0415

    engine = Engine(path, database)
    executor = Executor(engine)
    # A client that goes away takes the query it was waiting for with it.
    runner = web.AppRunner(
        application(engine, executor, hosts), access_log=None, auto_decompress=False, handler_cancellation=True
    )
    await runner.setup()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await web.TCPSite(runner, host, port).start()
        click.echo(f"ClickHouse {engine.version} (embedded) at http://{host}:{port}, data in {path}")
        await stopped.wait()
    finally:
        await runner.cleanup()
        executor.close()


@click.command()
@click.option("--path", type=click.Path(path_type=Path), required=True, help="Where the data is kept.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8123, show_default=True)
@click.option("--database", default="default", show_default=True, help="Database of a client that names none.")
@click.option("--allow-host", multiple=True, help="A further Host header to answer.")
def main(path: Path, host: str, port: int, database: str, allow_host: tuple[str, ...]) -> None:
    """Serve the embedded ClickHouse over HTTP until SIGTERM."""
    os.environ["TZ"] = "UTC"
    hosts = frozenset(name.lower() for name in (*_LOOPBACK, host, *allow_host))
    asyncio.run(_serve(path, host, port, database, hosts))


main()
