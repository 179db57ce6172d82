"""The parts of a Signature Version 4: from the Authorization header, or from the query of a pre-signed URL.

AWS: "Elements of an AWS API request signature", "Authenticating Requests: Using Query Parameters" (S3 API reference).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from tule.access.refusals import Family, bad_signature, incomplete
from tule.core.errors import ServiceError

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_EXPIRES_S = 604_800
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_PARTS = re.compile(r"([A-Za-z]+)\s*=\s*([^,\s]*)")
_DATE = re.compile(r"\d{8}\Z")
_HEX = frozenset("0123456789abcdef")


@dataclass(slots=True, frozen=True)
class Scope:
    """Who signed what: all of a signature but the signature itself.  `text` is `date/region/service/aws4_request`."""

    access_key: str
    date: str
    region: str
    service: str
    text: str
    signed_headers: tuple[str, ...]
    signed_text: str


@dataclass(slots=True, frozen=True)
class Presigned:
    """A signature in the query.  `expires_s` counts from `date` (`20240501T120000Z`)."""

    scope: Scope
    signature: str
    date: str
    expires_s: int
    token: str
    payload: str


def of_header(authorization: str, kind: Family, date: str | None) -> tuple[Scope, str]:
    """The scope and the signature; raises ServiceError for what is missing or cannot be read."""
    head, _, signature = authorization.rpartition("Signature=")
    if len(signature) == 64 and head:
        return _scope_of_header(head, kind), signature
    return _scope_of_odd_header(authorization, kind, date)


@lru_cache(maxsize=4096)
def _scope_of_header(head: str, kind: Family) -> Scope:
    return _scope(fields_of(head), kind, head)


def _scope_of_odd_header(authorization: str, kind: Family, date: str | None) -> tuple[Scope, str]:
    """Parts in another order, or missing."""
    fields = fields_of(authorization)
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not fields.get(name)]
    if kind is Family.S3:
        if missing:
            raise incomplete(kind, "the authorization header requires three components: Credential, SignedHeaders, and Signature.")
    else:
        complaints = [f"Authorization header requires '{name}' parameter." for name in missing]
        if date is None:
            complaints.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        if complaints:
            raise incomplete(kind, f"{' '.join(complaints)} {_hashed(authorization)}")
    return _scope(fields, kind, authorization), fields["Signature"]


def fields_of(text: str) -> dict[str, str]:
    """The `Name=value` parts of an Authorization header, between which stand commas, blanks or both."""
    return dict(_PARTS.findall(text.removeprefix(ALGORITHM)))


def _scope(fields: dict[str, str], kind: Family, authorization: str) -> Scope:
    signed = fields.get("SignedHeaders", "")
    credential = fields.get("Credential", "")
    if not signed or not credential:
        name = "SignedHeaders" if credential else "Credential"
        if kind is Family.S3:
            raise incomplete(kind, "the authorization header requires three components: Credential, SignedHeaders, and Signature.")
        raise incomplete(kind, f"Authorization header requires '{name}' parameter. {_hashed(authorization)}")
    return scope_of(credential, signed, kind)


def scope_of(credential: str, signed: str, kind: Family) -> Scope:
    """Raises ServiceError where the credential is not `key/date/region/service/aws4_request`."""
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        if kind is Family.S3:
            raise incomplete(kind, 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
        message = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
        raise incomplete(kind, f"{message} got '{credential}'.")
    key, date, region, service, terminator = parts
    if terminator != "aws4_request":
        if kind is Family.S3:
            raise incomplete(kind, f'incorrect terminal "{terminator}". This endpoint uses "aws4_request".')
        raise bad_signature(kind, f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'.")
    if not _DATE.match(date):
        if kind is Family.S3:
            raise incomplete(kind, f'incorrect date format "{date}". This date in the credential must be in the format "yyyyMMdd".')
        raise incomplete(kind, f"Date in Credential scope does not match YYYYMMDD: '{date}'.")
    if kind is Family.S3 and region == "aws-global":
        message = "The authorization header is malformed; the region 'aws-global' is wrong; expecting 'us-east-1'"
        raise ServiceError("AuthorizationHeaderMalformed", message, 400, fields={"Region": "us-east-1"})
    if not _REGION.match(region):
        if kind is Family.S3:
            raise incomplete(kind, f"the region '{region}' is wrong; expecting 'us-east-1'")
        raise bad_signature(kind, f"Credential should be scoped to a valid region, not '{region}'.")
    names = tuple(signed.lower().split(";"))
    if kind is not Family.S3 and "host" not in names and ":authority" not in names:
        raise bad_signature(kind, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    return Scope(key, date, region, service, f"{date}/{region}/{service}/aws4_request", names, signed)


def of_query(query: str, kind: Family) -> Presigned:
    """The signature of a pre-signed URL; raises ServiceError for what is missing or cannot be read."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name.startswith(("X-Amz-", "x-amz-", "X-amz-")):
            found[name.lower()] = unquote(value)
    _complete(found, kind)
    if found["x-amz-algorithm"] != ALGORITHM:
        raise unsupported_algorithm(found["x-amz-algorithm"], kind)
    expires = _expires(found.get("x-amz-expires"), kind)
    return Presigned(
        scope_of_query(found, kind),
        found["x-amz-signature"],
        found["x-amz-date"],
        expires,
        found.get("x-amz-security-token", ""),
        found.get("x-amz-content-sha256", ""),
    )


