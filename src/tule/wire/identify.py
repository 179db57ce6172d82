"""Whose request is this: service, operation and protocol, before anything is parsed.

In the order in which AWS's SDKs leave no doubt: an X-Amz-Target header (json), an rpc path with a smithy-protocol
header (cbor), an Action parameter (query, ec2), and else the path (REST), where the signing name or the front door's
hint says which service's paths to try.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tule.core.errors import ServiceError, not_implemented
from tule.wire import refusals
from tule.wire.codec import OperationCodec
from tule.wire.compression import gunzip, is_gzip
from tule.wire.eventstream import CBOR_1_1
from tule.wire.http import Request
from tule.wire.malformed import Malformed

if TYPE_CHECKING:
    from tule.wire.models import Models

_RPC_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)/?$")
_ACTION = re.compile(r"(?:^|&)Action=([^&]*)")
_VERSION = re.compile(r"(?:^|&)Version=([^&]*)")
_MAX_FIELDS = 10_000
_S3_CONTROL_PATH = "/v20180820/"
"""S3 Control signs as S3 and, behind one endpoint, has S3's host: its version in the path and the account header tell."""
_FORM = "application/x-www-form-urlencoded"
_OF_LINKS = {"ConfirmSubscription": "sns", "Unsubscribe": "sns"}
"""Links in SNS's messages name no version: at AWS their host says enough, which that of a node does not."""


class Unidentified(ServiceError):
    """An error before the operation is known, with the protocol in which it has to be said."""

    def __init__(self, error: ServiceError, service: str | None, protocol: str) -> None:
        super().__init__(error.code, error.message, error.status, fields=error.fields, headers=error.headers)
        self.service = service
        self.protocol = protocol


def identify(models: Models, request: Request, signing_name: str | None = None, hint_service: str | None = None) -> OperationCodec:
    """The codec of the request's operation.

    `signing_name`: the service in the credential scope.  `hint_service`: botocore's name, where the host says it.  For
    S3 the path is in path style.  Raises Unidentified (a ServiceError that knows service and protocol).
    """
    headers = request.headers
    if target := headers.get("x-amz-target"):
        protocol = "cbor-1.1" if headers.get("content-type", "").startswith(CBOR_1_1) else "json"
        return _by_target(models, target, protocol, signing_name, hint_service)
    if "smithy-protocol" in headers and (match := _RPC_PATH.search(request.path)) is not None:
        return _by_rpc_path(models, match.group(1), match.group(2))
    if action := _parameter(request, _ACTION):
        codec = _by_action(models, request, action, signing_name, hint_service)
        if codec is not None:
            return codec
    return _by_path(models, request, signing_name, hint_service)


def _by_target(models: Models, target: str, protocol: str, signing_name: str | None, hint: str | None) -> OperationCodec:
    prefix, _, operation = target.rpartition(".")
    service = models.index.target_prefixes.get(prefix)
    if service is None:
        known = hint or next(iter(models.index.signing_names.get(signing_name or "", ())), None)
        if known is not None:
            raise Unidentified(refusals.unknown_operation("json", known), known, protocol)
        raise Unidentified(not_implemented(prefix.partition("_")[0] or target), None, protocol)
    model = models.service(service)
    if operation not in model.operations:
        raise Unidentified(refusals.unknown_operation("json", service), service, protocol)
    return model.operation(operation, protocol)


def _by_rpc_path(models: Models, name: str, operation: str) -> OperationCodec:
    service = models.index.rpc_names.get(name)
    if service is None:
        raise Unidentified(not_implemented(name), None, "smithy-rpc-v2-cbor")
    model = models.service(service)
    if operation not in model.operations or "smithy-rpc-v2-cbor" not in model.protocols:
        raise Unidentified(refusals.unknown_operation("smithy-rpc-v2-cbor", service), service, "smithy-rpc-v2-cbor")
    return model.operation(operation, "smithy-rpc-v2-cbor")


def _by_action(models: Models, request: Request, action: str, signing_name: str | None, hint: str | None) -> OperationCodec | None:
    """None where the service that the request names is not one of the query protocol: then Action means nothing."""
    version = _parameter(request, _VERSION) or ""
    candidates = [hint] if hint else list(models.index.signing_names.get(signing_name or "", ()))
    speaking = [name for name in candidates if name in models.index.versions.values()]
    if candidates and not speaking:
        return None
    service = next(iter(speaking), None) or models.index.versions.get(version) or _OF_LINKS.get(action)
    if service is None:
        if signing_name:
            raise Unidentified(not_implemented(signing_name), None, "query")
        return None
    model = models.service(service)
    protocol = "ec2" if model.protocol == "ec2" else "query"
    if action not in model.operations:
        raise Unidentified(refusals.unknown_operation(protocol, service, action, version), service, protocol)
    return model.operation(action, protocol)


def _parameter(request: Request, pattern: re.Pattern[str]) -> str | None:
    """A plain parameter from the form in the body, or from the query string."""
    if request.method == "POST" and request.body and request.headers.get("content-type", _FORM).startswith(_FORM):
        match = pattern.search(_form(request).decode("utf-8", errors="replace"))
        if match is not None:
            return match.group(1)
    match = pattern.search(request.query)
    return match.group(1) if match is not None else None


def _form(request: Request) -> bytes:
    body = request.body or b""
    if not is_gzip(request.headers):
        return body
    try:
        return gunzip(body)
    except Malformed:
        return body


def _by_path(models: Models, request: Request, signing_name: str | None, hint: str | None) -> OperationCodec:
    query = _query(request.query) if request.query else {}
    candidates = _candidates(models, request, signing_name, hint)
    for service in candidates:
        model = models.service(service)
        if not model.protocol.startswith("rest-"):
            continue
        found = model.routes.find(request.method, request.path, query, request.headers)
        if found is not None:
            return model.operation(found[0], model.protocol)
    if not candidates:
        raise Unidentified(not_implemented(hint or signing_name or "unknown"), None, "json")
    service = candidates[0]
    protocol = models.index.protocols[service]
    if protocol in ("query", "ec2"):
        raise Unidentified(refusals.missing_action(), service, protocol)
    raise Unidentified(refusals.unknown_operation(protocol, service), service, protocol)


def _query(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}  # the codec refuses the same text in the words of its protocol


def _candidates(models: Models, request: Request, signing_name: str | None, hint: str | None) -> list[str]:
    """The services to try, in order."""
    index = models.index
    if hint in (None, "s3") and "x-amz-account-id" in request.headers and request.path.startswith(_S3_CONTROL_PATH):
        return ["s3control"]
    if hint is not None:
        return [hint] if hint in index.protocols else []
    segment = request.path[1:].partition("/")[0]
    by_segment = index.first_segments.get(segment, ())
    if signing_name:
        signed = index.signing_names.get(signing_name, ())
        return _first(signed, by_segment)
    return [*by_segment, "s3"]


def _first(signed: Iterable[str], preferred: Iterable[str]) -> list[str]:
    """`signed`, those that use the path's first segment before the others."""
    wanted = set(preferred)
    return sorted(signed, key=lambda service: service not in wanted)
