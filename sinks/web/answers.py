"""How answers leave: JSON, a refusal with its reason, a table as CSV."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from sinks.web.tables import flat, to_csv


def json_response(body: bytes, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        body=body, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def error_response(status: HTTPStatus, text: str) -> web.Response:
    return json_response(orjson.dumps({"error": text}), status)


def csv_response(rows: Sequence[Mapping[str, Any]], table: str) -> web.Response:
    flattened = [flat(row) for row in rows]
    return web.Response(
        text=to_csv(flattened, list(dict.fromkeys(name for row in flattened for name in row))),
        content_type="text/csv",
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{table}.csv"'},
    )
