"""What is kept of an object beside its bytes: system headers, user metadata, storage class, encryption.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Any

import orjson

from tule.core.errors import not_implemented
from tule.services.s3 import encryption, errors

STANDARD = "STANDARD"
_STORAGE_CLASSES = (STANDARD, "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR")
SYSTEM = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires", "WebsiteRedirectLocation")
_DEFAULT_TYPE = "binary/octet-stream"
_MAX_USER_BYTES = 2048
_ENCODED = re.compile(r"=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=")
_UNQUOTED = frozenset(chr(code) for code in range(0x21, 0x7F)) - frozenset("=?_")
_QUOTED = {0x20: "_"}
_NOT_BUILT = {
    "WriteOffsetBytes": "appending to objects",
}


def refuse_unbuilt(operation: str, params: Mapping[str, Any]) -> None:
    """Raises NotImplemented for what this service does not do, rather than leave it out silently."""
    for member, what in _NOT_BUILT.items():
        if params.get(member) is not None:
            raise not_implemented("s3", f"{operation} with {what}")
    encryption.check_request(params)


def of_request(params: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that reading will repeat, in the model's names.  Raises MetadataTooLarge."""
    kept = {name: params[name] for name in SYSTEM if params.get(name) is not None}
    encoding = kept.get("ContentEncoding", "")
    if "aws-chunked" in encoding:
        del kept["ContentEncoding"]
        left = ",".join(part.strip() for part in encoding.split(",") if part.strip() != "aws-chunked")
        if left:
            kept["ContentEncoding"] = left
    kept.setdefault("ContentType", _DEFAULT_TYPE)
    user = params.get("Metadata")
    if user:
        size = sum(len(name.encode()) + len(value.encode()) for name, value in user.items())
        if size > _MAX_USER_BYTES:
            raise errors.metadata_too_large(size)
        kept["Metadata"] = {name.lower(): _text(value) for name, value in user.items()}
    return kept


def _text(value: str) -> str:
    """A header's bytes are UTF-8 where they can be, though HTTP reads them as Latin-1; what came encoded is decoded."""
    if value.isascii():
        return _decoded(value) if _ENCODED.fullmatch(value) else value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _decoded(value: str) -> str:
    """The text of an encoded word; itself where it is none after all."""
    try:
        return "".join(piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace") for piece, charset in decode_header(value))
    except (HeaderParseError, LookupError):
        return value


def shown(headers: bytes) -> dict[str, Any]:
    """The headers as answers carry them: user metadata beyond ASCII in the form of RFC 2047."""
    found = decoded(headers)
    if not headers.isascii() and "Metadata" in found:
        found["Metadata"] = {name: value if value.isascii() else _rfc2047(value) for name, value in found["Metadata"].items()}
    return found


def _rfc2047(value: str) -> str:
    """Quoted where most of it is ASCII, else in base64."""
    if 2 * sum(char.isascii() for char in value) <= len(value):
        return f"=?UTF-8?B?{b64encode(value.encode()).decode()}?="
    encoded = "".join(_QUOTED.get(byte) or (chr(byte) if chr(byte) in _UNQUOTED else f"={byte:02X}") for byte in value.encode())
    return f"=?UTF-8?Q?{encoded}?="


def storage_class(params: Mapping[str, Any]) -> str:
    wanted = params.get("StorageClass", STANDARD)
    if wanted not in _STORAGE_CLASSES:
        raise errors.invalid_storage_class()
    return wanted


def encoded(headers: Mapping[str, Any]) -> bytes:
    return orjson.dumps(headers)


def decoded(headers: bytes) -> dict[str, Any]:
    return orjson.loads(headers)