def scope_of_query(found: dict[str, str], kind: Family) -> Scope:
    try:
        return scope_of(found["x-amz-credential"], found["x-amz-signedheaders"], kind)
    except ServiceError as error:
        if kind is Family.S3 and error.code == "AuthorizationHeaderMalformed":
            text = error.message.removeprefix("The authorization header is malformed; ")
            raise query_error(f"Error parsing the X-Amz-Credential parameter; {text}") from error
        raise


def _complete(found: dict[str, str], kind: Family) -> None:
    if kind is Family.S3:
        needed = ("algorithm", "credential", "signature", "date", "signedheaders", "expires")
        if any(not found.get(f"x-amz-{name}") for name in needed):
            raise query_error(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
                "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
            )
        return
    names = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
    complaints = [f"AWS query-string parameters must include '{name}'." for name in names if not found.get(name.lower())]
    if complaints:
        raise incomplete(kind, f"{' '.join(complaints)} Re-examine the query-string parameters.")


def _expires(text: str | None, kind: Family) -> int:
    if text is None:
        return 900
    if not text.lstrip("-").isdigit():
        raise query_error("X-Amz-Expires should be a number") if kind is Family.S3 else incomplete(kind, "X-Amz-Expires should be a number")
    seconds = int(text)
    message = ""
    if seconds < 0:
        message = "X-Amz-Expires must be non-negative"
    elif seconds > MAX_EXPIRES_S:
        message = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
    if message:
        raise query_error(message) if kind is Family.S3 else incomplete(kind, message)
    return seconds


def query_error(message: str) -> ServiceError:
    return ServiceError("AuthorizationQueryParametersError", message, 400)


def unsupported_algorithm(name: str, kind: Family) -> ServiceError:
    """Other schemes than `AWS4-HMAC-SHA256`, Signature Version 4A among them."""
    if kind is Family.S3:
        if name.startswith("AWS"):
            message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
            return ServiceError("InvalidRequest", message, 400)
        fields = {"ArgumentName": "Authorization", "ArgumentValue": name}
        return ServiceError("InvalidArgument", "Unsupported Authorization Type", 400, fields=fields)
    return incomplete(kind, f"Unsupported AWS 'algorithm': '{name}'.")


def _hashed(authorization: str) -> str:
    digest = base64.b64encode(hashlib.sha256(authorization.encode()).digest()).decode()
    return f"(Hashed with SHA-256 and encoded with Base64) Authorization={digest}"
