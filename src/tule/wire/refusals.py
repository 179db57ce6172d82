"""The errors that AWS's own front answers before a service sees a request, per protocol and service."""

from __future__ import annotations

from tule.core.errors import ServiceError
from tule.wire.malformed import Malformed, MalformedArgument

_MALFORMED_XML = "The XML you provided was not well-formed or did not validate against our published schema"


def malformed(service: str, protocol: str, error: Malformed | RecursionError) -> ServiceError:
    """The bytes are not what the model says."""
    message = "The request is nested too deeply" if isinstance(error, RecursionError) else str(error)
    if service in ("s3", "s3control"):
        if isinstance(error, MalformedArgument):
            return _invalid_argument(error)
        return ServiceError("MalformedXML", _MALFORMED_XML, 400)
    if protocol == "rest-xml":
        return ServiceError("InvalidInput" if service == "route53" else "MalformedInput", message, 400)
    if protocol in ("query", "ec2"):
        return ServiceError("MalformedInput" if protocol == "query" else "InvalidParameterValue", message, 400)
    if service in ("dynamodb", "dynamodbstreams"):
        if message.startswith("Unable to parse JSON"):
            return ServiceError("SerializationException", "", 400)
        message = message.replace("can not be converted to an ", "cannot be converted to ").replace(
            "can not be converted to a ", "cannot be converted to "
        )
    return ServiceError("SerializationException", message, 400)


def _invalid_argument(error: MalformedArgument) -> ServiceError:
    """S3 names the argument and what it was."""
    message = f"Provided {error.name} not an integer or within integer range"
    if error.name == "Key":
        return ServiceError("InvalidURI", "Couldn't parse the specified URI.", 400, fields={"URI": error.text})
    if error.name == "partNumber":
        message = "Part number must be an integer between 1 and 10000, inclusive"
    return ServiceError("InvalidArgument", message, 400, fields={"ArgumentName": error.name, "ArgumentValue": error.text})


def unknown_operation(protocol: str, service: str | None, detail: str = "", version: str = "") -> ServiceError:
    """Nothing in the model answers to the request."""
    if protocol == "smithy-rpc-v2-cbor":
        return ServiceError("UnknownOperationException", "", 404)
    if protocol == "json":
        return ServiceError("UnknownOperationException", "", 400)
    if protocol == "rest-json":
        if service in ("apigateway", "apigatewayv2", "execute-api"):
            return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        return ServiceError("UnknownOperationException", "", 404)
    if service == "s3":
        return ServiceError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    if protocol == "rest-xml":
        return ServiceError("UnknownOperationException", "", 404)
    if protocol == "ec2":
        return ServiceError("InvalidAction", f"The action {detail} is not valid for this web service.", 400)
    return ServiceError("InvalidAction", f"Could not find operation {detail} for version {version}", 400)


def missing_action() -> ServiceError:
    return ServiceError("MissingAction", "The request must contain the parameter Action", 400)
