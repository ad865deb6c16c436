"""The process `hotline alerts`: signals become alerts, alerts are told to whoever is to know.

It reads three topics. `hotline.signals` and `hotline.cells` feed the rules and the lifecycle, which write
each change of state to `hotline.alerts`; that feeds the delivery queue. All states stand in the state log, so
neither a restart nor another worker forgets an alert or what has been told.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from alerts import metrics
from alerts.channels import Channel
from alerts.channels.alertmanager import AlertmanagerChannel
from alerts.channels.content import Writer
from alerts.channels.grafana import GrafanaChannel
from alerts.channels.webhook import WebhookChannel
from alerts.core import Alerts
from alerts.deliveries import Deliveries
from alerts.promises import promises_of
from alerts.rule_book import RuleBook, watch_rules
from alerts.rules import Rule
from alerts.sender import send_forever
from alerts.watch import Watch
from deploy.runtime.settings import Settings, SettingsError
from deploy.runtime.worker import Background, Worker, run_worker
from streams.contract.topics import ALERTS, CELLS, SIGNALS, STATE_ALERTS

GROUP = "hotline-alerts"
METRICS_S = 1.0


def run(settings: Settings) -> None:
    """Run until SIGTERM; blocks. Raises SettingsError (RulesError) before anything is started."""
    book = RuleBook(settings.alerts.rules)
    channels = build_channels(settings, book.by_name)
    targets = {channel.target: channel.resend_s for channel in channels}

    def lifecycle(topic: str, partition: int, snapshot: Mapping[str, bytes] | None) -> Alerts:
        del topic, partition
        return Alerts(book.rules, settings.alerts.feed, snapshot)

    def watch(topic: str, partition: int, snapshot: Mapping[str, bytes] | None) -> Watch:
        del topic, partition
        return Watch(book.rules, settings.alerts.feed, promises_of(settings), snapshot)

    def deliveries(topic: str, partition: int, snapshot: Mapping[str, bytes] | None) -> Deliveries:
        del topic, partition
        return Deliveries(targets, snapshot)

    def serve(channel: Channel) -> Background:
        async def run_channel(worker: Worker) -> None:
            try:
                await send_forever(channel, lambda: deliveries_of(worker), wall_ms)
            finally:
                await channel.close()

        return run_channel

    async def reload(worker: Worker) -> None:
        await watch_rules(book, lambda rules: adopt(worker, rules))

    async def show(worker: Worker) -> None:
        while True:
            show_metrics(worker, list(targets))
            await asyncio.sleep(METRICS_S)

    run_worker(
        GROUP,
        settings,
        {SIGNALS: lifecycle, CELLS: watch, ALERTS: deliveries},
        STATE_ALERTS,
        health_port=settings.health.alerts_port,
        background=[reload, show, *(serve(channel) for channel in channels)],
    )


def build_channels(settings: Settings, rules: Mapping[str, Rule]) -> list[Channel]:
    """The channels that the settings name. Raises SettingsError for an address that is none."""
    told = settings.alerts
    addresses = {
        "alerts.alertmanager.url": told.alertmanager.url,
        "alerts.grafana.url": told.grafana.url,
    } | {f"alerts.webhooks.{number}.url": webhook.url or "(empty)" for number, webhook in enumerate(told.webhooks)}
    for name, url in addresses.items():
        if url and not (url.startswith(("http://", "https://")) and urlsplit(url).hostname):
            raise SettingsError(f"{name}: write an address that begins with https:// or http://")
    if told.grafana.url and not told.grafana.token.get_secret_value():
        raise SettingsError("alerts.grafana.token is empty: set HOTLINE_ALERTS__GRAFANA__TOKEN to a service account's")
    external_url = settings.web.external_url or f"http://{settings.web.host}:{settings.web.port}/"
    writer = Writer(rules, settings.paging, external_url)
    channels: list[Channel] = []
    if told.alertmanager.url:
        channels.append(AlertmanagerChannel(told.alertmanager, writer))
    if told.grafana.url:
        channels.append(GrafanaChannel(told.grafana, writer))
    webhooks = {webhook.url: webhook for webhook in told.webhooks}
    return [*channels, *(WebhookChannel(webhook, writer) for webhook in webhooks.values())]


def adopt(worker: Worker, rules: Sequence[Rule]) -> None:
    """Let the lifecycles that this process owns go on with other rules."""
    for topic in (SIGNALS, CELLS):
        processor = worker.processor(topic, 0)
        if isinstance(processor, Alerts | Watch):
            processor.adopt(rules)
            worker.collect(topic, 0)


def deliveries_of(worker: Worker) -> Deliveries | None:
    """The delivery queue, while this process owns it (`hotline.alerts` has one partition)."""
    processor = worker.processor(ALERTS, 0)
    return processor if isinstance(processor, Deliveries) else None


def show_metrics(worker: Worker, targets: Sequence[str]) -> None:
    """Set the gauges from the states that this process owns."""
    lifecycle, watch = worker.processor(SIGNALS, 0), worker.processor(CELLS, 0)
    firing = [event for owned in (lifecycle, watch) if isinstance(owned, Alerts | Watch) for event in owned.firing()]
    metrics.show_firing(Counter((event.rule, event.severity) for event in firing))
    if isinstance(lifecycle, Alerts):
        metrics.HELD_BACK.set(lifecycle.held_back())
        for reason, count in lifecycle.ignored.items():
            metrics.IGNORED.labels(reason).set(count)
    deliveries = deliveries_of(worker)
    if deliveries is not None:
        metrics.OVERTAKEN.set(deliveries.overtaken)
    for target in targets:
        metrics.WAITING.labels(target).set(deliveries.waiting(target) if deliveries else 0)
        oldest_ms = deliveries.oldest_waiting_ms(target, wall_ms()) if deliveries else 0
        metrics.OLDEST_WAITING.labels(target).set(oldest_ms / 1000)


def wall_ms() -> int:
    """Wall time in ms."""
    return int(time.time() * 1000)
