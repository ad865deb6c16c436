"""The OpenAPI document: what it says is what the server does; and the headers that every answer carries."""

from contextlib import suppress
from typing import Any

import city
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.web.board import Board
from sinks.web.calls import read_page
from sinks.web.openapi import document
from sinks.web.summary import BadRequestError, choose, parse

DOCUMENT = document()
PATHS = DOCUMENT["paths"]


def schema_of(path: str, code: str = "200") -> dict[str, Any]:
    content = PATHS[path]["get"]["responses"][code]["content"]
    return content["application/json"]["schema"] | {"components": DOCUMENT["components"]}


async def test_it_names_exactly_the_routes_there_are(site, http) -> None:
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in site.site.application().router.routes()
        if route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    assert routes == {(path, method) for path, methods in PATHS.items() for method in methods}
    assert await (await http.get("/api/v1/openapi.json")).json() == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [r for value in node.values() for r in references(value)]
        return [r for value in node for r in references(value)] if isinstance(node, list) else []

    names = {reference.rpartition("/")[2] for reference in references(DOCUMENT)}
    assert names == set(DOCUMENT["components"]["schemas"])
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v1/summary", "", "200"),
        ("/api/v1/summary", "?queue=utilities&threshold_s=20", "200"),
        ("/api/v1/summary", "?queue=nobody", "200"),
        ("/api/v1/summary", "?threshold_s=121", "400"),
        ("/api/v1/summary", "?from=1999-01-01", "503"),
        ("/api/v1/rolling", "", "200"),
        ("/api/v1/rolling", "?window=60m&queue=housing", "200"),
        ("/api/v1/rolling", "?window=1h", "400"),
        ("/api/v1/answer_rate_24h", "", "503"),
        ("/api/v1/last_week", "", "503"),
        ("/api/v1/estimated_wait", "", "400"),
        ("/api/v1/estimated_wait", "?queue=housing", "503"),
        ("/api/v1/calls", "", "400"),
        ("/api/v1/calls", "?metric=offered", "503"),
        ("/api/v1/call", "", "400"),
        ("/api/v1/call", "?call=c1", "503"),
        ("/api/v1/breakdown", "", "200"),
        ("/api/v1/breakdown", "?by=district_3&window=today", "200"),
        ("/api/v1/breakdown", "?by=planet", "400"),
        ("/api/v1/day", "?queue=utilities", "200"),
        ("/api/v1/alerts", "", "200"),
        ("/api/v1/events", "", "200"),
        ("/api/v1/map", "", "200"),
        ("/api/v1/board", "", "200"),
    ],
)
async def test_answers_are_as_the_document_says(site, http, path, query, code) -> None:
    site.reader.known_from = 0
    response = await http.get(path + query)
    assert str(response.status) == code
    jsonschema.validate(await response.json(), schema_of(path, code))


@pytest.mark.parametrize(
    "path", [path for path in PATHS if "get" in PATHS[path] and "400" in PATHS[path]["get"]["responses"]]
)
async def test_what_is_not_in_the_document_is_refused(site, http, path) -> None:
    assert (await http.get(f"{path}?surprise=1")).status == 400
    assert (await http.get(f"{path}?format=xml")).status == 400
    assert (await http.delete(path)).status == 405


_texts = st.one_of(
    st.text(max_size=30), st.sampled_from(["live", "12345", "5m", "offered", "2026-03-10", "'; --", "-1", "9" * 30])
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(
            ["feed", "hotline", "queue", "from", "to", "threshold_s", "window", "metric", "limit", "offset", "x"]
        ),
        _texts,
    )
)
def test_any_query_string_is_read_or_refused_with_a_reason(asked) -> None:
    board, told = Board("live"), city.demo_settings()
    for read in (
        lambda: parse(asked, board, told, city.MORNING),
        lambda: choose(asked, board, told),
        lambda: read_page(asked, board, told, city.MORNING, as_file=False),
    ):
        with suppress(BadRequestError):
            read()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/static/main.js",
        "/static/../server.py",
        "/nothing",
        "/api/v1/board",
        "/api/v1/summary?x=1",
        "/healthz",
        "/api/v1/alerts/silence",
    ],
)
async def test_every_answer_carries_the_security_headers(site, http, path) -> None:
    response = await http.get(path)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]


async def test_the_page_has_no_inline_script_or_style(site, http) -> None:
    page = await (await http.get("/")).text()
    assert "style=" not in page
    assert "<style" not in page
    assert " onclick" not in page
    assert all(' src="/static/' in part.split(">", 1)[0] for part in page.split("<script")[1:])
    assert (await http.get("/", headers={"Host": "evil.example"})).headers["X-Frame-Options"] == "DENY"
