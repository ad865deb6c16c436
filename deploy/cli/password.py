"""`hotline password`: the hash of a password for `web.access.people`."""

import click

from sinks.web.passwords import hash_password

SHORTEST = 12


@click.command("password")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input, one line.")
def command(*, from_stdin: bool) -> None:
    """Print the hash of a password, for the settings of somebody who logs in at the wallboard."""
    if from_stdin:
        given = click.get_text_stream("stdin").readline().rstrip("\n")
    else:
        given = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(given) < SHORTEST:
        raise click.UsageError(f"a password has at least {SHORTEST} characters")
    click.echo(hash_password(given))
