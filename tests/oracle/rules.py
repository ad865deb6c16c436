"""The oracle's rules from the same settings that the engine reads."""

from deploy.runtime.settings import Settings
from oracle.calls import Rules
from oracle.counters import Promise


def rules_of(settings: Settings) -> Rules:
    """Thresholds, limits and the pseudonym key, as the settings say them."""

    def promise(hotline: str, queue: str) -> Promise:
        its = settings.hotline(hotline)
        # A hotline's own promise is judged over all its queues, so each counts its first threshold too.
        return Promise(tuple(sorted({*its.thresholds(queue), its.thresholds_s[0]})), its.short_abandon_s * 1000)

    intake = settings.intake
    sets: dict[str, tuple[tuple[str, int], ...]] = {"hotline": (), "source": (("source", 0),)}
    for name, parts in settings.cells.dimension_sets.items():
        cut = [part.partition("/") for part in parts]
        sets[name] = tuple((dimension, int(level or 0)) for dimension, _, level in cut)
    return Rules(
        promise=promise,
        lateness_ms=intake.allowed_lateness_s * 1000,
        future_ms=intake.future_s * 1000,
        lost_waiting_ms=intake.lost_waiting_s * 1000,
        lost_talking_ms=intake.lost_talking_s * 1000,
        lost_agent_ms=intake.lost_agent_s * 1000,
        pseudonym=(settings.pseudonym.key_id, settings.require_pseudonym_key()),
        sets=sets,
        keep_fields=frozenset(intake.keep_fields),
        default_hotline=next(iter(settings.hotlines)) if len(settings.hotlines) == 1 else "",
    )
