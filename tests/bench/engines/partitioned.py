"""`hotline streams` with another number of partitions of `hotline.calls` than the contract has: how it would grow.

    python partitioned.py PARTITIONS

The number is part of the contract, so no setting changes it; here it is taken from the command line.
"""

import sys

import msgspec

from deploy.cli.processes import run_process
from streams import processors
from streams.contract.topics import CALLS, TOPICS, Topic


def topics(partitions: int) -> tuple[Topic, ...]:
    """The contract's topics, of which `hotline.calls` has so many partitions."""
    return tuple(msgspec.structs.replace(it, partitions=partitions) if it.name == CALLS else it for it in TOPICS)


if __name__ == "__main__":
    processors.TOPICS = topics(int(sys.argv[1]))
    run_process("streams", "streams.app")
