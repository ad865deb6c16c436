"""What somebody does on the board, whatever it is about: whether they may, who signs it, that it is written and noted.

A foreign page must not act through somebody's browser (`gate.foreign`). Without logins a board that others can reach
offers no actions: they are there on loopback and for people who log in.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, ClassVar, Generic, TypeVar

import msgspec
import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from aiokafka.errors import KafkaError

from deploy.runtime.event_entry import readable
from deploy.runtime.kafka import UnansweredError
from deploy.runtime.settings import Kafka, Settings
from sinks.web.answers import error_response, json_response
from sinks.web.gate import PERSON, Gate, foreign
from sinks.web.summary import BadRequestError
from streams.contract.audit import AuditAction

UNDO_MS = 15_000
"""What was said can be taken back so long; the page offers it for ten seconds."""
LOST = "Kafka's answer is lost: it may have been recorded, look before you try again"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

log = structlog.get_logger()


class Signed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is asked for, and by whom."""

    author: Name


Question = TypeVar("Question", bound=Signed)
Record = TypeVar("Record", bound=msgspec.Struct)
Write = Callable[[Kafka, Record], Awaitable[None]]


class RefusedError(Exception):
    """The answer that says why not."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


def refuse(status: HTTPStatus, text: str) -> RefusedError:
    return RefusedError(error_response(status, text))


def answering(handler: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
    """The same handler, whose refusals are answers."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except RefusedError as error:
            return error.response
        except BadRequestError as error:
            return error_response(HTTPStatus.BAD_REQUEST, str(error))

    return handle


def offered(settings: Settings) -> bool:
    """Whether the board lets people do anything at all."""
    return settings.web.host in LOOPBACK or settings.web.access.mode != "open"


class Deeds(Generic[Record]):
    """What the routes of one kind of deed are made of. `now()` is wall time in ms; `write` appends a record."""

    deed: ClassVar[str]
    """What somebody does, as a refusal calls it."""
    command: ClassVar[str]
    """Where else it is done."""

    def __init__(self, settings: Settings, now: Callable[[], int], gate: Gate, write: Write[Record]) -> None:
        self.settings, self.now, self.gate, self.write = settings, now, gate, write

    def permit(self, request: web.Request, kind: type[Signed]) -> None:
        """Raises RefusedError where whoever asks may not ask for this `kind` of deed here."""
        del kind
        if not offered(self.settings):
            text = f"this board has no logins: actions are offered on loopback only (`{self.command}`)"
            raise refuse(HTTPStatus.FORBIDDEN, text)
        if not request[PERSON].may("act"):
            raise refuse(HTTPStatus.FORBIDDEN, f"a {request[PERSON].role} does not {self.deed}")
        refusal = foreign(request)
        if refusal is not None:
            raise RefusedError(refusal)

    async def asked(self, request: web.Request, kind: type[Question]) -> Question:
        """What is asked for, signed by whoever has logged in. Raises RefusedError, BadRequestError."""
        try:
            self.permit(request, kind)
        except RefusedError:
            self.gate.note(request, "refused")
            raise
        try:
            asked = msgspec.json.decode(await request.read(), type=kind)
        except msgspec.DecodeError as error:
            raise BadRequestError(str(error)) from None
        for name in ("author", "name"):
            if not readable(getattr(asked, name, "-")):
                raise BadRequestError(f"{name}: write a name, without control characters")
        person = request[PERSON]
        return msgspec.structs.replace(asked, author=person.name) if person.name else asked

    async def append(self, record: Record, about: str) -> None:
        """Write it down. Raises RefusedError if Kafka does not answer, with what is known of the record."""
        try:
            await self.write(self.settings.kafka, record)
        except UnansweredError as error:
            if await self.came(record):
                return
            log.warning(
                "of what somebody did on the board it is not known if it is written", about=about, problem=repr(error)
            )
            raise refuse(HTTPStatus.GATEWAY_TIMEOUT, LOST) from error
        except (KafkaError, OSError) as error:
            log.warning("what somebody did on the board is not written", about=about, problem=repr(error))
            raise refuse(
                HTTPStatus.SERVICE_UNAVAILABLE, "Kafka does not answer: nothing was changed, try again"
            ) from error

    async def came(self, record: Record) -> bool:
        """Whether a record has come back from the log although nobody has answered."""
        del record
        return False

    def done(self, request: web.Request, record: Record, action: AuditAction, what: str) -> web.Response:
        """Note who did `what`; the answer that says so."""
        self.gate.note(request, action, what)
        return json_response(orjson.dumps({"done": msgspec.to_builtins(record)}))
