"""Answering browsers of other origins for buckets with CORS rules."""

from __future__ import annotations

from urllib.parse import unquote
from xml.sax.saxutils import escape

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.server.hosts import meaning
from tule.services.s3 import cors, names
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.wire.http import Request, Response

_POSTS = ("DeleteObjects", "CreateMultipartUpload", "CompleteMultipartUpload", "PostObject")
_METHODS = {"Get": "GET", "List": "GET", "Head": "HEAD", "Delete": "DELETE", "Abort": "DELETE"}


async def preflight(node: Node, request: Request) -> Response | None:
    """OPTIONS of a bucket or object; None when the request names neither a bucket nor S3."""
    host = meaning(request.host)
    name = host.bucket or host.label or unquote(request.path.lstrip("/").partition("/")[0])
    bucket = await node.store.read(lambda tx: buckets.find(tx, name)) if name else None
    if bucket is None and host.service != "s3" and not names.is_bucket_name(name):
        return None
    try:
        rules = None if bucket is None else bucket.config.get("Cors")
        headers = cors.preflight(rules, request.headers, bucket_exists=bucket is not None)
    except ServiceError as error:
        return _refusal(error, node.ids.uuid())
    request_id = node.ids.uuid()
    return Response(200, {**headers, "x-amz-request-id": request_id, "x-amz-id-2": names.host_id(request_id), "content-length": "0"})


def _refusal(error: ServiceError, request_id: str) -> Response:
    fields = {"Code": error.code, "Message": error.message, **error.fields, "RequestId": request_id, "HostId": names.host_id(request_id)}
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()
    headers = {"content-type": "application/xml", "x-amz-request-id": request_id, "x-amz-id-2": names.host_id(request_id)}
    return Response(error.status, headers, body)


def allow(call: Call, bucket: Bucket) -> None:
    """Let the page that made this call read the answer, if a rule of the bucket allows it."""
    if "origin" in call.headers and "Cors" in bucket.config:
        call.response_headers.update(cors.answer(bucket.config["Cors"], call.headers, _method(call.operation)))


def _method(operation: str) -> str:
    if operation in _POSTS:
        return "POST"
    return next((method for verb, method in _METHODS.items() if operation.startswith(verb)), "PUT")
