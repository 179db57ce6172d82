"""Where a static website leads its visitors: index documents and redirections.  Pure.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html and IndexDocumentSupport.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

Configuration = Mapping[str, Any]


class Redirection(NamedTuple):
    status: int
    location: str


def key_of(configuration: Configuration, path: str) -> str:
    """The key that a path means: a directory is its index document.  `path` is decoded, without its first slash."""
    return path + configuration["IndexDocument"]["Suffix"] if not path or path.endswith("/") else path


def directory_index(configuration: Configuration, path: str) -> str:
    """The index document of what may be a directory named without its slash."""
    return f"{path}/{configuration['IndexDocument']['Suffix']}"


def redirect_all(configuration: Configuration, scheme: str, path: str, query: str) -> Redirection | None:
    target = configuration.get("RedirectAllRequestsTo")
    if target is None:
        return None
    question = f"?{query}" if query else ""
    return Redirection(301, f"{target.get('Protocol', scheme)}://{target['HostName']}/{quote(path, safe=_SAFE)}{question}")


_SAFE = "/-_.~!*'()$,;:@&=+"


def redirection(configuration: Configuration, scheme: str, host: str, path: str, error: int | None) -> Redirection | None:
    """What the first routing rule that applies says; `error` is the HTTP status that the request would end with, if it fails."""
    for rule in configuration.get("RoutingRules", ()):
        condition = rule.get("Condition") or {}
        if _applies(condition, path, error):
            return _redirected(rule["Redirect"], condition, scheme, host, path)
    return None


def _applies(condition: Mapping[str, Any], path: str, error: int | None) -> bool:
    code = condition.get("HttpErrorCodeReturnedEquals")
    if (code is None) != (error is None) or (code is not None and int(code) != error):
        return False
    return path.startswith(condition.get("KeyPrefixEquals", ""))


def _redirected(redirect: Mapping[str, Any], condition: Mapping[str, Any], scheme: str, host: str, path: str) -> Redirection:
    key = path
    if "ReplaceKeyWith" in redirect:
        key = redirect["ReplaceKeyWith"]
    elif "ReplaceKeyPrefixWith" in redirect:
        key = redirect["ReplaceKeyPrefixWith"] + path[len(condition.get("KeyPrefixEquals", "")) :]
    location = f"{redirect.get('Protocol', scheme)}://{redirect.get('HostName', host)}/{quote(key, safe=_SAFE)}"
    return Redirection(int(redirect.get("HttpRedirectCode", 301)), location)
