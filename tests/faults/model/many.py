"""Many scenarios, on all cores: what each found, and what happened in all of them together."""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from model.laws import BrokenError
from model.world import Outcome, StuckError, Weather, scenario


@dataclass
class Report:
    """Sums over scenarios. `wrong`: seed -> what differed, in words."""

    ran: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    wrong: dict[int, list[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        self.ran += 1
        self.happened += outcome.happened
        self.compared += outcome.compared
        if outcome.differences:
            self.wrong[outcome.seed] = outcome.differences


def judged(seed: int, weather: Weather | None = None) -> Outcome:
    """One scenario; a law that is broken on the way, or workers that never finish, are differences too."""
    try:
        return scenario(seed, weather)
    except (BrokenError, StuckError) as error:
        return Outcome(seed, [str(error)])


def outcomes(seeds: Iterable[int], processes: int = 1) -> Iterator[Outcome]:
    """Each seed's outcome, in order."""
    if processes == 1:
        yield from map(judged, seeds)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(judged, seeds, chunksize=5)


def run(seeds: Iterable[int], processes: int = 1) -> Report:
    """Run them all."""
    report = Report()
    for outcome in outcomes(seeds, processes):
        report.add(outcome)
    return report
