"""The demo's callers: the last hours at once, then live for ever, across restarts; history once, beside it."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from deploy.producers.publisher import Publisher
from deploy.producers.simulator import memory
from deploy.producers.simulator.demand import DAY_MS
from deploy.producers.simulator.incidents import Incident
from deploy.producers.simulator.memory import RememberedHistory, RememberedLive
from deploy.producers.simulator.pace import Pace
from deploy.producers.simulator.profile import Profile
from deploy.producers.simulator.run import Control, Runner, Toggle, TruthLog, history_span, send_history
from deploy.producers.simulator.simulation import Simulation
from deploy.producers.simulator.sources import Delivery
from deploy.runtime.plurals import so_many
from streams.contract.events import LIVE

WARM_UP_MS = 110 * 60_000  # within the two hours that `live` accepts
STALE_AFTER_MS = 3 * DAY_MS
LONGEST_RUN_MS = 14 * DAY_MS
_REMEMBER_EVERY_S = 5.0
Tell = Callable[[str], None]


async def history_once(
    publisher: Publisher,
    profile: Profile,
    seed: int,
    *,
    cluster: str,
    data_dir: Path,
    feed: str,
    days: int,
    now: int,
    control: Control,
    pace: Pace,
    tell: Tell,
) -> None:
    """Publish `days` of history unless this cluster holds it already and it is not older than three days."""
    path = data_dir / memory.HISTORY
    known = memory.recall(path, RememberedHistory)
    same = known is not None and (known.cluster, known.feed, known.hotline, known.rate, known.seed) == (
        cluster,
        feed,
        profile.hotline,
        profile.rate,
        seed,
    )
    if known is not None and same and now < known.range_to + STALE_AFTER_MS:
        return
    span = history_span(profile, now, days)
    tell(f"sending {so_many(days, 'day')} of history as feed {feed}")
    started = time.monotonic()
    generation, events = await send_history(publisher, profile, seed, feed=feed, span=span, control=control, pace=pace)
    if control.stopping:
        return
    tell(f"history: {so_many(events, 'event')} in {time.monotonic() - started:.0f} s")
    memory.remember(
        path,
        RememberedHistory(
            cluster=cluster,
            feed=feed,
            generation=generation,
            hotline=profile.hotline,
            rate=profile.rate,
            seed=seed,
            range_from=span[0],
            range_to=span[1],
        ),
    )


async def live(
    publisher: Publisher,
    profile: Profile,
    seed: int,
    *,
    cluster: str,
    data_dir: Path,
    clock: Callable[[], int],
    incidents: Sequence[Incident],
    control: Control,
    truth: TruthLog,
    tell: Tell,
    duplicates: float = 0.0,
    disorder: float = 0.0,
) -> None:
    """Send the last 110 minutes at once, then go on as it happens.

    A run that ended within that time is made again from its beginning (it is deterministic) and goes on
    where it ended: no call is sent twice, and calls that were under way come to their end.
    """
    path = data_dir / memory.LIVE
    now = clock()
    state = _begin(profile, seed, cluster, now, incidents, delivery=(duplicates, disorder))
    known = memory.recall(path, RememberedLive)
    goes_on = (
        known is not None
        and known.same_as(state)
        and now - WARM_UP_MS <= known.sent_until <= now
        and now - known.start <= LONGEST_RUN_MS
    )
    if known is not None and goes_on:
        state = msgspec.structs.replace(known, incidents=[*known.incidents, *incidents])
        if state.toggles and state.toggles[-1][1]:
            state.toggles = [*state.toggles, (known.sent_until, False)]
    simulation = Simulation(profile, seed, state.start, incidents=state.incidents)
    delivery = Delivery(
        state.incidents,
        seed,
        duplicates=duplicates,
        disorder=disorder,
        after=state.sent_until,
        counting=truth.wanted,
    )
    runner = Runner(simulation, publisher, control, truth, delivery, truth_from=now, sent_until=state.sent_until)
    tell("going on where the last run ended" if goes_on else "sending the last 110 minutes")
    remembered_at = 0.0

    def keep(one: Runner, *, always: bool = False) -> None:
        nonlocal remembered_at
        if always or time.monotonic() - remembered_at >= _REMEMBER_EVERY_S:
            remembered_at = time.monotonic()
            state.sent_until = one.sent_until
            state.toggles = [(toggle.at, toggle.paused) for toggle in one.toggles]
            memory.remember(path, state)

    await runner.catch_up(now, [Toggle(*toggle) for toggle in state.toggles])
    keep(runner)
    tell(LIVE)
    await runner.as_it_happens(clock, keep)
    keep(runner, always=True)


def _begin(
    profile: Profile,
    seed: int,
    cluster: str,
    now: int,
    incidents: Sequence[Incident],
    *,
    delivery: tuple[float, float],
) -> RememberedLive:
    return RememberedLive(
        cluster=cluster,
        hotline=profile.hotline,
        queues=[queue.name for queue in profile.queues],
        rate=profile.rate,
        comfort=profile.comfort,
        sources=[site.source for site in profile.sites],
        delivery=delivery,
        lost_ending=profile.habits.lost_ending,
        seed=seed,
        start=now - WARM_UP_MS,
        sent_until=0,
        toggles=[],
        incidents=list(incidents),
    )
