"""An outage of ours pages nobody: `streams` stopped for minutes under load, then started; and a spike after it does."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from model.loop import Loop, a_loop
from model.member import on
from model.outage import ELEVEN, Outage
from model.traffic import MINUTE, S


@pytest.fixture
def loop() -> Iterator[Loop]:
    with a_loop() as loop:
        yield loop


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_twenty_minutes_without_streams_page_nobody_and_a_spike_does(loop: Loop) -> None:
    stopped, started, spike = (ELEVEN + minutes * MINUTE for minutes in (2, 22, 26))
    its = Outage(loop, spike - ELEVEN)

    async def run() -> None:
        await its.begin()
        await its.go_on(stopped)
        await its.without_workers(started)
        await its.go_on(spike)
        assert its.signals() == []
        await its.go_on(spike + 2 * MINUTE)

    with capture_logs(), on(its.broker, its.rng):
        loop.run_until_complete(run())
    assert its.letters() == []
    demand = [it for it in its.signals() if it.kind == "demand_above_expectation" and it.queue == "utilities"]
    assert demand
    assert spike < demand[0].at <= spike + 60 * S
