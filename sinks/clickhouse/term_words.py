"""The words that terms are made with: those that come with Hotline, and a site's own two files."""

from importlib.resources import files
from pathlib import Path

from deploy.runtime.settings import SettingsError, TermWords
from sinks.clickhouse.terms import Terms


def terms_by(its: TermWords) -> Terms:
    """Raises SettingsError for a file that cannot be read."""
    own = [] if its.dictionary is None else _read(its.dictionary, "terms.dictionary")
    stop = [] if its.stop_words is None else _read(its.stop_words, "terms.stop_words")
    return Terms(own, [*_built_in("stop_words.txt"), *stop], _built_in("no_names.txt"))


def _built_in(name: str) -> list[str]:
    return _words(files("sinks.clickhouse").joinpath(name).read_text(encoding="utf-8"))


def _read(path: Path, setting: str) -> list[str]:
    try:
        return _words(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{setting}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{setting}: {path} is not UTF-8: {error.reason} at byte {error.start}") from error


def _words(text: str) -> list[str]:
    """One word or phrase a line; what follows `#` is a remark."""
    return [word for line in text.splitlines() if (word := " ".join(line.partition("#")[0].split()))]
