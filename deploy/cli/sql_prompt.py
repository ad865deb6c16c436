r"""`hotline sql` at a terminal: queries over several lines, completion with what each word means, history, `\d`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from deploy.cli.clickhouse import FORMATS
from deploy.cli.sql_words import COMMANDS, Catalogue, described, suggestions
from sinks.clickhouse.saved_queries import QueryError, SavedQuery

GREETING = "End a query with ';'. Tab completes, \\d lists the views, \\l the saved queries, \\? the rest.\n"
_LONGEST_MEANING = 70


class _Words(Completer):
    def __init__(self, catalogue: Catalogue, saved: Mapping[str, SavedQuery], language: str) -> None:
        self._catalogue, self._saved, self._language = catalogue, saved, language

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        del complete_event
        before = document.text_before_cursor
        for found in suggestions(before, document.text, self._catalogue, self._saved, self._language):
            yield Completion(found.word, -found.replaces, display_meta=found.meaning[:_LONGEST_MEANING])


def _keys() -> KeyBindings:
    """Enter sends what is whole: a command, or a query that ends with `;`; else it begins another line."""
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        text = buffer.text.strip()
        if not text or text.startswith("\\") or text.endswith(";"):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


def history(directory: Path) -> History:
    """What was asked before, kept in the data directory for its owner alone; only in memory where there is none."""
    if not directory.is_dir():
        return InMemoryHistory()
    path = directory / "sql-history"
    with suppress(OSError):
        path.touch(mode=0o600)
        return FileHistory(str(path))
    return InMemoryHistory()


class Prompt:
    """`ask(query, form)` shows an answer, `run(name, parameters, form)` that of a saved query; both say what is wrong."""

    def __init__(
        self,
        catalogue: Catalogue,
        saved: Mapping[str, SavedQuery],
        ask: Callable[[str, str], None],
        run: Callable[[str, tuple[str, ...], str], None],
        *,
        form: str,
        language: str = "en",
        kept: History | None = None,
    ) -> None:
        self._catalogue, self._saved, self._ask, self._run = catalogue, saved, ask, run
        self._form = form
        self._session: PromptSession[str] = PromptSession(
            "hotline> ",
            completer=_Words(catalogue, saved, language),
            complete_while_typing=True,
            multiline=True,
            prompt_continuation="     -> ",
            key_bindings=_keys(),
            history=kept or InMemoryHistory(),
        )

    def loop(self, listing: Callable[[], None], show: Callable[[SavedQuery], None]) -> None:
        r"""Until `\q` or end of input; `listing` and `show` write what there is of saved queries."""
        click.echo(GREETING)
        while True:
            try:
                text = self._session.prompt().strip()
            except EOFError:
                return
            except KeyboardInterrupt:
                continue
            if text == "\\q":
                return
            with suppress(click.exceptions.Exit):  # said already; the next query is another matter
                try:
                    self._do(text, listing, show)
                except (LookupError, QueryError, click.UsageError) as error:
                    click.echo(error.message if isinstance(error, click.UsageError) else str(error.args[0]), err=True)

    def _do(self, text: str, listing: Callable[[], None], show: Callable[[SavedQuery], None]) -> None:
        if not text.startswith("\\"):
            if text.rstrip("; \n"):
                self._ask(text, self._form)
            return
        command, *rest = text.rstrip(";").split()
        match command, rest:
            case "\\d", ([] | [_]):
                click.echo(described(self._catalogue, "".join(rest)), nl=False)
            case "\\l", []:
                listing()
            case "\\s", [name] if name in self._saved:
                show(self._saved[name])
            case "\\r", [name, *parameters]:
                self._run(name, tuple(parameters), self._form)
            case "\\f", [form] if form in FORMATS:
                self._form = form
            case _:
                click.echo("\n".join(f"{name:4} {meaning}" for name, meaning in COMMANDS.items()))
