"""Write Grafana's dashboards from Python: `python -m deploy.grafana.generate`.

The JSON is checked in, so that Grafana is provisioned from a plain clone; a test compares it with what this writes.
"""

import sys
from pathlib import Path

import orjson

from deploy.grafana.overview import overview
from deploy.grafana.parts import Json

DIRECTORY = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, Json]:
    """File name -> dashboard."""
    return {f"{board['uid']}.json": board for board in (overview(),)}


def rendered(board: Json) -> bytes:
    return orjson.dumps(board, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    for name, board in dashboards().items():
        (DIRECTORY / name).write_bytes(rendered(board))
        sys.stdout.write(f"{DIRECTORY / name}\n")


if __name__ == "__main__":
    main()
