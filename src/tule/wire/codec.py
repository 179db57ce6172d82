"""One operation in one protocol: bytes to params, params checked, result to bytes, errors to bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tule.core.errors import ServiceError
from tule.wire import refusals
from tule.wire.compression import gunzip, is_gzip
from tule.wire.errors import error_response
from tule.wire.http import Request, Response
from tule.wire.json_shapes import JsonReaders, JsonWriters
from tule.wire.kinds import mismatch
from tule.wire.malformed import Malformed
from tule.wire.query_shapes import QueryReaders
from tule.wire.rest import RestProtocol
from tule.wire.rpc import CborProtocol, Ec2Protocol, JsonProtocol, QueryProtocol, TargetCborProtocol
from tule.wire.shapes import is_streaming
from tule.wire.violations import Validator
from tule.wire.xml_shapes import XmlReaders, XmlWriters

if TYPE_CHECKING:
    from tule.wire.models import Models, ServiceModel

_PROTOCOLS: dict[str, Callable[..., Any]] = {
    "json": JsonProtocol,
    "cbor-1.1": TargetCborProtocol,
    "smithy-rpc-v2-cbor": CborProtocol,
    "query": QueryProtocol,
    "ec2": Ec2Protocol,
    "rest-json": RestProtocol,
    "rest-xml": RestProtocol,
}


class Compilers:
    """The compilers of one service, made when first needed, so that its operations share compiled shapes."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model

    @cached_property
    def json_readers(self) -> JsonReaders:
        return JsonReaders(self._model.shapes)

    @cached_property
    def json_writers(self) -> JsonWriters:
        return JsonWriters(self._model.shapes)

    @cached_property
    def cbor_readers(self) -> JsonReaders:
        return JsonReaders(self._model.shapes, cbor=True)

    @cached_property
    def cbor_writers(self) -> JsonWriters:
        return JsonWriters(self._model.shapes, cbor=True)

    @cached_property
    def millis_cbor_readers(self) -> JsonReaders:
        return JsonReaders(self._model.shapes, cbor=True, millis=True)

    @cached_property
    def millis_cbor_writers(self) -> JsonWriters:
        return JsonWriters(self._model.shapes, cbor=True, millis=True)

    @cached_property
    def query_readers(self) -> QueryReaders:
        return QueryReaders(self._model.shapes, ec2=self._model.protocol == "ec2")

    @cached_property
    def xml_readers(self) -> XmlReaders:
        return XmlReaders(self._model.shapes)

    @cached_property
    def xml_writers(self) -> XmlWriters:
        return XmlWriters(self._model.shapes, millis=self._model.name == "s3" or self._model.protocol == "ec2")

    @cached_property
    def validator(self) -> Validator:
        return Validator(self._model.name, self._model.shapes)


class OperationCodec:
    """`input_stream`, `output_stream`: the member that is a streaming blob, or None.  `event_input`, `event_output`:
    the member that is an event stream, or None."""

    def __init__(self, model: ServiceModel, name: str, operation: Mapping[str, Any], protocol: str) -> None:
        self._model = model
        self._operation = operation
        self.service: str = model.name
        self.name = name
        self.protocol = protocol
        self.http_method: str = operation["http"]["method"]
        self.input_stream = _member(model, operation, "input", "stream")
        self.output_stream = _member(model, operation, "output", "stream")
        self.event_input = _member(model, operation, "input", "events")
        self._compressible = "requestcompression" in operation
        self.event_output = _member(model, operation, "output", "events")

    @cached_property
    def _protocol(self) -> Any:
        return _PROTOCOLS[self.protocol](self._model, self._model.compilers, self._operation)

    @cached_property
    def _check(self) -> Callable[[Mapping[str, Any]], None]:
        return self._model.compilers.validator.of(self.name, self._operation)

    def parse(self, request: Request) -> dict[str, Any]:
        """The params of a request, validated.  `request.body` is whole unless `input_stream` is named.

        Raises ServiceError with AWS's own words for what cannot be read and for what breaks a constraint.
        """
        try:
            if self._compressible and request.body and is_gzip(request.headers):
                request = replace(request, body=gunzip(request.body))
            params = self._protocol.parse(request)
        except (Malformed, RecursionError) as error:
            raise refusals.malformed(self.service, self.protocol, error) from error
        self._check(params)
        return params

    def validate(self, params: Mapping[str, Any]) -> None:
        """Raises ServiceError when `params` are of the wrong kinds or break the model's constraints.

        For calls that did not come by wire; it changes nothing.
        """
        if "input" in self._operation:
            shapes = self._model.shapes
            found = mismatch(shapes, shapes.at(self._operation["input"]), params)
            if found is not None:
                raise refusals.malformed(self.service, self.protocol, Malformed(found))
        self._check(params)

    def serialize(self, result: Mapping[str, Any] | None, request_id: str, status: int | None = None) -> Response:
        """`status` replaces the model's.  Members that are None are left out."""
        return self._protocol.serialize(result or {}, request_id, status)

    def error(self, error: ServiceError, request_id: str) -> Response:
        return error_response(self._model, self.protocol, error, request_id, method=self.http_method)


def error_for(models: Models, service: str | None, protocol: str | None, error: ServiceError, request_id: str, method: str = "POST") -> Response:
    """An error before the operation is known.  An unknown service is answered in `protocol`, or json."""
    model = None if service is None or service not in models.index.protocols else models.service(service)
    return error_response(model, protocol or (model.protocol if model else "json"), error, request_id, method=method)


def _member(model: ServiceModel, operation: Mapping[str, Any], side: str, kind: str) -> str | None:
    if side not in operation:
        return None
    for name, member in model.shapes.members(model.shapes.at(operation[side])).items():
        if (kind == "stream" and is_streaming(member)) or (kind == "events" and member.get("eventstream")):
            return name
    return None
