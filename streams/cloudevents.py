"""CloudEvents 1.0, structured mode: an event in its JSON envelope becomes the plain event. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md. Binary mode puts the attributes into the record's
headers, which are not read here; its value is the data, and is read if that is a whole event.
"""

import base64
import binascii
import re

import msgspec

_MARK = b'"specversion"'
_VERSION = re.compile(r"1\.\d+")
_JSON = re.compile(r"(application|text)/(.+\+)?json\s*(;.*)?", re.IGNORECASE)
_OF_A_VERSION = re.compile(r"v\d+", re.IGNORECASE)
_REQUIRED = ("id", "source", "type")
_OF_THE_ENVELOPE = frozenset({"specversion", "datacontenttype", "dataschema", "data", "data_base64", "subject"})

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


class EnvelopeError(ValueError):
    """An envelope that cannot be opened: the attribute at fault, and what to do."""

    def __init__(self, attribute: str, advice: str) -> None:
        super().__init__(advice)
        self.attribute = attribute


def unwrap(value: bytes) -> bytes | None:
    """The plain event in an envelope; None if the value is none. Raises EnvelopeError, msgspec.DecodeError.

    `data` is the event as it would be sent plain. What it leaves out is taken from the envelope: `source`, `id`,
    `time`; `call` (for `agent_state`: `agent`) from `subject`; `type` from the last word of the envelope's type
    (`org.example.pbx.queued.v1` is `queued`). Extension attributes are fields like any other.
    """
    if _MARK not in value:
        return None
    envelope = _fields.decode(value)
    if "specversion" not in envelope:
        return None
    if not _VERSION.fullmatch(_attribute(envelope, "specversion")):
        raise EnvelopeError("specversion", 'CloudEvents 1.0 is read: write "specversion": "1.0"')
    for name in _REQUIRED:
        if not _attribute(envelope, name):
            raise EnvelopeError(name, f"a CloudEvent has `{name}`, a text")
    event = {name: raw for name, raw in envelope.items() if name not in _OF_THE_ENVELOPE}
    event["type"] = msgspec.Raw(_encode(_last_word(_attribute(envelope, "type"))))
    event |= _data(envelope)
    subject = _attribute(envelope, "subject")
    if subject:
        of_agent = bytes(event["type"]) == b'"agent_state"'
        event.setdefault("agent" if of_agent else "call", msgspec.Raw(_encode(subject)))
    event.pop("specversion", None)  # an envelope in an envelope is not opened
    return _encode(event)


def _attribute(envelope: dict[str, msgspec.Raw], name: str) -> str:
    """An attribute's text; empty if there is none. Raises EnvelopeError if it is no text."""
    raw = envelope.get(name)
    if raw is None or bytes(raw) == b"null":
        return ""
    try:
        return _text.decode(raw)
    except msgspec.ValidationError as error:
        raise EnvelopeError(name, f"a CloudEvent's `{name}` is a text") from error


def _data(envelope: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    kind = _attribute(envelope, "datacontenttype")
    if kind and not _JSON.fullmatch(kind.strip()):
        raise EnvelopeError("datacontenttype", "send the event as JSON: application/json")
    raw: msgspec.Raw | bytes = envelope.get("data", b"null")
    packed = _attribute(envelope, "data_base64")
    if packed:
        try:
            raw = base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise EnvelopeError("data_base64", "this is no base64") from error
    if bytes(raw) == b"null":
        return {}
    try:
        return _fields.decode(raw)
    except msgspec.DecodeError as error:
        raise EnvelopeError("data", "`data` is the event, a JSON object; see `hotline schema`") from error


def _last_word(type_: str) -> str:
    words = [word for word in type_.split(".") if not _OF_A_VERSION.fullmatch(word)]
    return words[-1] if words else type_
