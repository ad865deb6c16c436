"""The rules that hold now, read again whenever their file changes; a file that cannot be used changes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from alerts import metrics
from alerts.rules import Rule
from alerts.rules_file import RulesError, load_rules

LOOK_EVERY_S = 1.0

log = structlog.get_logger()


class RuleBook:
    """`rules` in the file's order, `by_name` the same by name (one dict, kept up to date).

    Raises RulesError if the file cannot be used at the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._text = _text(path)
        self.rules: Sequence[Rule] = load_rules(path)
        self.by_name = {rule.name: rule for rule in self.rules}
        self.problem = ""
        self._show()

    def reread(self) -> bool:
        """Read the file again if it has changed; True if other rules hold from now on."""
        text = _text(self._path)
        if text == self._text:
            return False
        self._text = text
        try:
            rules = load_rules(self._path)
        except RulesError as error:
            self.problem = str(error)
            log.warning("the changed rules cannot be used, the earlier ones stay in force", problem=self.problem)
            self._show()
            return False
        self.problem = ""
        self.rules = rules
        self.by_name.clear()
        self.by_name.update({rule.name: rule for rule in rules})
        log.info("rules read again", rules=len(rules))
        self._show()
        return True

    def _show(self) -> None:
        metrics.RULES.set(len(self.rules))
        metrics.RULES_PROBLEM.clear()
        if self.problem:
            metrics.RULES_PROBLEM.labels(self.problem.splitlines()[0]).set(1)


async def watch_rules(book: RuleBook, adopt: Callable[[Sequence[Rule]], None]) -> None:
    """Look at the file every second, for good; `adopt` takes other rules into use."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if await asyncio.to_thread(book.reread):
            adopt(book.rules)


def _text(path: Path | None) -> bytes | None:
    """What the file holds; None if it cannot be read (which `load_rules` then explains)."""
    if path is None:
        return b""
    try:
        return path.read_bytes()
    except OSError:
        return None
