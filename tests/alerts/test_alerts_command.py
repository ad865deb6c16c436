"""What `hotline alerts list` says of an alert, and what is said of a record whose answer is lost."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from alert_kit import event
from click.testing import CliRunner

import deploy.cli.alerts
from alerts import control_log
from alerts.controls import Controls
from deploy.cli.alerts import command, place_of
from deploy.runtime.settings import Kafka, Settings
from streams.contract.alerts import Acknowledgement, Silence


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "h q"),
        ({"queue": "", "labels": {}}, "h"),
        ({"queue": "", "category": "q", "labels": {"category": "q"}}, "h category=q"),
        ({"queue": "", "labels": {"category": "water", "district": "440305"}}, "h category=water district=440305"),
    ],
)
def test_a_category_called_like_a_queue_is_told_apart_from_it(about, said):
    assert place_of(event(**about)) == said


@pytest.mark.kafka
@pytest.mark.parametrize("arrives", [True, False])
async def test_where_the_answer_is_lost_the_log_is_asked(kafka_bootstrap, topics, monkeypatch, arrives):
    await asyncio.to_thread(topics)
    sent = AIOKafkaProducer.send_and_wait

    async def lost(self, *told, **named):
        if arrives:
            await sent(self, *told, **named)
        raise KafkaTimeoutError

    monkeypatch.setattr(AIOKafkaProducer, "send_and_wait", lost)
    kafka, said = Kafka(bootstrap=kafka_bootstrap), Acknowledgement(fingerprint=uuid4().hex, author="Li", at=1)
    assert await control_log.say(kafka, said) is arrives
    assert (said.fingerprint in (await control_log.load(kafka)).acknowledgements) is arrives


def test_a_list_says_what_an_alert_means_and_how_it_is_called(monkeypatch):
    monkeypatch.setattr(deploy.cli.alerts, "current", lambda: Settings(kafka={"bootstrap": "broker:9092"}))
    monkeypatch.setattr(deploy.cli.alerts, "resolve", lambda told: told)

    async def firing(kafka):
        return [event(), event(fingerprint="f2", summary={"zh": "5 个等待"}), event(fingerprint="f3", summary={})]

    async def load(kafka):
        return Controls()

    monkeypatch.setattr(control_log, "firing", firing)
    monkeypatch.setattr(control_log, "load", load)
    lines = CliRunner().invoke(command, ["list"]).stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["f1", "f2", "f3"]
    assert [line.strip() for line in lines if line.startswith(" ")] == ["5 waiting past 20 s", "5 个等待"]


@pytest.mark.parametrize(
    ("hotline", "at"), [("h", "2026-11-27 13:47 Asia/Shanghai"), ("other", "2026-11-27 05:47 UTC")]
)
def test_a_list_has_the_clock_of_the_hotline_as_its_sentences_have(monkeypatch, hotline, at):
    """They stood side by side: "05:47 UTC" and "since 13:47"."""
    settings = Settings(hotlines={"h": {"time_zone": "Asia/Shanghai"}}, kafka={"bootstrap": "broker:9092"})
    monkeypatch.setattr(deploy.cli.alerts, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.alerts, "resolve", lambda told: told)
    controls, noon = Controls(), 1_795_758_420_000
    controls.take(
        Silence(id="s", matchers={"hotline": hotline}, author="li", reason="x", at=1, ends_at=noon + 3_600_000)
    )

    async def firing(kafka):
        return [event(hotline=hotline, started_at=noon, summary={}, labels={"hotline": hotline})]

    async def load(kafka):
        return controls

    monkeypatch.setattr(control_log, "firing", firing)
    monkeypatch.setattr(control_log, "load", load)
    monkeypatch.setattr(deploy.cli.alerts, "_now", lambda: noon)
    alert, silence = CliRunner().invoke(command, ["list"]).stdout.splitlines()
    until = at.replace("13:47", "14:47").replace("05:47", "06:47")
    assert f"  {at}  " in alert
    assert alert.endswith(f"silenced until {until}")
    assert f"until {until}  hotline={hotline}" in silence


def test_what_is_not_known_to_be_written_is_not_said_to_be_so(monkeypatch):
    settings = Settings(paging="hotline", kafka={"bootstrap": "broker:9092"})
    monkeypatch.setattr(deploy.cli.alerts, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.alerts, "resolve", lambda told: told)
    answers = iter([False, True])

    async def say(kafka, record):
        return next(answers)

    async def firing(kafka):
        return []

    monkeypatch.setattr(control_log, "say", say)
    monkeypatch.setattr(control_log, "firing", firing)
    silence = ["silence", "queue=water", "--for", "2h", "--reason", "works", "--author", "Li"]
    unknown, written = (CliRunner().invoke(command, silence) for _ in range(2))
    assert (unknown.exit_code, unknown.stdout) == (3, "")
    assert "it may have been recorded; `hotline alerts list`" in unknown.stderr
    assert (written.exit_code, written.stdout[:8]) == (0, "silence ")


@pytest.mark.parametrize(
    ("matchers", "code", "said"),
    [
        (["team=water", "queue=w*"], 0, "of what fires now it holds back 2\n"),
        (["queue=watre"], 0, "of what fires now it holds back nothing\n"),
        (["foo=bar"], 2, "hotline alerts: no alert has a label foo: there are alertname, severity, feed, hotline, "),
        (["queue=water", "que=water"], 2, "hotline alerts: no alert has a label que: "),
        (["signal=queue_silence"], 2, "hotline alerts: no alert has a label signal: "),
    ],
)
def test_a_silence_is_by_labels_that_alerts_have(monkeypatch, tmp_path, matchers, code, said):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{name: Quiet, signal: queue_silence, labels: {team: water}}]")
    settings = Settings(paging="hotline", kafka={"bootstrap": "broker:9092"}, alerts={"rules": rules})
    monkeypatch.setattr(deploy.cli.alerts, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.alerts, "resolve", lambda told: told)
    recorded = []

    async def say(kafka, record):
        recorded.append(record.matchers)
        return True

    async def firing(kafka):
        return [event(labels={"team": team, "queue": "water"}) for team in ("water", "water", "roads")]

    monkeypatch.setattr(control_log, "say", say)
    monkeypatch.setattr(control_log, "firing", firing)
    done = CliRunner().invoke(command, ["silence", *matchers, "--for", "2h", "--reason", "works", "--author", "Li"])
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert recorded == ([dict(text.split("=") for text in matchers)] if code == 0 else [])
    assert code == 0 or done.output.endswith("source, team\n")


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        (["ack", "3f2a"], 0, "3f2a91: taken on by li"),
        (["ack", "3f2a91"], 0, "3f2a91: taken on by li"),
        (["ack", "3f"], 2, "2 alerts that fire begin with 3f: write more of it (3f2a91, 3fff00)"),
        (["ack", "7"], 2, "no alert 7 fires; `hotline alerts list` shows those that do"),
        (["feedback", "3f2a", "noise"], 0, ": noise"),
        (["feedback", "3f", "noise"], 2, "2 alerts begin with 3f: write more of it (3f2a91, 3fff00)"),
        (["feedback", "7", "noise"], 2, "no alert 7 has fired in the last 30 days"),
        (["unsilence", "a1"], 0, "silence a1b2 has ended"),
        (["unsilence", "a"], 2, "2 silences begin with a: write more of it (a1b2, a3b4)"),
        (["unsilence", "7"], 2, "no silence 7 holds; `hotline alerts list` shows those that do"),
    ],
)
def test_the_beginning_of_a_name_will_do_where_there_is_one_that_begins_so(monkeypatch, told, code, said):
    settings = Settings(paging="hotline", kafka={"bootstrap": "broker:9092"})
    monkeypatch.setattr(deploy.cli.alerts, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.alerts, "resolve", lambda told: told)
    recorded = []

    async def firing(kafka):
        return [event(fingerprint="3f2a91"), event(fingerprint="3fff00")]

    async def last_episodes(kafka):
        return {found.fingerprint: found for found in await firing(kafka)}

    async def load(kafka):
        controls = Controls()
        for name in ("a1b2", "a3b4"):
            controls.take(Silence(id=name, matchers={}, author="li", reason="works", at=1, ends_at=9_999_999_999_999))
        return controls

    async def say(kafka, record):
        recorded.append(record.id if isinstance(record, Silence) else record.fingerprint)
        return True

    monkeypatch.setattr(control_log, "firing", firing)
    monkeypatch.setattr(control_log, "last_episodes", last_episodes)
    monkeypatch.setattr(control_log, "load", load)
    monkeypatch.setattr(control_log, "say", say)
    done = CliRunner().invoke(command, [*told, *([] if told[0] == "unsilence" else ["--author", "li"])])
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert recorded == (["a1b2" if told[0] == "unsilence" else "3f2a91"] if code == 0 else [])
