"""The worked examples of SQL, run over the story: `python tests/sinks/examples.py` writes the answers into their page."""

import contextlib
import io
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

sys.path.append(str(Path(__file__).parents[1] / "core"))  # where it is run by itself

import story

import deploy.cli.clickhouse
import deploy.cli.sql
from deploy.cli.clickhouse import ask
from deploy.cli.main import cli
from deploy.embedded.child import free_port
from deploy.embedded.clickhouse import ClickHouseServer

PAGE = Path(__file__).parents[2] / "sinks/clickhouse/worked_examples.md"
EXAMPLE = re.compile(r"```(?P<language>sql|sh|python)\n(?P<code>.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)


def answer(told: story.Told, language: str, code: str) -> str:
    """What an example prints."""
    if language == "sql":
        return ask(told.client, code, "table")
    if language == "sh":
        done = CliRunner().invoke(cli, shlex.split(code)[1:])
        assert done.exit_code == 0, done.output
        return done.output
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, PAGE, "exec"), {"client": told.client})
    return printed.getvalue()


def answered(told: story.Told, text: str) -> str:
    """The page with the answers of now."""

    def fill(found: re.Match[str]) -> str:
        lines = [line.rstrip() for line in answer(told, found["language"], found["code"]).splitlines()]
        return f"```{found['language']}\n{found['code']}```\n\n```text\n" + "\n".join(lines) + "\n```\n"

    with as_settings(told):
        return EXAMPLE.sub(fill, text)


@contextlib.contextmanager
def as_settings(told: story.Told) -> Iterator[None]:
    """The commands use the story's database."""
    with contextlib.ExitStack() as patched:
        for module in (deploy.cli.clickhouse, deploy.cli.sql):
            patched.enter_context(mock.patch.object(module, "current", return_value=told.settings))
        patched.enter_context(mock.patch.object(deploy.cli.clickhouse, "resolve", lambda found, **_: found))
        yield


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        server = ClickHouseServer(Path(directory) / "clickhouse", port=free_port())
        server.start()
        try:
            for told in story.tell(server.url):
                PAGE.write_text(answered(told, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
