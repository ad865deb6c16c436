"""The log of what people say about alerts: what is no record there is passed over, and what stands behind it holds."""

from types import SimpleNamespace

import msgspec
import pytest
from alert_kit import NO_RECORD, T
from structlog.testing import capture_logs

from alerts import control_log
from alerts.controls import Controls
from streams.contract.alerts import Acknowledgement


class Consumer:
    """A topic of some values; ends the reading once they have been read."""

    def __init__(self, values):
        self.records = [SimpleNamespace(value=value, offset=offset) for offset, value in enumerate(values)]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def position(self, _partition):
        return 0


class ReadToTheEndError(Exception):
    pass


@pytest.mark.parametrize("value", NO_RECORD, ids=range(len(NO_RECORD)))
async def test_what_is_no_record_is_passed_over(monkeypatch, value):
    said = Acknowledgement(fingerprint="f1", author="li", at=T)
    consumer = Consumer([value, msgspec.json.encode(said)])

    async def begin(_consumer, _topic):
        return 0, len(consumer.records)

    async def poll(_consumer):
        if not consumer.records:
            raise ReadToTheEndError
        return [consumer.records.pop(0)]

    monkeypatch.setattr(control_log, "reading", lambda _kafka: consumer)
    monkeypatch.setattr(control_log, "from_beginning", begin)
    monkeypatch.setattr(control_log, "poll", poll)
    controls = Controls()
    with capture_logs() as lines, pytest.raises(ReadToTheEndError):
        await control_log.follow(None, controls)
    assert controls.acknowledgements == {"f1": said}
    assert [line["offset"] for line in lines] == [0]
