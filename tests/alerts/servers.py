"""Local stand-ins for the services: each refuses what its documentation does not allow, and answers by a script."""

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import datetime

import orjson
from aiohttp import web

LABEL = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*$")
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


class Script:
    """The answers to come, in turn: a status, "hang", "close", or (status, headers, body); empty: the usual one."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.problems = []

    async def answer(self, request, usual):
        answer = self.answers.pop(0) if self.answers else None
        match answer:
            case None:
                return usual()
            case "hang":
                await asyncio.sleep(60)
            case "close":
                request.transport.abort()
            case int():
                return web.Response(status=answer, text="secret of the service")
            case (status, headers, body):
                return web.Response(status=status, headers=headers, text=body)
        return web.Response(status=500)

    def check(self, ok, problem):
        if not ok:
            self.problems.append(problem)


@asynccontextmanager
async def serving(*routes):
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


def is_time(text):
    return isinstance(text, str) and bool(RFC3339.match(text)) and datetime.fromisoformat(text)


class Webhook(Script):
    """Takes Alertmanager's webhook payload, version 4. `feed`: whose payloads are looked at; None: everybody's."""

    def __init__(self, *answers, token="open sesame"):
        super().__init__(*answers)
        self.token = token
        self.feed = None
        self.bodies = []

    async def post(self, request):
        self.bodies.append(await request.read())
        body = orjson.loads(self.bodies[-1])
        self.requests.append((request.headers.copy(), body))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if self.feed in {None, body["commonLabels"].get("feed")}:
            self._check(body)
        return await self.answer(request, lambda: web.Response(text="ok"))

    def _check(self, body):
        top = {
            "version": str,
            "groupKey": str,
            "truncatedAlerts": int,
            "status": str,
            "receiver": str,
            "groupLabels": dict,
            "commonLabels": dict,
            "commonAnnotations": dict,
            "externalURL": str,
            "alerts": list,
        }
        self.check(body.keys() == top.keys(), f"keys {sorted(body)}")
        self.check(all(isinstance(body[name], kind) for name, kind in top.items()), "types")
        self.check(body["version"] == "4", "version")
        self.check(body["status"] in {"firing", "resolved"}, "status")
        for alert in body["alerts"]:
            names = {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
            self.check(alert.keys() == names, f"keys of an alert {sorted(alert)}")
            self.check(is_time(alert["startsAt"]) and is_time(alert["endsAt"]), "times")
            self.check((alert["endsAt"][:4] == "0001") == (alert["status"] == "firing"), "endsAt of a firing alert")
            self.check(re.fullmatch(r"[0-9a-f]{16}|f\d", alert["fingerprint"]), "fingerprint")

    def routes(self):
        return [web.post("/hook", self.post)]


class Alertmanager(Script):
    """Takes POST /api/v2/alerts as the OpenAPI file says: 200 without a body, 400 with a text."""

    async def post(self, request):
        body = orjson.loads(await request.read())
        self.requests.append((request.headers.copy(), body))
        problem = self._problem(body)
        if problem:
            return web.json_response(problem, status=400)
        return await self.answer(request, lambda: web.Response(status=200))

    def _problem(self, body):
        if not isinstance(body, list):
            return "no list"
        return next((problem for alert in body for problem in self._problems_of(alert)), "")

    def _problems_of(self, alert):
        if alert.keys() - {"startsAt", "endsAt", "annotations", "labels", "generatorURL"}:
            yield "unknown field"
        if not alert.get("labels") or not all(LABEL.match(name) for name in alert["labels"]):
            yield "invalid label set"
        if not all(isinstance(text, str) for kind in ("labels", "annotations") for text in alert[kind].values()):
            yield "labels and annotations are texts"
        if not (is_time(alert["startsAt"]) and is_time(alert["endsAt"])):
            yield "time"
        if datetime.fromisoformat(alert["endsAt"]) < datetime.fromisoformat(alert["startsAt"]):
            yield "start time must be before end time"

    def routes(self):
        return [web.post("/prefix/api/v2/alerts", self.post)]


class Grafana(Script):
    """Keeps annotations as Grafana's HTTP API does: find by tags, create, patch."""

    def __init__(self, *answers, dashboards=("hotline-overview",), token="glsa_1"):
        super().__init__(*answers)
        self.dashboards = dashboards
        self.token = token
        self.annotations = {}

    async def handle(self, request):
        body = orjson.loads(await request.read()) if request.can_read_body else None
        self.requests.append((request.method, request.path_qs, body))
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        return await self.answer(request, lambda: getattr(self, request.method.lower())(request, body))

    def get(self, request, body):
        tags = set(request.query.getall("tags", []))
        found = [{"id": n, **a} for n, a in self.annotations.items() if tags <= set(a["tags"])]
        return web.json_response(found[: int(request.query.get("limit", 100))])

    def post(self, request, body):
        if body.keys() - {"dashboardUID", "panelId", "time", "timeEnd", "tags", "text"} or not body.get("text"):
            return web.json_response({"message": "bad request data"}, status=400)
        if "dashboardUID" in body and body["dashboardUID"] not in self.dashboards:
            return web.json_response({"message": "Dashboard not found"}, status=404)
        number = len(self.annotations) + 1
        self.annotations[number] = body | {"timeEnd": body.get("timeEnd") or body["time"]}
        return web.json_response({"message": "Annotation added", "id": number})

    def patch(self, request, body):
        number = int(request.match_info["id"])
        if number not in self.annotations:
            return web.json_response({"message": "Annotation not found"}, status=404)
        self.annotations[number] |= {name: value for name, value in body.items() if value is not None}
        return web.json_response({"message": "Annotation patched"})

    def routes(self):
        path = "/grafana/api/annotations"
        return [
            web.get(path, self.handle, allow_head=False),
            web.post(path, self.handle),
            web.patch(path + "/{id}", self.handle),
        ]
