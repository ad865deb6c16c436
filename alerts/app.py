"""The process `hotline alerts`: signals become alerts, alerts are told to whoever is to know.

It reads three topics. `hotline.signals` and `hotline.cells` feed the rules and the lifecycle, which write
each change of state to `hotline.alerts`; that feeds the delivery queue. All states stand in the state log, so
neither a restart nor another worker forgets an alert or what has been told.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from alerts import calendars, heartbeat, metrics
from alerts.channels import Channel
from alerts.channels.alertmanager import AlertmanagerChannel
from alerts.channels.content import Writer
from alerts.channels.grafana import GrafanaChannel
from alerts.channels.people import people_channel
from alerts.channels.webhook import WebhookChannel
from alerts.control_log import follow
from alerts.controls import Controls
from alerts.core import Alerts
from alerts.deliveries import Deliveries
from alerts.duty import Duty, load_duty
from alerts.on_call import OnCall
from alerts.pager import page_forever
from alerts.paging import Paging
from alerts.promises import promises_of
from alerts.rule_book import RuleBook
from alerts.rules import Rule
from alerts.sender import send_forever
from alerts.telling import Telling
from alerts.watch import Watch
from deploy.runtime.processor import ProcessorFactory
from deploy.runtime.settings import Settings, SettingsError
from deploy.runtime.watched_file import watch
from deploy.runtime.worker import Background, Worker, run_worker
from streams.contract.events import LIVE
from streams.contract.topics import ALERTS, CELLS, GROUPS, SIGNALS, STATE_ALERTS

GROUP = GROUPS["alerts"]
METRICS_S = 1.0
SAVE_S = 0.05

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Run until SIGTERM; blocks. Raises SettingsError (RulesError) before anything is started."""
    book = RuleBook(settings.alerts.rules)
    channels = build_channels(settings, book.by_name)
    duty, receivers = build_receivers(settings, book.by_name)
    controls = Controls()
    on_call = OnCall(duty.schedules if duty else ())
    targets = {channel.target: channel.resend_s for channel in channels}

    processors: dict[str, ProcessorFactory] = {
        SIGNALS: lambda _topic, _partition, state: Alerts(book.rules, settings.alerts.feed, state),
        CELLS: lambda _topic, _partition, state: Watch(book.rules, settings.alerts.feed, promises_of(settings), state),
        ALERTS: lambda _topic, _partition, state: Telling(targets, duty, controls, state, on_call),
    }

    async def reload(worker: Worker) -> None:
        await watch(book.reread, lambda: adopt(worker, book.rules))

    async def listen(_worker: Worker) -> None:
        await follow(settings.kafka, controls)

    async def read_calendars(_worker: Worker) -> None:
        if duty is not None:
            await calendars.follow(duty, on_call, wall_ms)

    async def show(worker: Worker) -> None:
        while True:
            show_metrics(worker, list(targets))
            show_pages(paging_of(worker), list(receivers))
            metrics.show_on_call(on_call.everybody(wall_ms()))
            await asyncio.sleep(METRICS_S)

    run_worker(
        GROUP,
        settings,
        processors,
        STATE_ALERTS,
        health_port=settings.health.alerts_port,
        background=[
            reload,
            listen,
            show,
            save_promptly,
            read_calendars,
            *(
                [beat(settings, [it.target for it in channels if it.kind != "grafana"])]
                if heartbeat.wanted(settings)
                else []
            ),
            *(serve(channel) for channel in channels),
            *(page(receiver, ways) for receiver, ways in receivers.items()),
        ],
    )


async def save_promptly(worker: Worker) -> None:
    """Have the state written whenever a page waits for it, or was just taken: that is the time a kill can repeat."""
    while True:
        paging = paging_of(worker)
        if paging is not None and paging.unsaved:
            await worker.save(ALERTS, 0)
        await asyncio.sleep(SAVE_S)


def serve(channel: Channel) -> Background:
    """Keep a machine's channel told."""

    async def run_channel(worker: Worker) -> None:
        try:
            await send_forever(channel, lambda: deliveries_of(worker), wall_ms)
        finally:
            await channel.close()

    return run_channel


def page(receiver: str, ways: Sequence[Channel]) -> Background:
    """Keep a person or a desk told."""

    async def run_receiver(worker: Worker) -> None:
        try:
            await page_forever(receiver, ways, lambda: paging_of(worker), wall_ms)
        finally:
            for way in ways:
                await way.close()

    return run_receiver


def build_channels(settings: Settings, rules: Mapping[str, Rule]) -> list[Channel]:
    """The channels that the settings name. Raises SettingsError for a Grafana without a token."""
    config = settings.alerts
    if config.grafana.url and not config.grafana.token.get_secret_value():
        raise SettingsError("alerts.grafana.token is empty: set HOTLINE_ALERTS__GRAFANA__TOKEN to a service account's")
    writer = Writer(rules, settings.paging, external_url(settings))
    channels: list[Channel] = []
    if config.alertmanager.url:
        channels.append(AlertmanagerChannel(config.alertmanager, writer))
    if config.grafana.url:
        channels.append(GrafanaChannel(config.grafana, writer))
    webhooks = {webhook.url.get_secret_value(): webhook for webhook in config.webhooks}
    return [*channels, *(WebhookChannel(webhook, writer) for webhook in webhooks.values())]


