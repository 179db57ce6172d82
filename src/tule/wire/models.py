"""The botocore models, loaded one service at a time and compiled one operation at a time.

A model is read as plain data from botocore's own data directory; botocore itself is not imported.  What a model says
wrong or no longer says (the query dress of SQS) is mended by data in `data/patches/<service>.json`, a JSON merge patch
(RFC 7396) over the model.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from tule.core.errors import not_implemented
from tule.wire.codec import Compilers, OperationCodec
from tule.wire.index import Index, load_index
from tule.wire.routes import Routes
from tule.wire.shapes import Shapes

SERVICES: tuple[str, ...] = (
    "lambda",
    "apigateway",
    "apigatewayv2",
    "apigatewaymanagementapi",
    "appsync",
    "cognito-idp",
    "cognito-identity",
    "cognito-sync",
    "iam",
    "sts",
    "dynamodb",
    "dynamodbstreams",
    "s3",
    "s3control",
    "rds-data",
    "rds",
    "elasticache",
    "opensearch",
    "es",
    "kinesis",
    "firehose",
    "dms",
    "sqs",
    "sns",
    "events",
    "scheduler",
    "pipes",
    "schemas",
    "ses",
    "sesv2",
    "stepfunctions",
    "cloudfront",
    "cloudfront-keyvaluestore",
    "route53",
    "acm",
    "amplify",
    "shield",
    "wafv2",
    "kms",
    "ssm",
    "secretsmanager",
    "cloudtrail",
    "logs",
    "cloudwatch",
    "xray",
    "cloudformation",
    "codedeploy",
    "serverlessrepo",
    "budgets",
    "ce",
    "pricing",
    "application-autoscaling",
    "resource-groups",
    "resourcegroupstaggingapi",
    "cloudcontrol",
    "ec2",
)

_PATCHES = Path(__file__).parent / "data" / "patches"


class ServiceModel:
    """One service: its metadata, shapes and operations, and the codecs compiled from them so far."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self.name = name
        self.metadata: Mapping[str, Any] = document["metadata"]
        self.shapes = Shapes(document["shapes"])
        self.operations: Mapping[str, Mapping[str, Any]] = document["operations"]
        self.query_compatible: bool = "awsQueryCompatible" in self.metadata
        self._codecs: dict[tuple[str, str], OperationCodec] = {}

    @property
    def protocol(self) -> str:
        """What botocore's client speaks: `json`, `query`, `ec2`, `rest-json`, `rest-xml` or `smithy-rpc-v2-cbor`."""
        return self.metadata["protocol"]

    @cached_property
    def protocols(self) -> tuple[str, ...]:
        """All that the service speaks, its own choice first."""
        return tuple(dict.fromkeys((self.protocol, *self.metadata.get("protocols", ()))))

    @cached_property
    def compilers(self) -> Compilers:
        return Compilers(self)

    @cached_property
    def error_shapes(self) -> Mapping[str, str]:
        """Shape names of errors by name and by the code that the query protocol gives them."""
        return self.shapes.error_names()

    @cached_property
    def routes(self) -> Routes:
        return Routes(self.name, self.operations, self.shapes)

    def operation(self, name: str, protocol: str | None = None) -> OperationCodec:
        """The codec of an operation in a protocol (the model's own when None); raises KeyError for an unknown name."""
        key = (name, protocol or self.protocol)
        codec = self._codecs.get(key)
        if codec is None:
            codec = self._codecs[key] = OperationCodec(self, name, self.operations[name], key[1])
        return codec


class Models:
    """All services, by botocore's names."""

    def __init__(self) -> None:
        self._services: dict[str, ServiceModel] = {}
        spec = find_spec("botocore")
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError("botocore is not installed: its models are needed")
        self._data = Path(spec.submodule_search_locations[0]) / "data"

    @cached_property
    def index(self) -> Index:
        return load_index()

    def service(self, name: str) -> ServiceModel:
        """Raises ServiceError (501 NotImplemented) for a name that is not one of SERVICES."""
        model = self._services.get(name)
        if model is None:
            if name not in SERVICES:
                raise not_implemented(name)
            model = self._services[name] = ServiceModel(name, self._load(name))
        return model

    def operation(self, service: str, name: str) -> OperationCodec:
        """The codec of an operation in the service's own protocol; 501 where the model does not know it."""
        model = self.service(service)
        if name not in model.operations:
            raise not_implemented(service, name)
        return model.operation(name)

    def _load(self, name: str) -> dict[str, Any]:
        version = max(entry.name for entry in (self._data / name).iterdir() if (entry / "service-2.json.gz").exists())
        document = orjson.loads(gzip.decompress((self._data / name / version / "service-2.json.gz").read_bytes()))
        patch = _PATCHES / f"{name}.json"
        return merged(document, orjson.loads(patch.read_bytes())) if patch.exists() else document


def merged(document: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7396: objects merge, null removes, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
