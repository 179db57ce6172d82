"""The canonical request of Signature Version 4: one text for all the ways in which the same request may be written.

S3 signs the path as it is; all others sign it normalized and encoded once more.  Query parameters are decoded and
encoded again, then sorted; headers are trimmed and inner runs of spaces fold into one.
AWS: "Create a signed AWS API request", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from tule.access.credential import Scope
from tule.access.refusals import Family
from tule.wire.http import Request

_PLAIN = re.compile(r"[A-Za-z0-9\-._~/]*\Z")
_PLAIN_QUERY = re.compile(r"[A-Za-z0-9\-._~=]*\Z")


def canonical_path(path: str, kind: Family) -> str:
    if _PLAIN.match(path):
        if kind is Family.S3:
            return path or "/"
        return path if "//" not in path and "/." not in path and path else _normalized(path)
    if kind is Family.S3:
        return quote(unquote_to_bytes(as_sent(path)), safe="/-_.~")
    return quote(as_sent(_normalized(path)), safe="/-_.~")


def unnormalized_path(path: str) -> str:
    """What clients sign that encode the path again but leave `//` and `..` alone; some SDKs do, and AWS accepts them."""
    return quote(as_sent(path), safe="/-_.~") or "/"


def as_sent(text: str) -> bytes:
    """The bytes of a header or target: HTTP's text is decoded one byte to one character."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _normalized(path: str) -> str:
    """Without empty, `.` and `..` segments; a trailing slash stays.  RFC 3986, 5.2.4, as AWS's own signers read it."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    text = "/" + "/".join(kept)
    return text + "/" if kept and path.endswith("/") else text


def canonical_query(query: str, *, without: tuple[str, ...] = (), plus_is_space: bool = False) -> str:
    """`without` names the parameters that are not signed: the signature itself."""
    if not query:
        return ""
    if "&" not in query and _PLAIN_QUERY.match(query) and query.count("=") == 1 and not without:
        return query
    if plus_is_space:
        query = query.replace("+", "%20")
    pairs: list[tuple[str, str]] = []
    for part in query.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        name = name if _PLAIN_QUERY.match(name) else quote(unquote_to_bytes(as_sent(name)), safe="-_.~")
        if name in without:
            continue
        pairs.append((name, value if value.isalnum() and value.isascii() else quote(unquote_to_bytes(as_sent(value)), safe="-_.~")))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def canonical_headers(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    """`name:value\\n` for each signed header, in the order given (sorted)."""
    lines: list[str] = []
    for name in names:
        value = headers.get(name, "").strip()
        if "  " in value:
            value = " ".join(value.split())
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def canonical_request(request: Request, kind: Family, scope: Scope, query: str, payload: str, path: str | None = None) -> bytes:
    """`query` is canonical already; `path` where it is not to be the family's own form."""
    path = canonical_path(request.path, kind) if path is None else path
    headers = canonical_headers(request.headers, scope.signed_headers)
    return as_sent(f"{request.method}\n{path}\n{query}\n{headers}\n{scope.signed_text}\n{payload}")