def build_receivers(settings: Settings, rules: Mapping[str, Rule]) -> tuple[Duty | None, dict[str, list[Channel]]]:
    """Who is paged and how; nobody where Alertmanager is the one that pages. Raises SettingsError (RulesError)."""
    if settings.alerts.duty is None:
        return None, {}
    duty = load_duty(settings.alerts.duty)
    if settings.paging != "hotline":
        log.warning("alerts.duty is not used: paging is alertmanager, whose routes say who is called")
        return None, {}
    calendars.require_library(duty)
    key = settings.alerts.callbacks.link_key.get_secret_value()
    zones = {name: hotline.zone for name, hotline in settings.known_hotlines().items()}
    writer = Writer(rules, settings.paging, external_url(settings), key, zones)
    return duty, {
        receiver.name: [people_channel(told, receiver.name, writer) for told in receiver.channels]
        for receiver in duty.receivers
    }


def external_url(settings: Settings) -> str:
    return settings.web.external_url or f"http://{settings.web.host}:{settings.web.port}/"


def beat(settings: Settings, pagers: Sequence[str]) -> Background:
    """Tell the outside that we live, if the settings name somebody to tell. `pagers`: targets that may page people."""

    async def run_heart(worker: Worker) -> None:
        def feel() -> heartbeat.Pulse:
            owned = [worker.processor(topic, 0) for topic in (SIGNALS, CELLS, ALERTS)]
            watch = worker.processor(CELLS, 0)
            age = wall_ms() - watch.clock if watch and settings.alerts.feed == LIVE else None
            return heartbeat.pulse(
                owned=None not in owned,
                behind=not worker.caught_up,
                data_age_ms=age,
                stuck_ms=stuck_ms(telling_of(worker), pagers, wall_ms()),
            )

        await heartbeat.beat_forever(settings, external_url(settings), feel, wall_ms)

    return run_heart


def stuck_ms(telling: Telling | None, pagers: Sequence[str], now: int) -> int:
    """Age of the oldest alert that an error in Hotline keeps from whoever pages people, or from people; 0 without any."""
    if telling is None:
        return 0
    of_people = telling.paging.oldest_fault_ms(now) if telling.paging else 0
    return max(of_people, *(telling.deliveries.oldest_waiting_ms(it, now, faults=True) for it in pagers), 0)


def adopt(worker: Worker, rules: Sequence[Rule]) -> None:
    """Let the lifecycles that this process owns go on with other rules."""
    for topic in (SIGNALS, CELLS):
        processor = worker.processor(topic, 0)
        if isinstance(processor, Alerts | Watch):
            processor.adopt(rules)
            worker.collect(topic, 0)


def telling_of(worker: Worker) -> Telling | None:
    """The delivery queue and pages, while this process owns them (`hotline.alerts` has one partition)."""
    processor = worker.processor(ALERTS, 0)
    return processor if isinstance(processor, Telling) else None


def deliveries_of(worker: Worker) -> Deliveries | None:
    telling = telling_of(worker)
    return telling.deliveries if telling else None


def paging_of(worker: Worker) -> Paging | None:
    telling = telling_of(worker)
    return telling.paging if telling else None


def show_metrics(worker: Worker, targets: Sequence[str]) -> None:
    """Set the gauges from the states that this process owns."""
    lifecycle, watch = worker.processor(SIGNALS, 0), worker.processor(CELLS, 0)
    firing = [event for owned in (lifecycle, watch) if isinstance(owned, Alerts | Watch) for event in owned.firing()]
    metrics.show_firing(Counter((event.rule, event.severity) for event in firing))
    if isinstance(lifecycle, Alerts):
        metrics.HELD_BACK.set(lifecycle.held_back())
        for reason, count in lifecycle.ignored.items():
            metrics.IGNORED.labels(reason).set(count)
    if isinstance(watch, Watch):
        metrics.UNREADABLE.labels(CELLS).set(watch.unreadable)
    deliveries = deliveries_of(worker)
    if deliveries is not None:
        metrics.OVERTAKEN.set(deliveries.overtaken)
        metrics.UNREADABLE.labels(ALERTS).set(deliveries.unreadable)
    for target in targets:
        metrics.WAITING.labels(target).set(deliveries.waiting(target) if deliveries else 0)
        oldest_ms = deliveries.oldest_waiting_ms(target, wall_ms()) if deliveries else 0
        metrics.OLDEST_WAITING.labels(target).set(oldest_ms / 1000)


def show_pages(paging: Paging | None, receivers: Sequence[str]) -> None:
    """Set the gauges about people."""
    metrics.STANDING.clear()
    for standing, count in (paging.standing() if paging else {}).items():
        metrics.STANDING.labels(standing).set(count)
    for receiver in receivers:
        metrics.PAGES_WAITING.labels(receiver).set(paging.waiting(receiver) if paging else 0)


def wall_ms() -> int:
    """Wall time in ms."""
    return int(time.time() * 1000)
