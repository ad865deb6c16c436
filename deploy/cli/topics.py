"""`hotline topics apply|check`."""

import asyncio
import sys
from collections.abc import Sequence

import click
from aiokafka.errors import KafkaError

from deploy import topics
from deploy.runtime.run_file import resolve
from deploy.runtime.settings import Kafka, current


@click.group("topics")
def command() -> None:
    """Create (apply) or verify (check) the Kafka topics that the contract names."""


def _kafka() -> Kafka:
    return resolve(current(), need=["kafka"]).kafka


def _report(states: Sequence[topics.TopicState]) -> None:
    for state in states:
        click.echo(str(state))
    if any(state.wrong for state in states):
        sys.exit(1)


def _run(what: str) -> None:
    kafka = _kafka()
    work = topics.apply if what == "apply" else topics.check
    try:
        states = asyncio.run(work(kafka))
    except (KafkaError, OSError) as error:
        click.echo(f"hotline topics: Kafka at {kafka.bootstrap} does not answer: {error!r}", err=True)
        sys.exit(3)
    _report(states)


@command.command("apply")
def apply() -> None:
    """Create what is missing, correct what differs.

    A changed partition count is refused.
    """
    _run("apply")


@command.command("check")
def check() -> None:
    """Say how the topics differ from the contract.

    Compared are partitions, clean-up, retention and timestamp type. Exit codes: 0 all is right, 1 something differs.
    """
    _run("check")
