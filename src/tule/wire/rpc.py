"""Protocols in which every operation is a POST to one path: json 1.0 and 1.1, smithy-rpc-v2-cbor, query and ec2."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import cbor2

from tule.wire import cbor, eventstream, query_shapes
from tule.wire.http import Request, Response
from tule.wire.json_text import dumps, loads
from tule.wire.malformed import Malformed

if TYPE_CHECKING:
    from tule.wire.codec import Compilers
    from tule.wire.models import ServiceModel

RawOperation = Mapping[str, Any]

CBOR_1_1 = eventstream.CBOR_1_1


class JsonProtocol:
    """json 1.0 and 1.1.  AWS: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html"""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: RawOperation) -> None:
        shapes = model.shapes
        self._content_type = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.0')}"
        self._checksummed = model.name in ("dynamodb", "dynamodbstreams")
        self._read = compilers.json_readers.reader(shapes.at(operation["input"])) if "input" in operation else None
        self._deep = "input" in operation and shapes.is_recursive(shapes.at(operation["input"]))
        self._exact = "input" in operation and shapes.has_document(shapes.at(operation["input"]))
        self._write = compilers.json_writers.writer(shapes.at(operation["output"])) if "output" in operation else None
        self._events = eventstream.output_of(model, operation, "application/json")

    def parse(self, request: Request) -> dict[str, Any]:
        if self._read is None:
            return {}
        return self._read(loads(request.body or b"{}", deep=self._deep, exact=self._exact))

    def serialize(self, result: Mapping[str, Any], request_id: str, status: int | None) -> Response:
        headers = {"x-amzn-RequestId": request_id, "content-type": self._content_type}
        if self._events is not None:
            headers["content-type"] = eventstream.CONTENT_TYPE
            rest = {name: value for name, value in result.items() if name != self._events.member}
            return Response(status or 200, headers, self._events.stream(result, initial=self._body(rest)))
        body = self._body(result)
        if self._checksummed:
            headers["x-amz-crc32"] = str(zlib.crc32(body))
        return Response(status or 200, headers, body)

    def _body(self, result: Mapping[str, Any]) -> bytes:
        return b"" if self._write is None else dumps(self._write(result))


class CborProtocol:
    """smithy-rpc-v2-cbor.  AWS: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html"""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: RawOperation) -> None:
        shapes = model.shapes
        self._read = compilers.cbor_readers.reader(shapes.at(operation["input"])) if "input" in operation else None
        self._write = compilers.cbor_writers.writer(shapes.at(operation["output"])) if "output" in operation else None

    def parse(self, request: Request) -> dict[str, Any]:
        if self._read is None:
            return {}
        return self._read(cbor.loads(request.body) if request.body else {})

    def serialize(self, result: Mapping[str, Any], request_id: str, status: int | None) -> Response:
        headers = {"x-amzn-RequestId": request_id, "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
        body = cbor2.dumps({} if self._write is None else self._write(result))
        return Response(status or 200, headers, body)


class TargetCborProtocol:
    """json 1.1 in CBOR, which the Java SDKs speak to Kinesis: X-Amz-Target, application/x-amz-cbor-1.1, times in milliseconds."""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: RawOperation) -> None:
        shapes = model.shapes
        self._read = compilers.millis_cbor_readers.reader(shapes.at(operation["input"])) if "input" in operation else None
        self._write = compilers.millis_cbor_writers.writer(shapes.at(operation["output"])) if "output" in operation else None
        self._events = eventstream.output_of(model, operation, CBOR_1_1)

    def parse(self, request: Request) -> dict[str, Any]:
        return {} if self._read is None else self._read(cbor.loads(request.body) if request.body else {})

    def serialize(self, result: Mapping[str, Any], request_id: str, status: int | None) -> Response:
        headers = {"x-amzn-RequestId": request_id, "content-type": CBOR_1_1}
        if self._events is not None:
            headers["content-type"] = eventstream.CONTENT_TYPE
            rest = {name: value for name, value in result.items() if name != self._events.member}
            return Response(status or 200, headers, self._events.stream(result, initial=self._body(rest)))
        return Response(status or 200, headers, self._body(result))

    def _body(self, result: Mapping[str, Any]) -> bytes:
        return b"" if self._write is None else cbor2.dumps(self._write(result))


class QueryProtocol:
    """query.  AWS: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html"""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: RawOperation) -> None:
        shapes = model.shapes
        self._name: str = operation["name"]
        self._namespace = f' xmlns="{model.metadata["xmlNamespace"]}"'
        self._read = compilers.query_readers.reader(shapes.at(operation["input"])) if "input" in operation else None
        self._url_member = _member_in_path(model, operation)
        self._wrapper: str | None = None
        self._write = None
        if "output" in operation:
            self._wrapper = operation["output"].get("resultWrapper", f"{self._name}Result")
            self._write = compilers.xml_writers.contents(shapes.at(operation["output"]))

    def parse(self, request: Request) -> dict[str, Any]:
        if self._read is None:
            return {}
        params = self._read(query_shapes.tree(fields_of(request)))
        if self._url_member is not None and self._url_member not in params and request.path.count("/") > 1:
            params[self._url_member] = f"{request.scheme}://{request.host}{request.path}"
        return params

    def serialize(self, result: Mapping[str, Any], request_id: str, status: int | None) -> Response:
        parts = [f"<{self._name}Response{self._namespace}>"]
        if self._write is not None:
            parts.append(f"<{self._wrapper}>")
            self._write(result, parts.append)
            parts.append(f"</{self._wrapper}>")
        parts.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{self._name}Response>")
        headers = {"x-amzn-RequestId": request_id, "content-type": "text/xml"}
        return Response(status or 200, headers, "".join(parts).encode())


class Ec2Protocol:
    """ec2.  AWS: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html"""

    def __init__(self, model: ServiceModel, compilers: Compilers, operation: RawOperation) -> None:
        shapes = model.shapes
        self._name: str = operation["name"]
        self._namespace = f' xmlns="{model.metadata["xmlNamespace"]}/"'
        self._read = compilers.query_readers.reader(shapes.at(operation["input"])) if "input" in operation else None
        self._write = compilers.xml_writers.contents(shapes.at(operation["output"])) if "output" in operation else None

    def parse(self, request: Request) -> dict[str, Any]:
        return {} if self._read is None else self._read(query_shapes.tree(fields_of(request)))

    def serialize(self, result: Mapping[str, Any], request_id: str, status: int | None) -> Response:
        parts = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{self._name}Response{self._namespace}><requestId>{request_id}</requestId>']
        if self._write is not None:
            self._write(result, parts.append)
        else:
            parts.append("<return>true</return>")
        parts.append(f"</{self._name}Response>")
        headers = {"x-amzn-RequestId": request_id, "content-type": "text/xml;charset=UTF-8"}
        return Response(status or 200, headers, "".join(parts).encode())


def _member_in_path(model: ServiceModel, operation: RawOperation) -> str | None:
    """SQS's old clients post to the queue's URL instead of naming it."""
    if model.name != "sqs" or "input" not in operation:
        return None
    return "QueueUrl" if "QueueUrl" in model.shapes.at(operation["input"])["members"] else None


def fields_of(request: Request) -> dict[str, str]:
    """The parameters of a query request, in its body or its query string."""
    fields = query_shapes.form(request.query) if request.query else {}
    if request.body:
        try:
            fields.update(query_shapes.form(request.body.decode("utf-8")))
        except UnicodeDecodeError as error:
            raise Malformed("The request's form is not UTF-8") from error
    return fields
