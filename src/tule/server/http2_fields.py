"""The fields of a request in HTTP/2, and of an answer.  RFC 9113, section 8."""

from __future__ import annotations

from tule.server import hpack

OF_A_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})


class Malformed(Exception):
    """A request that breaks the rules of section 8: its stream is reset, the connection goes on."""


def sort(fields: list[hpack.Field]) -> tuple[dict[str, str], list[hpack.Field]]:
    """Pseudo-header fields and others.  Section 8.3.1; raises Malformed."""
    pseudo: dict[str, str] = {}
    raw: list[hpack.Field] = []
    for name, value in fields:
        if name.startswith(":"):
            if raw or name in pseudo or name not in (":method", ":scheme", ":path", ":authority"):
                raise Malformed(f"{name} where it may not be")
            pseudo[name] = value
            continue
        if not name or name != name.lower() or name in OF_A_CONNECTION or (name == "te" and value != "trailers"):
            raise Malformed(f"a field {name!r}")
        if any(char in value for char in "\r\n\0"):
            raise Malformed(f"line breaks in {name}")
        raw.append((name, value))
    if ":method" not in pseudo or ":scheme" not in pseudo or not pseudo.get(":path", "").startswith(("/", "*")):
        raise Malformed("a request without method, scheme or path")
    return pseudo, raw


def join(raw: list[hpack.Field]) -> dict[str, str]:
    """One value for each name."""
    headers: dict[str, str] = {}
    for name, value in raw:
        if name in headers:
            value = f"{headers[name]}{'; ' if name == 'cookie' else ','}{value}"
        headers[name] = value
    return headers


def one_line(value: str) -> str:
    """Line breaks and nulls have no place in a field's value."""
    return value.replace("\r", " ").replace("\n", " ").replace("\0", " ")
