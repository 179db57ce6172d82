"""Errors on the wire, as each protocol and service dresses them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cbor2

from tule.core.errors import ServiceError
from tule.wire.eventstream import CBOR_1_1
from tule.wire.http import Response
from tule.wire.json_shapes import JsonWriters
from tule.wire.json_text import dumps
from tule.wire.rest import host_id
from tule.wire.shapes import Shape
from tule.wire.xml_shapes import XmlWriters, escape

if TYPE_CHECKING:
    from tule.wire.models import ServiceModel

_TYPE_PREFIXES: Mapping[str, str] = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#",
    "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
    "sqs": "com.amazonaws.sqs#",
    "cognito-identity": "",
}
"""Services that write a namespace before the error's name in `__type`."""

_FRAMEWORK_PREFIXES: Mapping[str, str] = {
    "ValidationException": "com.amazon.coral.validate#",
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
    "AccessDeniedException": "com.amazon.coral.service#",
    "UnrecognizedClientException": "com.amazon.coral.service#",
    "InvalidSignatureException": "com.amazon.coral.service#",
    "MissingAuthenticationTokenException": "com.amazon.coral.service#",
    "ThrottlingException": "com.amazon.coral.availability#",
    "InternalFailure": "com.amazon.coral.service#",
}
"""Errors that the framework in front of a service raises carry the framework's namespace."""


_OLD_WORDS: Mapping[tuple[str, str], str] = {
    ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."): ("The specified queue does not exist for this wsdl version."),
}
"""What a service says otherwise in the query protocol."""


def error_response(model: ServiceModel | None, protocol: str, error: ServiceError, request_id: str, *, method: str = "POST") -> Response:
    """`model` is None where not even the service is known; `method` HEAD leaves the body out."""
    shape = _shape_of(model, error.code)
    status = _status(shape, error)
    if protocol in ("query", "ec2", "rest-xml"):
        response = _xml(model, protocol, error, shape, request_id)
    elif protocol in ("smithy-rpc-v2-cbor", "cbor-1.1"):
        response = _cbor(model, error, shape, request_id)
        if protocol == "cbor-1.1":
            del response.headers["smithy-protocol"]
            response.headers["content-type"] = CBOR_1_1
    else:
        response = _json(model, protocol, error, shape, request_id)
    response.status = status
    response.headers.update(error.headers)
    if method == "HEAD" or status == 304:
        response.body = b""
    return response


def _shape_of(model: ServiceModel | None, code: str) -> Shape | None:
    """The error's shape, by its name or by the code that its query dress has."""
    name = None if model is None else model.error_shapes.get(code)
    return None if model is None or name is None else model.shapes.named(name)


def _status(shape: Shape | None, error: ServiceError) -> int:
    if error.status == 400 and shape is not None:
        return int(shape.get("error", {}).get("httpStatusCode", 400))
    return error.status


def _members(model: ServiceModel | None, shape: Shape | None, error: ServiceError) -> dict[str, Any]:
    """Members of the error's structure, the message under the name that the model gives it."""
    name = "message"
    if shape is not None:
        name = next((member for member in shape["members"] if member.lower() == "message"), "message")
    values: dict[str, Any] = {name: error.message}
    if model is not None and model.name == "lambda" and shape is not None and "Type" in shape["members"]:
        values["Type"] = "User" if error.status < 500 else "Service"
    return {**values, **error.fields}


def _json(model: ServiceModel | None, protocol: str, error: ServiceError, shape: Shape | None, request_id: str) -> Response:
    members = _members(model, shape, error)
    if model is not None and shape is not None:
        members = _written(JsonWriters(model.shapes), shape, members)
    headers = {"x-amzn-RequestId": request_id}
    name = _type_name(shape, error)
    if protocol == "rest-json":
        headers["content-type"] = "application/json"
        headers["x-amzn-ErrorType"] = name
    else:
        version = "1.1" if model is None else model.metadata.get("jsonVersion", "1.0")
        headers["content-type"] = f"application/x-amz-json-{version}"
        members = {"__type": _type_prefix(model, name) + name, **members}
    _query_error(model, shape, error, headers)
    body = dumps(members)
    if model is not None and model.name in ("dynamodb", "dynamodbstreams"):
        headers["x-amz-crc32"] = str(zlib.crc32(body))
    return Response(400, headers, body)


