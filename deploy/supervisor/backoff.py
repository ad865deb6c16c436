"""How long to wait before a process that died is started again."""

FIRST_S = 0.5
LONGEST_S = 30.0
STEADY_S = 60.0


def next_pause(failures: int, ran_s: float) -> tuple[int, float]:
    """(failures in a row, pause in seconds) after a run of `ran_s` seconds; `failures` counts those before it.

    A run of a minute or more counts as steady: the row begins again.
    """
    failures = 1 if ran_s >= STEADY_S else failures + 1
    return failures, min(LONGEST_S, FIRST_S * 2 ** min(failures - 1, 16))
