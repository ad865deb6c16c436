"""The limit of C: confluent-kafka's `consume` and nothing else."""

import sys

from confluent_kafka import Consumer, libversion, version
from told import Run


def main(run: Run) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": run.bootstrap,
            "group.id": run.group,
            "auto.offset.reset": "earliest",
            # By default a full queue is looked at again a second later: then that second is what is measured.
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.subscribe([run.topic])
    done = False
    while not done:
        messages = consumer.consume(10_000, timeout=1.0)
        values = [message.value() for message in messages if message.error() is None]
        if values and not run.seen:
            run.begin()
        done = run.see(len(values))
    run.end(
        None,
        f"confluent-kafka {version()[0] if isinstance(version(), tuple) else version()}, librdkafka {libversion()[0]}",
    )
    consumer.close()


if __name__ == "__main__":
    main(Run(sys.argv))
