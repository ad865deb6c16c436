"""Whether a snapshot of the alerts room is one that this version reads."""

from deploy.runtime.state_records import StateError

FORMAT = 1


def check(what: str, number: int) -> None:
    """Raises StateError for `what` of another format."""
    if number != FORMAT:
        raise StateError(f"{what} format {number}, this version reads {FORMAT}: run the version that wrote it")
