"""What every test of producers with a real broker needs."""

import pytest

from deploy import topics as topic_table
from deploy.runtime.settings import Kafka
from streams.contract.topics import CALLS, TOPICS


@pytest.fixture
async def kafka(kafka_bootstrap: str) -> Kafka:
    """Settings for the broker, with `hotline.calls` as it should be."""
    settings = Kafka(bootstrap=kafka_bootstrap)
    await topic_table.apply(settings, tuple(topic for topic in TOPICS if topic.name == CALLS))
    return settings
