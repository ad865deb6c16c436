"""`hotline streams | sinks | web`, and `alerts` beside it: the four processes, each one run until SIGTERM or Ctrl-C.

`hotline up` runs all four; in a deployment each is a service of its own. They end with exit code 1 when
they have to be started again, and with 2 when the settings cannot be used.
"""

from importlib import import_module

import click

from deploy.runtime import logging
from deploy.runtime.settings import Settings, current


def _settings() -> Settings:
    """The settings; addresses that are not configured come from the `hotline up` of this data directory."""
    settings = current()
    if settings.kafka.bootstrap and settings.clickhouse.url:
        return settings
    from deploy.runtime.run_file import resolve  # noqa: PLC0415  (not needed where addresses are configured)

    return resolve(settings)


def run_process(process: str, module: str) -> None:
    logging.configure(process)
    import_module(module).run(_settings())


@click.command("streams")
def streams() -> None:
    """Run the stream processor: calls become visits, cells and signals.

    Reads hotline.calls and hotline.partials; writes hotline.visits, hotline.partials, hotline.cells,
    hotline.signals and hotline.dead-letter. Its state lies in hotline.state.streams: it may be stopped or
    killed at any time, and run several times to share the partitions.

    \b
    Needs:
      HOTLINE_KAFKA__BOOTSTRAP=host:9092    (or a running `hotline up`)
      HOTLINE_PSEUDONYM__KEY=…              the key that callers' numbers are hashed with

    Serves /healthz and /metrics at HOTLINE_HEALTH__STREAMS_PORT.
    """
    run_process("streams", "streams.app")


@click.command("sinks")
def sinks() -> None:
    """Run the ClickHouse writer: what the topics carry becomes rows.

    While ClickHouse is away it waits, keeps its place and goes on where it stopped; writing anything twice
    changes nothing.

    \b
    Needs:
      HOTLINE_KAFKA__BOOTSTRAP=host:9092           (or a running `hotline up`)
      HOTLINE_CLICKHOUSE__URL=http://host:8123     with the schema of `hotline migrate`

    Serves /healthz and /metrics at HOTLINE_HEALTH__SINKS_PORT.
    """
    run_process("sinks", "sinks.app")


@click.command("web")
def web() -> None:
    """Run the wallboard and the API.

    Reads hotline.cells, hotline.signals and hotline.alerts without a consumer group, so any number of it
    can run. The wallboard goes on while ClickHouse is away.

    \b
    Needs:
      HOTLINE_KAFKA__BOOTSTRAP=host:9092           (or a running `hotline up`)
      HOTLINE_CLICKHOUSE__URL=http://host:8123     for history and /api/v1/summary

    Listens at HOTLINE_WEB__HOST and HOTLINE_WEB__PORT (127.0.0.1:8080).
    """
    run_process("web", "sinks.web.app")
