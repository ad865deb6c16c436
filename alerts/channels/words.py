"""The words of a message to people: one heading, one line per alert, the same in every channel."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from alerts.channels import Notice
from alerts.channels.content import Writer, moment
from alerts.rules import SEVERITIES
from streams.contract import AlertEvent

Language = Literal["en", "zh"]
MOST_LINES = 20

_WORDS = {
    "en": {
        "firing": "FIRING",
        "resolved": "RESOLVED",
        "info": "info",
        "warning": "warning",
        "critical": "CRITICAL",
        "more": "… and {n} more",
        "due": "due by {at}",
        "acknowledge": "Acknowledge",
        "useful": "Useful",
        "noise": "Noise",
        "board": "Wallboard",
        "runbook": "What to do",
    },
    "zh": {
        "firing": "告警",
        "resolved": "已恢复",
        "info": "提示",
        "warning": "警告",
        "critical": "严重",
        "more": "……另有 {n} 条",
        "due": "请在 {at} 前处理",
        "acknowledge": "确认",
        "useful": "有用",
        "noise": "误报",
        "board": "大屏",
        "runbook": "处置手册",
    },
}


class Words(NamedTuple):
    """`lines`: (sentence, link to the runbook or "") per alert, the gravest first; `more`: a line for the rest;
    `answers`: (words, link) by which the receiver answers. `episodes`: those that fire.
    """

    heading: str
    lines: tuple[tuple[str, str], ...]
    more: str
    runbook: str
    board: str
    severity: str
    firing: bool
    language: Language
    answers: tuple[tuple[str, str], ...] = ()
    episodes: tuple[str, ...] = ()

    def buttons(self) -> list[tuple[str, str]]:
        """(answer, words)"""
        return [(answer, _WORDS[self.language][answer]) for answer in ("acknowledge", "useful", "noise")]

    def plain(self) -> str:
        """Text without any markup."""
        lines = [f"{text} {link}".rstrip() for text, link in self.lines]
        return "\n".join([self.heading, *lines, *([self.more] if self.more else [])])


def words(notices: Sequence[Notice], writer: Writer, language: Language, *, target: str = "", now: int = 0) -> Words:
    """What a message about these alerts says; `target` is `receiver/channel`, `now` (ms) is when links are made."""
    said = _WORDS[language]
    due = {notice.event.episode: notice.due_at for notice in notices}
    ordered = sorted((notice.event for notice in notices), key=_gravity)
    firing = [event for event in ordered if event.state == "firing"]
    worst = ordered[0].severity
    counts = [f"{said[state]} {n}" for state in ("firing", "resolved") if (n := _count(ordered, state))]
    places = sorted(
        {" ".join(part for part in (event.hotline, event.queue or event.category) if part) for event in ordered}
    )
    where = ", ".join(places[:3]) + (" …" if len(places) > 3 else "")
    heading = _one_line(f"[{' · '.join(counts)}] {said[worst]}: {where}")
    lines = tuple(
        (_line(event, writer, language, due[event.episode]), _runbook(event, writer)) for event in ordered[:MOST_LINES]
    )
    answers = tuple((said[answer], link) for answer, link in writer.answers(ordered, target.partition("/")[0], now))
    rest = len(ordered) - MOST_LINES
    more = said["more"].format(n=rest) if rest > 0 else ""
    severity = worst if firing else "resolved"
    return Words(
        heading,
        lines,
        more,
        said["runbook"],
        said["board"],
        severity,
        bool(firing),
        language,
        answers,
        tuple(e.episode for e in firing),
    )


def _gravity(event: AlertEvent) -> tuple[bool, int, int]:
    return event.state != "firing", -SEVERITIES.index(event.severity), event.started_at


def _count(events: Sequence[AlertEvent], state: str) -> int:
    return sum(event.state == state for event in events)


def _line(event: AlertEvent, writer: Writer, language: Language, due_at: int) -> str:
    said = _WORDS[language]
    state = said["resolved"] if event.state == "resolved" else said[event.severity]
    due = ""
    if due_at and event.state == "firing":
        at = moment(due_at).astimezone(writer.zone(event.hotline))
        due = f" ({said['due'].format(at=f'{at:%m-%d %H:%M}')})"
    return _one_line(f"{state} {event.rule}: {sentence(event, writer, language)}{due}")


def _one_line(text: str) -> str:
    """A queue's name may hold ends of lines, which a mail's subject must not."""
    return " ".join(text.split())


def sentence(event: AlertEvent, writer: Writer, language: Language) -> str:
    """The alert's sentence in a language, else in English, else whatever there is."""
    return event.summary.get(language) or writer.annotations(event)["summary"]


def _runbook(event: AlertEvent, writer: Writer) -> str:
    return writer.annotations(event).get("runbook", "")


def cut(text: str, most_bytes: int) -> str:
    """The text, ended with an ellipsis where its UTF-8 form would be longer."""
    data = text.encode()
    if len(data) <= most_bytes:
        return text
    return data[: most_bytes - 3].decode(errors="ignore") + "…"


def markdown(said: Words, board: str, most_bytes: int) -> str:
    """As WeCom and DingTalk show it: a line per alert, links behind; too long a text loses lines, not links."""
    lines = [f"- {escaped(text)}" + (f" [{said.runbook}]({link})" if link else "") for text, link in said.lines]
    rest = [escaped(said.more)] if said.more else []
    links = "\n\n" + " · ".join(f"[{text}]({link})" for text, link in (*said.answers, (said.board, board)))
    body = "\n".join([f"**{escaped(said.heading)}**", "", *lines, *rest])
    return cut(body, most_bytes - len(links.encode())) + links


def escaped(text: str) -> str:
    """Without the marks that would make a queue's name a link or a heading."""
    return "".join(f"\\{char}" if char in "*_`[]<>#\\" else char for char in text)
