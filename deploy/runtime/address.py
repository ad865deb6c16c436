"""Addresses that are asked over HTTP, as settings give them: one without `http://` is refused before anybody asks there."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr


def _is_one(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half a bracket
        return False


def _address(text: str) -> str:
    if text and not _is_one(text):
        raise ValueError(f"{text!r} is no address; write one such as http://host:8123 or https://host")
    return text


def _secret_address(secret: SecretStr) -> SecretStr:
    if not _is_one(secret.get_secret_value()):
        raise ValueError("write an address that begins with https:// (or http://), such as https://host/path")
    return secret


def _secret_address_or_none(secret: SecretStr) -> SecretStr:
    return _secret_address(secret) if secret.get_secret_value() else secret


Address = Annotated[str, AfterValidator(_address)]
"""An address, or empty."""
SecretAddress = Annotated[SecretStr, AfterValidator(_secret_address)]
"""An address that is a secret, since whoever has it may write there: an error does not repeat it."""
SecretAddressOrNone = Annotated[SecretStr, AfterValidator(_secret_address_or_none)]
