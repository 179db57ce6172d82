"""One AWS request, from its bytes to its answer: identify, authenticate, parse, authorize, operate, serialize."""

from __future__ import annotations

import dataclasses
import logging
import re
import time
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING

from tule.core.errors import ServiceError, internal_failure, service_unavailable, validation
from tule.platform.call import Call
from tule.server.content_encoding import decoded, encoded
from tule.server.hosts import HostMeaning, meaning
from tule.server.http1 import ClientDisconnected
from tule.store.errors import StoreError, UnstorableText
from tule.wire.codec import OperationCodec, error_for
from tule.wire.http import BodyTooLarge, Request, Response
from tule.wire.identify import Unidentified, identify

if TYPE_CHECKING:
    from tule.access.authenticate import Authenticator
    from tule.platform.node import Node
    from tule.server.dispatch import NodeDispatcher
    from tule.wire.models import Models

log = logging.getLogger("tule.server")

AccessLog = Callable[[Request, Response, "Call | None", float], None]

_SCOPE = re.compile(r"Credential=[^/,\s]+/\d{8}/(?:[^/,\s]+/)?([^/,\s]+)/aws4_request")  # version 4A has no region
_UNLIMITED = 1 << 62
_BODY_LIMITS = {"dynamodb": 16 << 20}  # bytes of a request, where a service takes less than the node
_CORS = ("access-control-", "vary")
_S3_FAMILY = ("s3", "s3control", "s3-outposts", "s3express", "s3-object-lambda")


class Pipeline:
    def __init__(self, node: Node, models: Models, authenticator: Authenticator, dispatcher: NodeDispatcher, access_log: AccessLog | None) -> None:
        self._node = node
        self._models = models
        self._authenticator = authenticator
        self._dispatcher = dispatcher
        self._access_log = access_log

    async def answer(self, request: Request) -> Response:
        """Never raises but for a client that went away."""
        started = time.perf_counter()
        request_id = self._node.ids.uuid()
        attempt = _Attempt()
        try:
            response = await self._run(request, request_id, attempt)
        except ServiceError as error:
            response = self._error(attempt, request, error, request_id)
        except BodyTooLarge as error:
            response = self._error(attempt, request, _too_large(attempt, error), request_id)
        except UnstorableText as error:
            response = self._error(attempt, request, validation(str(error)), request_id)
        except StoreError as error:
            log.error("%s %s: %s", request.method, request.path, error)
            response = self._error(attempt, request, service_unavailable(str(error)), request_id)
        except ClientDisconnected:
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = self._error(attempt, request, internal_failure(), request_id)
        if attempt.call is not None and attempt.call.answered is not None:
            attempt.call.answered(request, response, time.perf_counter() - started)
        if self._access_log is not None:
            self._access_log(request, response, attempt.call, time.perf_counter() - started)
        return response

    async def _run(self, request: Request, request_id: str, attempt: _Attempt) -> Response:
        signing_name = _signing_name(request)
        host = meaning(request.host)
        is_s3 = _speaks_s3(request, signing_name, host)
        attempt.service = "s3" if is_s3 else (signing_name or host.service)
        limit = min(self._node.config.max_body_bytes, _BODY_LIMITS.get(attempt.service, _UNLIMITED))
        if not is_s3:
            request.body = await request.stream.read(limit)
        styled = _path_style(request, host, signing_name) if is_s3 else decoded(request, attempt.service, limit)
        codec = identify(self._models, styled, signing_name, "s3" if is_s3 and host.service != "s3control" else host.service or None)
        attempt.codec = codec
        caller = await self._authenticator.authenticate(request, signing_name or codec.service)
        if caller.body is not None:
            styled.stream = caller.body
        if styled.body is None and codec.input_stream is None:
            styled.body = await styled.stream.read(limit)
        params = codec.parse(styled)
        call = Call(
            node=self._node,
            id=request_id,
            now_ms=self._node.clock.now_ms(),
            principal=caller.principal,
            account=caller.principal.account,
            region=caller.region or host.region or self._node.config.region,
            service=codec.service,
            operation=codec.name,
            endpoint=f"{request.scheme}://{request.host}" if request.host else f"http://127.0.0.1:{self._node.config.port}",
            source_ip=request.source_ip,
            user_agent=request.headers.get("user-agent", ""),
            trace=request.headers.get("x-amzn-trace-id"),
            headers=request.headers,
            is_abandoned=request.is_abandoned,
        )
        attempt.call = call
        result = await self._dispatcher.run(call, params)
        response = codec.serialize(result, request_id, call.status)
        if call.response_headers:
            response.headers.update(call.response_headers)
        return encoded(response, request, codec.service)

    def _error(self, attempt: _Attempt, request: Request, error: ServiceError, request_id: str) -> Response:
        if attempt.codec is not None:
            response = attempt.codec.error(error, request_id)
            if attempt.call is not None and "origin" in request.headers:  # a browser's page may read what went wrong, too
                response.headers.update({name: value for name, value in attempt.call.response_headers.items() if name.startswith(_CORS)})
            return response
        if isinstance(error, Unidentified):
            return error_for(self._models, error.service, error.protocol, error, request_id, request.method)
        protocol = _likely_protocol(attempt.service, request)
        return error_for(self._models, _service_of(self._models, attempt), protocol, error, request_id, request.method)


