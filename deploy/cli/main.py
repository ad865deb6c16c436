"""The `hotline` group: which commands there are and where each one stands."""

import errno
import logging
import sys
from importlib import import_module
from importlib.metadata import version

import click

from deploy.runtime.run_file import adopt_config
from deploy.runtime.settings import SettingsError

# command -> (module, one line for `hotline --help`); the module's `command` is loaded on use.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("deploy.cli.up", "Start everything that is not configured elsewhere, and the four processes."),
    "down": ("deploy.cli.down", "Stop a running `hotline up --detach`."),
    "status": ("deploy.cli.status", "How far the engine is, what it mended or refused, which alerts fire."),
    "check": ("deploy.cli.check", "Check settings, Kafka, topics and ClickHouse; say what to do."),
    "streams": ("deploy.cli.processes:streams", "Run the stream processor: calls become cells and signals."),
    "sinks": ("deploy.cli.processes:sinks", "Run the ClickHouse writer."),
    "alerts": ("deploy.cli.alerts", "Run the alert rules and their delivery; list, acknowledge, silence alerts."),
    "web": ("deploy.cli.processes:web", "Run the wallboard and the API."),
    "replay": ("deploy.cli.replay", "Publish an export (CSV, .xlsx, Parquet, …) as a feed of its own."),
    "feed": ("deploy.cli.feed", "Try a provider's file: what would be mended or rejected, and why."),
    "simulate": ("deploy.cli.simulate", "Publish simulated calls, with incidents if wanted."),
    "sql": ("deploy.cli.sql", "Ask ClickHouse, or one of the saved queries."),
    "why": ("deploy.cli.why", "Show the visits that made a number."),
    "export": ("deploy.cli.export", "Write the rows of a view of any range of days to a file (Parquet)."),
    "report": ("deploy.cli.report", "Write a day or a week of a hotline as a page to print."),
    "detect": ("deploy.cli.detect", "Judge a file of counts by the code that judges live demand."),
    "backtest": ("deploy.cli.backtest", "What rules and detectors would have said of past days, how often, how early."),
    "events": ("deploy.cli.events", "Announce what is known to come: planned works, exam results, holidays."),
    "terms": ("deploy.cli.terms", "Which words of a call's text are terms; make those of stored visits anew."),
    "migrate": ("deploy.cli.migrate", "Bring the ClickHouse schema up to date."),
    "backup": ("deploy.cli.backup:backup", "Write ClickHouse's tables and the settings' files to a folder."),
    "restore": ("deploy.cli.backup:restore_", "Put a backup into ClickHouse; the writer goes on where it stood then."),
    "topics": ("deploy.cli.topics", "Create (apply) or verify (check) the Kafka topics."),
    "rules": ("deploy.cli.rules", "Check, list, explain and test alert rules."),
    "channels": ("deploy.cli.channels", "List the channels that alerts are told by, and try one."),
    "access": ("deploy.cli.access", "Who may see what, also as ClickHouse's row policies and Grafana's data sources."),
    "password": ("deploy.cli.password", "Print the hash of a password, for somebody who logs in at the wallboard."),
    "schema": ("deploy.cli.schema", "Print the JSON Schema of a record."),
    "dead-letter": ("deploy.cli.dead_letter", "Events that could not be read: why, as they were sent, and once more."),
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute or "command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("hotline-monitor"), prog_name="hotline")
def cli() -> None:
    """Hotline watches telephone hotlines: calls from Kafka become a live wallboard, alerts and SQL.

    \b
    First steps:
      hotline up --demo            everything on this machine, with simulated calls
      hotline status               what is running, and how far
      hotline sql "SELECT * FROM v_hotline_daily"
      hotline replay calls.csv --mapping my-mapping.yaml --wait

    Settings come from hotline.yaml (else from the file of the Hotline that runs here) and from HOTLINE_… variables;
    `hotline check` says whether they can be used, and what to do if not.
    """


_OF_THE_PLACE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT}


def main() -> None:
    """Entry point: settings and places that cannot be used end with exit code 2 and one line per problem."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it raises what it logs; processes that log ask for more
    try:
        if sys.argv[1:2] != ["up"]:
            adopt_config()
        cli()
    except SettingsError as error:
        problems = str(error)
        head = "these settings cannot be used:\n" if "\n" in problems else ""
        click.echo(f"hotline: {head}{problems}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None or error.errno not in _OF_THE_PLACE:
            raise
        todo = "name another place, or let whoever runs this use it"
        click.echo(f"hotline: {error.filename} cannot be used: {error.strerror}; {todo}", err=True)
        sys.exit(2)
