"""A record appended by itself: whether it was sent is told apart from whether it was answered."""

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from deploy.runtime import kafka
from deploy.runtime.kafka import UnansweredError, append
from deploy.runtime.settings import Kafka


class Producer:
    """A producer that fails at one of its steps."""

    def __init__(self, fails: str) -> None:
        self.fails, self.done = fails, []

    async def _do(self, step: str) -> None:
        self.done.append(step)
        if step == self.fails:
            raise {"start": KafkaConnectionError, "send": KafkaTimeoutError, "stop": OSError}[step]("gone")

    async def start(self) -> None:
        await self._do("start")

    async def send_and_wait(self, topic: str, value: bytes, key: bytes) -> None:
        await self._do("send")

    async def stop(self) -> None:
        await self._do("stop")


@pytest.mark.parametrize(
    ("fails", "error", "done"),
    [
        ("start", KafkaConnectionError, ["start"]),
        ("send", UnansweredError, ["start", "send", "stop"]),
        ("stop", UnansweredError, ["start", "send", "stop"]),
    ],
)
async def test_only_what_was_not_sent_is_surely_not_recorded(monkeypatch, fails, error, done) -> None:
    producer = Producer(fails)
    monkeypatch.setattr(kafka, "AIOKafkaProducer", lambda **options: producer)
    with pytest.raises(error) as told:
        await append(Kafka(bootstrap="one:9092"), "topic", b"key", b"value")
    assert producer.done == done
    assert ("may have been recorded" in str(told.value)) == (fails != "start")
