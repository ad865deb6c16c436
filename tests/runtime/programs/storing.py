"""A sink that appends what it is given to a file: run as a process of its own by the tests.

Arguments: group, input topic, file to append to, file whose presence means "away".
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.runtime import logging
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from deploy.runtime.sink import Retry, run_sink

if __name__ == "__main__":
    group, source, target, away = sys.argv[1:]

    def append(batch: Mapping[int, Sequence[Record]]) -> None:
        if Path(away).exists():
            raise Retry("the store is away")
        with Path(target).open("a") as file:
            for partition, records in batch.items():
                file.writelines(f"{partition} {record.offset}\n" for record in records)

    async def store(topic: str, batch: Mapping[int, Sequence[Record]]) -> None:
        del topic
        append(batch)

    logging.configure("storing")
    run_sink(group, Settings(), {source: store}, linger_s=0.05, max_records=500)
