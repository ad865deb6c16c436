"""What a state must not be resumed from, and when its age is worth a warning."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from state_log_model import PLACE, stand
from structlog.testing import capture_logs

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.kafka import retention_ms
from deploy.runtime.retention import RetentionWatch
from deploy.runtime.state_checks import check_mark, check_meaning, retention_used
from deploy.runtime.state_records import Mark, Place, State, StateError

HOUR = 3_600_000
NOW = 1_700_000_000_000


def made_under(**meaning: str) -> State:
    return State(PLACE, 1, stand(meaning=meaning), {})


@pytest.mark.parametrize("now", [{"sets": "a, b", "cell": "60 s"}, {"sets": "a, b", "cell": "60 s", "new": "setting"}])
def test_the_same_settings_go_on(now: dict[str, str]) -> None:
    check_meaning(made_under(sets="a, b", cell="60 s"), now)
    check_meaning(made_under(), now)  # from before settings were noted


def test_a_setting_that_changes_meaning_is_named_with_what_to_do() -> None:
    with pytest.raises(
        StateError, match=r"in/0 was made under other settings: sets was 'a, b', is 'a, c'\. Set.*apply"
    ):
        check_meaning(made_under(sets="a, b", cell="60 s"), {"sets": "a, c", "cell": "60 s"})
    with pytest.raises(StateError, match="cell was '60 s', is 'not known to this version'"):
        check_meaning(made_under(cell="60 s"), {})


@pytest.fixture
async def reader(bench: Any) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(bootstrap_servers=bench.bootstrap) as reader:
        yield reader


@pytest.mark.kafka
async def test_only_the_log_that_a_state_was_made_from_will_do(bench: Any, reader: AIOKafkaConsumer) -> None:
    for value in (b"zero", b"one", b"two"):
        told = await bench.producer.send_and_wait(bench.source, value, partition=0)
    place: Place = (bench.source, 0)

    async def check(offset: int, mark: Mark | None) -> None:
        await check_mark(reader, State(place, 1, msgspec.structs.replace(stand(offset), mark=mark), {}), "here")

    last = Mark.of(told.timestamp, b"two")
    await check(2, last)
    await check(-1, None)
    await bench.delete_records(0, 2)
    await check(1, last)  # the record is gone: nothing to compare
    for other in (Mark.of(told.timestamp + 1, b"two"), Mark.of(told.timestamp, b"tow")):
        with pytest.raises(StateError, match="is not the one its state was made from"):
            await check(2, other)
    with pytest.raises(StateError, match=r"made on cluster here, this is there.*HOTLINE_KAFKA__BOOTSTRAP"):
        await check_mark(reader, State(place, 1, stand(2), {}), "there")
    with pytest.raises(StateError, match=r"stands at offset 3, the topic ends at 3.*hotline topics apply"):
        await check(3, last)


@pytest.mark.parametrize(
    ("read_to", "kept", "used"),
    [
        (NOW - HOUR, 4 * HOUR, 0.25),
        (NOW - 8 * HOUR, 4 * HOUR, 2.0),
        (NOW + 5, HOUR, 0.0),
        (NOW, None, 0.0),
        (0, 1, 0.0),
    ],
)
def test_how_much_of_the_retention_is_used_up(read_to: int, kept: int | None, used: float) -> None:
    assert retention_used(read_to, kept, NOW) == used


def test_a_state_that_is_half_as_old_as_the_input_is_kept_is_warned_of_once() -> None:
    safe_to = {PLACE: NOW - HOUR, ("other", 3): NOW - HOUR}
    watch = RetentionWatch(lambda: safe_to)
    with capture_logs() as logs:
        watch.look({"in": 3 * HOUR}, NOW)
        assert logs == []
        watch.look({"in": 2 * HOUR}, NOW)
        watch.look({"in": 2 * HOUR}, NOW + 30_000)
    [warning] = logs
    assert (warning["log_level"], warning["topic"], warning["state_age_s"], warning["retention_s"]) == (
        "warning",
        "in",
        3600,
        7200,
    )
    assert "retention.ms" in warning["remedy"]
    assert watch.used[PLACE] > 0.5
    assert watch.used["other", 3] == 0
    assert metrics.STATE_AGE.labels("in", "0")._value.get() == 3_630
    assert metrics.RETENTION.labels("in")._value.get() == 7_200


@pytest.mark.kafka
async def test_the_retention_is_asked_of_the_topic(bench: Any) -> None:
    admin: AIOKafkaAdminClient = bench.admin
    kept, ever = f"{bench.source}.kept", f"{bench.source}.ever"
    await bench.create(
        NewTopic(kept, 1, 1, topic_configs={"retention.ms": str(HOUR)}),
        NewTopic(ever, 1, 1, topic_configs={"retention.ms": "-1"}),
    )
    assert await retention_ms(admin, [kept, ever, bench.state, "no.such.topic"]) == {kept: HOUR}
