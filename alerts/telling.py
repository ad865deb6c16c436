"""One partition of `hotline.alerts` for whoever tells of it: machines' delivery queue, and people's pages."""

from collections.abc import Mapping, Sequence

import msgspec

from alerts.controls import Controls
from alerts.deliveries import Deliveries
from alerts.duty import Duty
from alerts.on_call import OnCall
from alerts.paging import Paging
from deploy.runtime.processor import Output, Record
from streams.contract import AlertEvent
from streams.contract.topics import UNREADABLE

PAGING = "paging"

_event = msgspec.json.Decoder(AlertEvent)


class Telling:
    """A `Processor` for `hotline.alerts`; its outputs say who was told. `paging` is None where Hotline pages nobody.

    Where paging is new, what fires already is paged too.
    """

    def __init__(
        self,
        targets: Mapping[str, int | None],
        duty: Duty | None,
        controls: Controls,
        snapshot: Mapping[str, bytes] | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        self.deliveries = Deliveries(targets, snapshot)
        self.paging: Paging | None = None
        if duty is not None:
            paged = (snapshot or {}).get(PAGING)
            self.paging = Paging(duty, controls, paged, on_call)
            if paged is None:
                for event in self.deliveries.firing():
                    self.paging.take(event)

    @property
    def clock(self) -> int:
        return self.deliveries.clock

    def apply(self, records: Sequence[Record]) -> None:
        self.deliveries.apply(records)
        if self.paging is None:
            return
        for record in records:
            try:
                self.paging.take(_event.decode(record.value or b""))
            except UNREADABLE:
                continue  # counted by the delivery queue

    def tick(self, now: int, *, caught_up: bool) -> None:
        self.deliveries.tick(now, caught_up=caught_up)
        if self.paging is not None and caught_up:
            self.paging.tick(now)

    def outputs(self) -> list[Output]:
        return self.deliveries.outputs() + (self.paging.outputs() if self.paging else [])

    def saved(self) -> None:
        """The last snapshot is written down."""
        if self.paging is not None:
            self.paging.saved()

    def snapshot(self) -> dict[str, bytes]:
        parts = self.deliveries.snapshot()
        return parts if self.paging is None else parts | {PAGING: self.paging.snapshot()}
