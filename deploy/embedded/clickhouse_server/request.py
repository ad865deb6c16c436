"""What a client asks: query, data, parameters and settings, out of an HTTP request."""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cramjam
from multidict import CIMultiDictProxy, MultiMapping

from deploy.embedded.clickhouse_server import blocks
from deploy.embedded.clickhouse_server.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    ServerError,
)
from deploy.embedded.clickhouse_server.policy import User

# Parameters of the protocol; every other one is a setting of the engine.
_PROTOCOL = frozenset(
    {
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "role",
        "compress",
        "decompress",
        "client_protocol_version",
        "buffer_size",
        "wait_end_of_query",
        "enable_http_compression",
        "http_zlib_compression_level",
        "http_native_compression_disable_checksumming_on_decompress",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "add_http_cors_header",
        "cancel_http_readonly_queries_on_client_close",
    }
)
_DECOMPRESS: dict[str, Callable[[bytes], Any]] = {
    "gzip": cramjam.gzip.decompress,
    "deflate": cramjam.zlib.decompress,
    "lz4": cramjam.lz4.decompress,
    "zstd": cramjam.zstd.decompress,
    "br": cramjam.brotli.decompress,
}
COMPRESS: dict[str, Callable[[bytes], Any]] = {
    "zstd": lambda data: cramjam.zstd.compress(data, 1),
    "lz4": cramjam.lz4.compress,
    "gzip": lambda data: cramjam.gzip.compress(data, 3),
}


@dataclass(frozen=True)
class Query:
    """One request for the engine; `text` is the statement, perhaps followed by data.

    `encoding`: how HTTP compresses the answer; `in_blocks`: ClickHouse's own compression of it.
    """

    text: bytes
    user: User
    database: str
    query_id: str
    default_format: str
    by_get: bool
    encoding: str | None
    in_blocks: bool = False
    session_id: str = ""
    session_timeout_s: int = 60
    session_must_exist: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def _credentials(args: MultiMapping[str], headers: CIMultiDictProxy[str]) -> str:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(token, validate=True).decode().partition(":")[0] or "default"
        except (binascii.Error, UnicodeDecodeError):
            raise ServerError(AUTHENTICATION_FAILED, "the Authorization header cannot be read") from None
    return headers.get("X-ClickHouse-User") or args.get("user") or "default"


def user_of(args: MultiMapping[str], headers: CIMultiDictProxy[str]) -> User:
    """Who asks; the embedded server knows two users and no passwords."""
    match _credentials(args, headers):
        case "default":
            return "default"
        case "reader":
            return "reader"
        case name:
            raise ServerError(
                AUTHENTICATION_FAILED,
                f"{name}: Authentication failed: the embedded ClickHouse knows the users default and reader",
            )


def _body(body: bytes, headers: CIMultiDictProxy[str]) -> bytes:
    encoding = headers.get("Content-Encoding", "identity").lower()
    if encoding in {"identity", ""}:
        return body
    if encoding not in _DECOMPRESS:
        raise ServerError(NOT_IMPLEMENTED, f"Content-Encoding {encoding}: use one of {', '.join(_DECOMPRESS)}")
    try:
        return bytes(_DECOMPRESS[encoding](body))
    except cramjam.DecompressionError as error:
        raise ServerError(BAD_ARGUMENTS, f"the body is no valid {encoding}: {error}") from error


def _on(args: MultiMapping[str], name: str) -> bool:
    return args.get(name, "0") not in {"0", "false"}


def _encoding(args: MultiMapping[str], headers: CIMultiDictProxy[str]) -> str | None:
    """How HTTP compresses the answer; only when the client asked for it, as ClickHouse does."""
    if not _on(args, "enable_http_compression"):
        return None
    accepted = {part.partition(";")[0].strip().lower() for part in headers.get("Accept-Encoding", "").split(",")}
    return next((name for name in COMPRESS if name in accepted), None)


def read_query(method: str, args: MultiMapping[str], headers: CIMultiDictProxy[str], body: bytes) -> Query:
    """Understand one request. Raises ServerError for what this server does not offer."""
    if headers.get("Content-Type", "").startswith("multipart/"):
        raise ServerError(
            NOT_IMPLEMENTED, "external data and form parameters are not offered by the embedded ClickHouse"
        )
    query = args.get("query", "").encode()
    body = _body(body, headers)
    if _on(args, "decompress"):
        body = blocks.decompress(body)
    text = query + b"\n" + body if query and body else query or body
    try:
        timeout = int(args.get("session_timeout", "60"))
    except ValueError:
        raise ServerError(BAD_ARGUMENTS, "session_timeout is no number") from None
    return Query(
        text=text,
        user=user_of(args, headers),
        database=args.get("database") or headers.get("X-ClickHouse-Database") or "",
        query_id=args.get("query_id") or str(uuid.uuid4()),
        default_format=args.get("default_format") or headers.get("X-ClickHouse-Format") or "TabSeparated",
        by_get=method in {"GET", "HEAD"} or args.get("readonly", "0") != "0",
        encoding=_encoding(args, headers),
        in_blocks=_on(args, "compress"),
        session_id=args.get("session_id", ""),
        session_timeout_s=max(1, min(timeout, 3600)),
        session_must_exist=args.get("session_check", "0") == "1",
        params={name[6:]: value for name, value in args.items() if name.startswith("param_")},
        settings={
            name: value for name, value in args.items() if name not in _PROTOCOL and not name.startswith("param_")
        },
    )
