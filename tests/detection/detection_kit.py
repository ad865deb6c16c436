"""Cells as the merger hands them over."""

from streams.contract import Cell
from streams.detection import Detection


def tell(  # noqa: PLR0917 - the parts of a cell's key in the order of the contract
    detection: Detection, feed: str, hotline: str, dimension_set: str, value: str, minute: int, counts: dict[str, int]
) -> None:
    """One cell, as the merger hands it over; `value` is the queue or the category. All are answered unless told."""
    queue, category = (value, "") if dimension_set == "queue" else ("", value)
    detection.cell(
        Cell(
            feed=feed,
            hotline=hotline,
            dimension_set=dimension_set,
            queue=queue,
            category=category,
            minute=minute,
            version=1,
            counts={"answered": counts["offered"]} | counts if counts.get("offered") else counts,
        )
    )
