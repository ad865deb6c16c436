"""Numbers of things as sentences say them."""


def so_many(count: int, thing: str) -> str:
    """`1 event`, `2,000 events`; `thing` is of those that take an s."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
