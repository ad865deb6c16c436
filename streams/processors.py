"""From settings to the processors of `streams`: which core reads which topic."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from deploy.runtime.processor import Processor, ProcessorFactory
from deploy.runtime.settings import Hotline, Settings
from streams.contract.topics import CALLS, PARTIALS, TOPICS, VISITS
from streams.contribution import Promise, Rules, Terms
from streams.detection import rules_from
from streams.dimensions import Dimensions, DimensionSet
from streams.event_file import Events
from streams.merge import Merger, Merging
from streams.partition import CallsPartition, Config
from streams.privacy import Pseudonymiser


def counting_rules(settings: Settings) -> Rules:
    """How calls are counted: promises per queue and when a call counts as lost."""
    intake = settings.intake
    terms = Terms(
        {name: _promises(its) for name, its in sorted(settings.known_hotlines().items())},
        _promises(settings.hotline_defaults),
        intake.lost_waiting_s * 1000,
        intake.lost_talking_s * 1000,
        intake.allowed_lateness_s * 1000,
    )
    return Rules(
        terms.promise,
        Dimensions([DimensionSet.parse(name, parts) for name, parts in settings.cells.dimension_sets.items()]),
        terms.lost_waiting_ms,
        terms.lost_talking_ms,
        intake.lost_agent_s * 1000,
        msgspec.json.encode(terms).decode(),
    )


def _promises(its: Hotline) -> dict[str, Promise]:
    """Queue -> promise, of those with one of their own."""

    def promise(queue: str) -> Promise:
        # The hotline's own promise is judged over all its queues, so each counts its threshold too.
        thresholds = dict.fromkeys((*its.thresholds(queue), its.thresholds_s[0]))
        return Promise(tuple(thresholds), its.short_abandon_s * 1000)

    own = {queue: promise(queue) for queue in sorted(its.queues)}
    return {"": promise("")} | {queue: its for queue, its in own.items() if its != promise("")}


def meaning(settings: Settings) -> dict[str, str]:
    """What the numbers in a state depend on, by the names that people know: changed, the state is refused."""
    sets = settings.cells.dimension_sets
    named = {f"cells.dimension_sets.{name}": ", ".join(parts) for name, parts in sets.items()}
    return named | {"cells.dimension_sets": ", ".join(sorted(sets)), "the length of a cell": "60 s"}


def factory(settings: Settings, events: Events | None = None) -> ProcessorFactory:
    """A processor for each partition of `hotline.calls` and for `hotline.partials`, which knows of `events`."""
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    rules = counting_rules(settings)
    config = Config(
        rules=rules,
        pseudonym=Pseudonymiser(settings.require_pseudonym_key(), settings.pseudonym.key_id),
        lateness_ms=settings.intake.allowed_lateness_s * 1000,
        future_ms=settings.intake.future_s * 1000,
        visits_partitions=partitions[VISITS],
        keep_fields=frozenset(settings.intake.keep_fields),
        default_hotline=settings.only_hotline,
    )
    merging = Merging(settings.cells.most_values, settings.intake.silent_after_s * 1000)

    def build(topic: str, partition: int, snapshot: Mapping[str, bytes] | None) -> Processor:
        if topic == CALLS:
            return CallsPartition(partition, partitions[CALLS], config, snapshot)
        if topic == PARTIALS:
            announced = events.all if events else ()
            return Merger(rules, merging, replace(rules_from(settings), announced=announced), snapshot)
        raise ValueError(f"streams reads {CALLS} and {PARTIALS}, not {topic}")

    return build
