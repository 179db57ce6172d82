"""What AWS answers to credentials it does not accept, in the words of each family of services.

The same refusal has other codes on S3, on EC2, on the query services (IAM, STS, SNS) and on the JSON services.
AWS: Common Errors (IAM API reference), Error Responses (S3 API reference), "Troubleshoot Signature Version 4".
"""

from __future__ import annotations

from enum import Enum

from tule.core.errors import ServiceError
from tule.wire.http import Request

_S3_NAMES = frozenset({"s3", "s3control", "s3-control", "s3-outposts", "s3-object-lambda", "s3express"})
_QUERY_NAMES = frozenset(
    {"iam", "sts", "sns", "sqs", "rds", "elasticache", "cloudformation", "autoscaling", "ses", "email", "cloudfront", "route53", "sdb"}
)


class Family(Enum):
    """How a service words its refusals."""

    S3 = "s3"
    EC2 = "ec2"
    QUERY = "query"
    JSON = "json"
    REST = "rest"


def family(signing_name: str | None, request: Request) -> Family:
    """By the service's signing name, and by the request's form for services that speak several protocols."""
    if signing_name in _S3_NAMES or signing_name is None:
        return Family.S3
    if signing_name == "ec2":
        return Family.EC2
    if signing_name in _QUERY_NAMES:
        return Family.QUERY
    headers = request.headers
    if "x-amz-target" in headers or "smithy-protocol" in headers:
        return Family.JSON
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return Family.QUERY
    return Family.REST


def unknown_key(kind: Family, access_key: str) -> ServiceError:
    match kind:
        case Family.S3:
            message = "The AWS Access Key Id you provided does not exist in our records."
            return ServiceError("InvalidAccessKeyId", message, 403, fields={"AWSAccessKeyId": access_key})
        case Family.EC2:
            return ServiceError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
        case Family.QUERY:
            return ServiceError("InvalidClientTokenId", _INVALID_TOKEN, 403)
        case Family.JSON:
            return ServiceError("UnrecognizedClientException", _INVALID_TOKEN, 400)
        case Family.REST:
            return ServiceError("UnrecognizedClientException", _INVALID_TOKEN, 403)


def wrong_token(kind: Family, access_key: str, token: str) -> ServiceError:
    """A known temporary key with a token that is not its own, or a long-term key with a token."""
    if kind is Family.S3:
        return ServiceError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400, fields={"Token-0": token})
    return unknown_key(kind, access_key)


def expired_token(kind: Family, token: str) -> ServiceError:
    match kind:
        case Family.S3:
            return ServiceError("ExpiredToken", "The provided token has expired.", 400, fields={"Token-0": token})
        case Family.EC2:
            return ServiceError("RequestExpired", "Request has expired.", 400)
        case Family.QUERY:
            return ServiceError("ExpiredToken", "The security token included in the request is expired", 403)
        case Family.JSON:
            return ServiceError("ExpiredTokenException", "The security token included in the request is expired", 400)
        case Family.REST:
            return ServiceError("ExpiredTokenException", "The security token included in the request is expired", 403)


def bad_signature(kind: Family, message: str = "") -> ServiceError:
    """`SignatureDoesNotMatch` and its relatives; `message` where AWS is more precise than 'does not match'."""
    text = message or _MISMATCH
    match kind:
        case Family.S3:
            return ServiceError("SignatureDoesNotMatch", message or _MISMATCH_S3, 403)
        case Family.EC2:
            return ServiceError("AuthFailure", message or "AWS was not able to validate the provided access credentials", 401)
        case Family.QUERY:
            return ServiceError("SignatureDoesNotMatch", text, 403)
        case Family.JSON:
            return ServiceError("InvalidSignatureException", text, 400)
        case Family.REST:
            return ServiceError("InvalidSignatureException", text, 403)


def s3_mismatch(access_key: str, string_to_sign: bytes, provided: str, canonical_request: bytes = b"") -> ServiceError:
    """S3 shows what it has signed itself, so that the two can be compared."""
    fields = {
        "AWSAccessKeyId": access_key,
        "StringToSign": string_to_sign.decode("utf-8", "replace"),
        "SignatureProvided": provided,
        "StringToSignBytes": string_to_sign.hex(" "),
    }
    if canonical_request:
        fields["CanonicalRequest"] = canonical_request.decode("utf-8", "replace")
        fields["CanonicalRequestBytes"] = canonical_request.hex(" ")
    return ServiceError("SignatureDoesNotMatch", _MISMATCH_S3, 403, fields=fields)


def incomplete(kind: Family, message: str) -> ServiceError:
    """The signature lacks a part, or a part cannot be read."""
    match kind:
        case Family.S3:
            return ServiceError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {message}", 400)
        case Family.EC2 | Family.QUERY:
            return ServiceError("IncompleteSignature", message, 400)
        case Family.JSON:
            return ServiceError("IncompleteSignatureException", message, 400)
        case Family.REST:
            return ServiceError("IncompleteSignatureException", message, 403)


def missing_token(kind: Family) -> ServiceError:
    """No signature where one is needed."""
    match kind:
        case Family.S3:
            return ServiceError("AccessDenied", "Access Denied", 403)
        case Family.EC2:
            return ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        case Family.QUERY:
            return ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        case Family.JSON:
            return ServiceError("MissingAuthenticationTokenException", "Request is missing Authentication Token", 400)
        case Family.REST:
            return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)


_INVALID_TOKEN = "The security token included in the request is invalid."
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)
_MISMATCH_S3 = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