def _cbor(model: ServiceModel | None, error: ServiceError, shape: Shape | None, request_id: str) -> Response:
    members = _members(model, shape, error)
    if model is not None and shape is not None:
        members = _written(JsonWriters(model.shapes, cbor=True), shape, members)
    name = _type_name(shape, error)
    headers = {"x-amzn-RequestId": request_id, "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    _query_error(model, shape, error, headers)
    return Response(400, headers, cbor2.dumps({"__type": name, **members}))


def _written(writers: JsonWriters, shape: Shape, members: dict[str, Any]) -> dict[str, Any]:
    """Members as the shape writes them; those that it does not know stay as they are."""
    write = writers.writer(shape)
    unknown = {key: value for key, value in members.items() if key not in shape["members"]}
    return members if write is None else {**unknown, **write(members)}


def _type_name(shape: Shape | None, error: ServiceError) -> str:
    return error.code if shape is None else shape["shape"]


def _type_prefix(model: ServiceModel | None, name: str) -> str:
    prefix = "" if model is None else _TYPE_PREFIXES.get(model.name, "")
    return _FRAMEWORK_PREFIXES.get(name, prefix) if prefix else ""


def _query_error(model: ServiceModel | None, shape: Shape | None, error: ServiceError, headers: dict[str, str]) -> None:
    if model is not None and model.query_compatible:
        headers["x-amzn-query-error"] = f"{_query_code(shape, error)};{error.fault}"


def _query_code(shape: Shape | None, error: ServiceError) -> str:
    return error.code if shape is None else shape.get("error", {}).get("code", error.code)


def _xml(model: ServiceModel | None, protocol: str, error: ServiceError, shape: Shape | None, request_id: str) -> Response:
    code = escape(_query_code(shape, error))
    message = escape(_OLD_WORDS.get((code, error.message), error.message))
    fields = _xml_fields(model, shape, error)
    if model is not None and model.name == "sqs":
        fields += "<Detail/>"
    if model is not None and model.name == "s3":
        headers = {"x-amz-request-id": request_id, "x-amz-id-2": host_id(request_id), "content-type": "application/xml"}
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{fields}'
            f"<RequestId>{request_id}</RequestId><HostId>{host_id(request_id)}</HostId></Error>"
        )
        return Response(400, headers, text.encode())
    headers = {"x-amzn-RequestId": request_id, "content-type": "text/xml"}
    if protocol == "ec2":
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message>'
            f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return Response(400, headers, text.encode())
    namespace = "" if model is None else model.metadata.get("xmlNamespace", "")
    opening = f'<ErrorResponse xmlns="{namespace}">' if namespace else "<ErrorResponse>"
    is_s3_control = model is not None and model.name == "s3control"
    kind = "" if is_s3_control else f"<Type>{error.fault}</Type>"
    host = f"<HostId>{host_id(request_id)}</HostId>" if is_s3_control else ""
    text = (
        f"{opening}<Error>{kind}<Code>{code}</Code><Message>{message}</Message>{fields}</Error>"
        f"<RequestId>{request_id}</RequestId>{host}</ErrorResponse>"
    )
    return Response(400, headers, text.encode())


def _xml_fields(model: ServiceModel | None, shape: Shape | None, error: ServiceError) -> str:
    parts: list[str] = []
    members = {} if model is None or shape is None else model.shapes.members(shape)
    writers = None if model is None else XmlWriters(model.shapes)
    for name, value in error.fields.items():
        if name in ("Code", "Message", "message"):
            continue
        if name in members and writers is not None:
            writers.element(members[name], members[name].get("locationName", name))(value, parts.append)
        elif value is not None:
            parts.append(f"<{name}>{escape(value)}</{name}>")
    return "".join(parts)
