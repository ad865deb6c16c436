"""What is no announcement in the log of them is passed over."""

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from deploy.runtime.announcement_log import _take
from streams.contract.announcements import Announcements


@pytest.mark.parametrize("value", [None, b"{", b'{"id": "\xff"}', b'{"x": ' + b"[" * 10_000], ids=range(4))
def test_a_record_that_is_no_announcement_is_passed_over(value: bytes | None) -> None:
    with capture_logs() as lines:
        assert not _take(SimpleNamespace(value=value, offset=7), Announcements())
    assert [line["offset"] for line in lines] == [7]
