"""Watches that the input is kept longer than our states are old: what it no longer has when we resume is lost."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.kafka import client_options, retention_ms
from deploy.runtime.settings import Kafka
from deploy.runtime.state_checks import RETENTION_USED, retention_used
from deploy.runtime.state_records import Place

CHECK_S = 30.0

log = structlog.get_logger()


class RetentionWatch:
    """Says when the last states have used up half of what the input's retention gives.

    `safe_to()`: input partition -> everything appended before this instant (ms) is in its last state.
    """

    def __init__(self, safe_to: Callable[[], Mapping[Place, int]]) -> None:
        self._safe_to = safe_to
        self.used: dict[Place, float] = {}
        """input partition -> share of the retention that its last state is old."""

    async def run(self, kafka: Kafka, topics: Sequence[str]) -> None:
        """Look every 30 s."""
        admin = AIOKafkaAdminClient(**client_options(kafka))
        await admin.start()
        try:
            asked = True
            while True:
                try:
                    self.look(await retention_ms(admin, topics), int(time.time() * 1000))
                    asked = True
                except KafkaError as error:
                    if asked:
                        log.warning("cannot ask how long the input is kept: it is not compared", reason=str(error))
                    asked = False
                await asyncio.sleep(CHECK_S)
        finally:
            await admin.close()

    def look(self, kept: Mapping[str, int], now: int) -> None:
        """Compare the states' age with `kept` (topic -> ms)."""
        before, self.used = self.used, {}
        for topic, kept_ms in kept.items():
            metrics.RETENTION.labels(topic).set(kept_ms / 1000)
        for place, safe_to in self._safe_to().items():
            topic, partition = place
            metrics.STATE_AGE.labels(topic, str(partition)).set(max(0, now - safe_to) / 1000 if safe_to else 0)
            used = self.used[place] = retention_used(safe_to, kept.get(topic), now)
            if used >= RETENTION_USED > before.get(place, 0.0):
                log.warning(
                    "the state is old: what the topic deletes before it is read will be missing",
                    topic=topic,
                    partition=partition,
                    state_age_s=(now - safe_to) // 1000,
                    retention_s=kept[topic] // 1000,
                    remedy="raise the topic's retention.ms until the engine has caught up",
                )
