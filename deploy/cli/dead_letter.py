"""`hotline dead-letter list`: events that are in no number, and why."""

from typing import get_args

import click

from deploy.cli.clickhouse import FORMATS, ask, client, errors_for_people
from streams.contract.dead_letters import RejectionKind

LATE = "late"

_QUERY = """
SELECT append_time, reason, field, detail, source, feed, concat(topic, '/', partition, '/', offset) AS position, preview
FROM {view:Identifier}
WHERE {reason:String} IN ('', reason)
ORDER BY append_time DESC, position DESC
LIMIT {limit:UInt32}
"""


@click.group("dead-letter")
def command() -> None:
    """Events that could not be read (or came too late) and are in no number."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="The newest this many.")
@click.option(
    "--reason", type=click.Choice([*get_args(RejectionKind), LATE]), help="Only these; late: readable, but too late."
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="table", show_default=True)
def list_(limit: int, reason: str | None, form: str) -> None:
    """List dead letters, newest first: position in the input topic, reason, masked preview."""
    view = "v_late_events" if reason == LATE else "v_dead_letters"
    with errors_for_people(), client() as found:
        click.echo(ask(found, _QUERY, form, {"view": view, "reason": reason or "", "limit": limit}), nl=False)
