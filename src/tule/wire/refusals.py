"""The errors that AWS's own front answers before a service sees a request, per protocol and service."""

from __future__ import annotations

from tule.core.errors import ServiceError


def malformed(service: str, protocol: str, message: str) -> ServiceError:
    """The bytes are not what the model says."""
    if service == "s3":
        return ServiceError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400)
    if protocol == "rest-xml":
        return ServiceError("InvalidInput" if service == "route53" else "MalformedInput", message, 400)
    if protocol in ("query", "ec2"):
        return ServiceError("MalformedInput" if protocol == "query" else "InvalidParameterValue", message, 400)
    return ServiceError("SerializationException", message, 400)


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
