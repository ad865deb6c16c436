"""The rules that hold now, read again whenever their file changes; a file that cannot be used changes nothing."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from alerts import metrics
from alerts.rules import Rule
from alerts.rules_file import RulesError, load_rules
from deploy.runtime.watched_file import WatchedFile

log = structlog.get_logger()


class RuleBook:
    """`rules` in the file's order, `by_name` the same by name (one dict, kept up to date).

    Raises RulesError if the file cannot be used at the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = WatchedFile(path) if path else None
        self.rules: Sequence[Rule] = load_rules(path)
        self.by_name = {rule.name: rule for rule in self.rules}
        self.problem = ""
        self._show()

    def reread(self) -> bool:
        """Read the file again if it has changed; True if other rules hold from now on."""
        if self._file is None or not self._file.changed():
            return False
        self.problem = f"{self._path}: an error in Hotline while the file was read, the log has it"  # unless it was not
        try:
            rules = load_rules(self._path)
            self.problem = ""
        except RulesError as error:
            self.problem = str(error)
            log.warning("the changed rules cannot be used, the earlier ones stay in force", problem=self.problem)
            return False
        finally:
            self._show()
        self.rules = rules
        by_name = {rule.name: rule for rule in rules}
        self.by_name.update(by_name)
        for gone in self.by_name.keys() - by_name.keys():  # never empty: this is a thread, and channels look names up
            del self.by_name[gone]
        log.info("rules read again", rules=len(rules))
        self._show()
        return True

    def _show(self) -> None:
        metrics.RULES.set(len(self.rules))
        metrics.RULES_PROBLEM.clear()
        if self.problem:
            metrics.RULES_PROBLEM.labels(self.problem.splitlines()[0]).set(1)
