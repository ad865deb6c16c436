"""What the report of a backtest says in sentences, escaped for HTML."""

from collections.abc import Iterator
from html import escape
from statistics import median

from deploy.backtest.against import Verdict, rate_range, share_range
from deploy.backtest.days import Days
from deploy.backtest.learning import ENOUGH_DAYS
from deploy.backtest.plots import counted
from deploy.backtest.trial import Backtest, Trial
from deploy.backtest.words import WORDS, kind_in_words
from sinks.report.words import Language


class Said:
    """The sentences in one language."""

    def __init__(self, tested: Backtest, language: Language) -> None:
        self._tested, self._language = tested, language
        self._words = WORDS[language]
        self._shown = tested.shown
        self._days = Days(tested.zone)
        self.span = self._days.span(tested.start, tested.end)

    def say(self, key: str, **values: object) -> str:
        return escape(self._words[key].format(**values))

    def tried(self) -> str:
        tested, trials = self._tested, self._tested.trials
        if tested.rule:
            what = self._words["rule"].format(rule=", ".join(tested.what))
        else:
            what = ("、" if self._language == "zh" else ", ").join(
                kind_in_words(it, self._language) for it in tested.what
            )
        values = self._words["unset"]
        if tested.setting and len(trials) > 1:
            ends = {"first": f"{trials[0].value:g}", "last": f"{trials[-1].value:g}"}
            values = self._words["values"].format(n=len(trials), setting=tested.setting, **ends)
        elif tested.setting:
            values = self._words["value"].format(setting=tested.setting, value=f"{trials[0].value:g}")
        return self.say("tried", what=what, values=values, span=self.span, zone=tested.zone.key, learned=tested.learned)

    def source(self) -> str:
        known = self._words["unknown"]
        if self._tested.labels is not None:
            known = self._words["known"].format(n=self._shown.verdict.of)
        keys = self._shown.trace.keys if self._shown.trace else 0
        return self.say("source", source=self._tested.source, keys=keys, incidents=known)

    def verdict(self) -> str:
        """What was found, what was false, and whether that is allowed."""
        verdict = self._shown.verdict
        return f"{self._found(verdict)} {self._noisy(verdict)} {self._keeps(verdict)}"

    def _found(self, verdict: Verdict) -> str:
        if self._tested.labels is None or verdict.delays is None:
            return ""
        if not verdict.of:
            return self.say("no_incidents")
        delay = ""
        if verdict.delays:
            delay = self._words["delay"].format(
                median=f"{median(verdict.delays):.0f}", tenth=f"{verdict.nine_in_ten:.0f}"
            )
        low, high = share_range(len(verdict.delays), verdict.of)
        return self.say(
            "found", found=len(verdict.delays), of=verdict.of, low=f"{low:.0%}", high=f"{high:.0%}", delay=delay
        )

    def _noisy(self, verdict: Verdict) -> str:
        count = counted(self._shown)
        low, high = rate_range(count, verdict.weeks)
        told = {
            "weeks": f"{verdict.weeks:.1f}",
            "rate": f"{verdict.rate:.2f}",
            "low": f"{low:.2f}",
            "high": f"{high:.2f}",
        }
        return self.say("alarms" if verdict.false is None else "false", n=count, **told)

    def _keeps(self, verdict: Verdict) -> str:
        if self._tested.allowed is None or verdict.false is None:
            return ""
        return self.say("kept" if verdict.rate <= self._tested.allowed else "over", allowed=f"{self._tested.allowed:g}")

    def suggestion(self) -> str:
        tested, value = self._tested, self._tested.suggested
        if tested.allowed is None or not tested.setting or len(tested.trials) < 2:
            return ""
        told = {"setting": tested.setting, "present": f"{tested.present:g}", "allowed": f"{tested.allowed:g}"}
        if value is None:
            return self.say("none", **told)
        if value == tested.present:
            return self.say("stays", **told)
        [trial] = [it for it in tested.trials if it.value == value]
        rate = f"{trial.verdict.rate:.2f}"
        brings = self._words["brings_alarms"].format(rate=rate)
        if trial.verdict.delays is not None:
            brings = self._words["brings"].format(found=len(trial.verdict.delays), of=trial.verdict.of, rate=rate)
        return f"{self.say('suggest', value=f'{value:g}', brings=brings, **told)} {self._cheaper(trial)}"

    def _cheaper(self, trial: Trial) -> str:
        """That a stricter value finds as many incidents with fewer false alarms, where one does."""
        found = trial.verdict.delays
        if not found:
            return ""
        as_many = (it for it in self._tested.trials if it.verdict.delays and len(it.verdict.delays) >= len(found))
        first = next(as_many)
        if first.verdict.rate >= trial.verdict.rate:
            return ""
        return self.say("cheaper", value=f"{first.value:g}", rate=f"{first.verdict.rate:.2f}")

    def warnings(self) -> Iterator[str]:
        """What keeps the figures from saying much: how it was learned, days of which nothing is stored, time in which
        nothing was judged.
        """
        yield from map(escape, learned_badly(self._shown, self._language))
        if self._shown.trace is None:
            return
        steps = list(self._shown.trace.coarse.between(self._tested.start, self._tested.end))
        days = [self._days.day(at) for at, _ in self._days.each(self._tested.start, self._tested.end)]
        called = {self._days.day(it.at) for it in steps if it.calls}
        silent = [f"{day:%m-%d}" for day in days if day not in called]
        if silent:
            some = ", ".join(silent[:10]) + (f" (+{len(silent) - 10})" if len(silent) > 10 else "")
            yield self.say("silent_days", n=len(silent), days=some)
        judged = [it.expected is not None for it in steps if it.calls]
        expects = any(judged) and self._shown.trace.expects
        if expects and not all(judged):
            yield self.say("unjudged", share=f"{1 - sum(judged) / len(judged):.0%}")

    def definitions(self) -> str:
        told = self.say("definitions")
        return told if self._tested.labels is None else f"{self.say('of_incidents')} {told}"


def learned_badly(trial: Trial, language: Language) -> Iterator[str]:
    """That a trial learned from few days or from odd ones, and what to do. Plain text."""
    learning, words = trial.learning, WORDS[language]
    if learning is None:
        return
    if learning.short:
        yield words["learned_short"].format(days=learning.days, enough=ENOUGH_DAYS)
    if learning.departed(trial.value):
        yield words["learned_odd"].format(days=learning.days, odd=learning.odd)