class _Attempt:
    """How far a request got, for its error and its log line."""

    __slots__ = ("call", "codec", "service")

    def __init__(self) -> None:
        self.service = ""
        self.codec: OperationCodec | None = None
        self.call: Call | None = None


def _signing_name(request: Request) -> str | None:
    """The service in the signature's credential scope, from the header or the query."""
    authorization = request.headers.get("authorization")
    text = authorization if authorization is not None else request.query
    if authorization is None and "X-Amz-Credential" in text:
        text = "Credential=" + urllib.parse.unquote(text.partition("X-Amz-Credential=")[2].partition("&")[0])
    match = _SCOPE.search(text)
    return match[1] if match else None


def _speaks_s3(request: Request, signing_name: str | None, host: HostMeaning) -> bool:
    if signing_name is not None:
        return signing_name in _S3_FAMILY
    if host.service:
        return host.service in ("s3", "s3control")
    headers = request.headers
    if "x-amz-target" in headers or headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return False
    if request.path.startswith("/service/") and "smithy-protocol" in headers:
        return False
    if "Action=" in request.query:
        return False
    return not _DATED_PATH.match(request.path)


_DATED_PATH = re.compile(r"^/(?:20\d\d-\d\d-\d\d|v\d|restapis|tags|prod)(?:/|$)")


def _path_style(request: Request, host: HostMeaning, signing_name: str | None) -> Request:
    bucket = host.bucket
    if not bucket and host.label and host.service in ("", host.label) and signing_name in (None, "s3"):
        bucket = host.label
    if not bucket or host.service == "s3control" or ("x-amz-account-id" in request.headers and request.path.startswith("/v20180820/")):
        return request
    return dataclasses.replace(request, path=f"/{bucket}{request.path}")


def _too_large(attempt: _Attempt, error: BodyTooLarge) -> ServiceError:
    if attempt.service == "s3":
        return ServiceError("MaxMessageLengthExceeded", "Your request was too big.", 400)
    return ServiceError("RequestEntityTooLargeException", f"Request size is greater than {error.limit} bytes.", 413)


def _service_of(models: Models, attempt: _Attempt) -> str | None:
    """botocore's name of the service a failed request was for, as far as it got."""
    if attempt.service in models.index.protocols:
        return attempt.service
    return next(iter(models.index.signing_names.get(attempt.service, ())), None)


def _likely_protocol(service: str, request: Request) -> str:
    """How to word an error for a request whose operation is not known."""
    content_type = request.headers.get("content-type", "")
    if service in ("s3", "s3control", ""):
        return "rest-xml"
    if "x-amz-target" in request.headers:
        return "json"
    if "cbor" in content_type or "smithy-protocol" in request.headers:
        return "smithy-rpc-v2-cbor"
    if content_type.startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest-json"
