"""`hotline rules check|list|explain|test`: alert rules before they wake anybody."""

import sys
from pathlib import Path

import click

from alerts.explain import explain
from alerts.promises import promises_of
from alerts.rule_tests import load_tests, run_test
from alerts.rules import Rule
from alerts.rules_file import BUILT_IN, RulesError, load_rules
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import current

_file = click.argument("path", type=click.Path(path_type=Path), required=False)


@click.group("rules")
def command() -> None:
    """Check, list, explain and test alert rules.

    PATH is a file of rules; left out, it is what the settings name (alerts.rules), else the built-in rules.
    """


def _rules(path: Path | None) -> tuple[tuple[Rule, ...], Path]:
    path = path or current().alerts.rules
    try:
        return load_rules(path), path or BUILT_IN
    except RulesError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


@command.command("check")
@_file
def check(path: Path | None) -> None:
    """Say whether the rules can be used.

    Exit codes: 0 they can, 2 they cannot (one line per problem).
    """
    rules, source = _rules(path)
    windows = sum(rule.expression is not None for rule in rules)
    click.echo(
        f"{source}: {so_many(len(rules), 'rule')}: {len(rules) - windows} on signals, {windows} on windows of cells"
    )


@command.command("list")
@_file
def list_rules(path: Path | None) -> None:
    """List the rules.

    One line each: severity, name, the signal it listens to (or `windows` of cells), owner.
    """
    rules, _ = _rules(path)
    width = max((len(rule.name) for rule in rules), default=0)
    for rule in rules:
        shadow = f" (in shadow until {rule.shadow_until.isoformat()})" if rule.shadow_until else ""
        owner = f"  owner {rule.owner}" if rule.owner else ""
        click.echo(f"{rule.severity:8}  {rule.name:{width}}  {rule.signal or 'windows'}{owner}{shadow}")


@command.command("explain")
@click.argument("name")
@_file
def explain_rule(name: str, path: Path | None) -> None:
    """Say in words when rule NAME fires and ends."""
    rules, source = _rules(path)
    found = next((rule for rule in rules if rule.name == name), None)
    if found is None:
        click.echo(f"{source}: no rule {name}; there are {', '.join(rule.name for rule in rules)}", err=True)
        sys.exit(2)
    click.echo("\n".join(explain(found)))


@command.command("test")
@click.argument("tests", type=click.Path(path_type=Path))
@_file
def test(tests: Path, path: Path | None) -> None:
    """Run the unit tests in the file TESTS.

    A test gives cells, gauges and signals from a start time on and says which alerts fire when;
    alerts/rule_tests.py shows one. Exit codes: 0 all passed, 1 one failed, 2 a file cannot be used.
    """
    rules, _ = _rules(path)
    try:
        file = load_tests(tests)
    except RulesError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    promises = file.promises(promises_of(current()))
    failed = 0
    for one in file.tests:
        failures = run_test(one, rules, promises)
        failed += bool(failures)
        click.echo(f"{'FAILED' if failures else 'ok    '}  {one.name}")
        for failure in failures:
            for missing in failure.missing:
                click.echo(f"        at {failure.at_s} s: expected, did not fire: {missing}")
            for unexpected in failure.unexpected:
                click.echo(f"        at {failure.at_s} s: fires, not expected: {unexpected}")
    click.echo(f"{len(file.tests) - failed} passed, {failed} failed")
    if failed:
        sys.exit(1)
