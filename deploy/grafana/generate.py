"""Write Grafana's dashboards from Python: `python -m deploy.grafana.generate`.

The JSON is checked in, in both languages, so that Grafana is provisioned from a plain clone; a test compares it with
what this writes. Where the wallboard has another address: `python -m deploy.grafana.generate --wallboard URL --into DIR`.
"""

from pathlib import Path

import click
import orjson

from deploy.grafana.agents import agents
from deploy.grafana.alert_history import alert_history
from deploy.grafana.demand import demand
from deploy.grafana.frame import WALLBOARD_URL
from deploy.grafana.health import health
from deploy.grafana.one_hotline import one_hotline
from deploy.grafana.one_queue import one_queue
from deploy.grafana.overview import overview
from deploy.grafana.parts import Json
from deploy.grafana.promise import promise
from deploy.grafana.quality import quality
from deploy.grafana.wallboard import wallboard
from deploy.grafana.words import LANGUAGES, Language, spoken

DIRECTORY = Path(__file__).parent / "dashboards"
BOARDS = (overview, wallboard, one_hotline, one_queue, promise, demand, agents, alert_history, quality, health)


def dashboards(language: Language = "en") -> dict[str, Json]:
    """File name -> dashboard."""
    return {f"{board['uid']}.json": board for board in (spoken(make(), language) for make in BOARDS)}


def rendered(board: Json) -> bytes:
    return orjson.dumps(board, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@click.command()
@click.option("--wallboard", default=WALLBOARD_URL, show_default=True, help="Where people reach the wallboard.")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), default=DIRECTORY, help="A folder per language."
)
def main(wallboard: str, into: Path) -> None:
    """Write every dashboard in every language."""
    for language in LANGUAGES:
        folder = into / language
        folder.mkdir(parents=True, exist_ok=True)
        for name, board in dashboards(language).items():
            text = rendered(board).replace(orjson.dumps(WALLBOARD_URL), orjson.dumps(wallboard))
            (folder / name).write_bytes(text)
            click.echo(folder / name)


if __name__ == "__main__":
    main()
