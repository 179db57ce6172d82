"""botocore's side of the wire: its serializers make requests for us, its parsers read our answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
import botocore.session
from botocore.model import OperationModel
from botocore.model import ServiceModel as BotocoreModel

from tule.wire.http import Body, Request, Response
from tule.wire.models import Models

MODELS = Models()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def botocore_model(service: str) -> BotocoreModel:
    return _session().get_service_model(service)


def request_of(operation: OperationModel, protocol: str, params: Mapping[str, Any], host: str = "http://localhost:4566") -> Request:
    """The request that botocore's client sends, unsigned."""
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    request = serializer.serialize_to_request(dict(params), operation)
    botocore.awsrequest.prepare_request_dict(request, host)
    prepared = botocore.awsrequest.create_request_object(request).prepare()
    url = urlsplit(prepared.url)
    body = prepared.body
    if hasattr(body, "read"):
        body = body.read()
    data = body.encode() if isinstance(body, str) else bytes(body or b"")
    headers = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()}
    return Request(prepared.method, url.path, url.query, {**headers, "host": url.netloc}, Body.of(data), data)


class Stream:
    """What a client holds for a streaming body."""

    def __init__(self, data: Any) -> None:
        self.data = data


def answer_of(operation: OperationModel, protocol: str, response: Response) -> dict[str, Any]:
    """What botocore's client makes of our answer; errors too."""
    body: Any = response.body
    if operation.has_streaming_output and response.status < 300:
        body = Stream(response.body)
    return botocore.parsers.create_parser(protocol).parse(
        {
            "headers": botocore.awsrequest.HeadersDict(response.headers),
            "status_code": response.status,
            "body": body,
            "context": {"operation_name": operation.name},
        },
        operation.output_shape,
    )


def plain(value: Any) -> Any:
    """Times as seconds, streams as their bytes, so that both sides can be compared."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Stream):
        return value.data
    return value
