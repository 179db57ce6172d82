"""Uploads by a browser's form: the signed policy document in the form's fields.

S3 gives the fields (by lower-case name) that stand before the file.  `Authenticator.of_form` says who signed them; `check_form`
that the policy has not expired and that every field is as one of its conditions says; `check_size` that the file's size is.
AWS: "Authenticating Requests in Browser-Based Uploads Using POST", "POST Policy" (S3 API reference).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tule.access.credential import ALGORITHM, scope_of
from tule.access.refusals import Family, s3_mismatch
from tule.access.signature import signing_key
from tule.access.signature_v2 import signature_of
from tule.core.errors import ServiceError

Fields = Mapping[str, str]

# Fields that need no condition.
_FREE = frozenset({"x-amz-signature", "signature", "awsaccesskeyid", "policy", "file", "x-amz-security-token"})
_NEEDED = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy")
_NEEDED_V2 = ("awsaccesskeyid", "signature", "policy")
_SHOWN = {"policy": "policy", "awsaccesskeyid": "AWSAccessKeyId"}


@dataclass(slots=True, frozen=True)
class FormSignature:
    """What a form's signature says of itself.  `date` (20240501) and `region` are empty for Version 2."""

    access_key: str
    date: str
    region: str
    signature: str
    policy: bytes  # in base64: the string to sign
    token: str


def signature_of_form(fields: Fields) -> FormSignature | None:
    """None for a form without any signature; raises ServiceError for one with a part of it."""
    token = fields.get("x-amz-security-token", "")
    if any(name in fields for name in _NEEDED_V2[:2]):
        _all_there(fields, _NEEDED_V2)
        return FormSignature(fields["awsaccesskeyid"], "", "", fields["signature"], fields["policy"].encode(), token)
    if not any(name in fields for name in _NEEDED[:4]):
        return None
    _all_there(fields, _NEEDED)
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise ServiceError("InvalidArgument", 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"', 400)
    scope = scope_of(fields["x-amz-credential"], "host", Family.S3)
    return FormSignature(scope.access_key, scope.date, scope.region, fields["x-amz-signature"], fields["policy"].encode(), token)


def check_form_signature(form: FormSignature, secret: str) -> None:
    """Raises SignatureDoesNotMatch."""
    if form.date:
        expected = hmac.digest(signing_key(secret, form.date, form.region, "s3"), form.policy, "sha256").hex().encode()
    else:
        expected = signature_of(secret, form.policy)
    if not hmac.compare_digest(expected, form.signature.encode()):
        raise s3_mismatch(form.access_key, form.policy, form.signature)


def check_form(fields: Fields, bucket: str, now_ms: int) -> range:
    """That the policy holds; gives the file sizes in bytes that it permits.  Raises ServiceError (AccessDenied and others)."""
    document = _document(fields["policy"])
    if now_ms > _expiration_ms(document):
        raise ServiceError("AccessDenied", "Invalid according to Policy: Policy expired.", 403)
    values = {**fields, "bucket": bucket}
    spoken_of: set[str] = set()
    sizes = range(5 * 1024**3 + 1)
    for condition in document["conditions"]:
        name, limit = _check_condition(condition, values)
        spoken_of.add(name)
        sizes = limit or sizes
    extra = [name for name in fields if name not in spoken_of | _FREE and not name.startswith("x-ignore-")]
    if extra:
        raise _denied(f"Extra input fields: {extra[0]}")
    return sizes


def check_size(size: int, permitted: range) -> None:
    """Raises EntityTooLarge or EntityTooSmall."""
    if size >= permitted.stop:
        text, fields = "Your proposed upload exceeds the maximum allowed size", {"ProposedSize": size, "MaxSizeAllowed": permitted.stop - 1}
        raise ServiceError("EntityTooLarge", text, 400, fields=fields)
    if size < permitted.start:
        text, fields = "Your proposed upload is smaller than the minimum allowed size", {"ProposedSize": size, "MinSizeAllowed": permitted.start}
        raise ServiceError("EntityTooSmall", text, 400, fields=fields)


def _document(text: str) -> dict[str, Any]:
    try:
        document = orjson.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise _invalid("Invalid JSON.") from error
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    if not isinstance(document.get("expiration"), str):
        raise _invalid("Policy missing expiration.")
    if not isinstance(document.get("conditions"), list):
        raise _invalid("Policy missing conditions.")
    return document


def _expiration_ms(document: dict[str, Any]) -> int:
    try:
        if "T" not in document["expiration"]:
            raise ValueError(document["expiration"])
        moment = datetime.fromisoformat(document["expiration"])
    except ValueError as error:
        raise _invalid(f"Invalid 'expiration' value: '{document['expiration']}'") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _check_condition(condition: Any, values: Mapping[str, str]) -> tuple[str, range | None]:
    """The field that it speaks of, and the sizes that it permits where it speaks of sizes."""
    if isinstance(condition, dict) and len(condition) == 1:
        name, wanted = next(iter(condition.items()))
        return _check_field("eq", f"${name}", wanted, values, ["eq", f"${name}", wanted])
    if not isinstance(condition, list) or len(condition) != 3:
        raise _invalid("Invalid Condition: must be an object with one element or an array of three.")
    operator, first, second = str(condition[0]).lower(), condition[1], condition[2]
    if operator == "content-length-range":
        try:
            return "content-length-range", range(int(first), int(second) + 1)
        except (TypeError, ValueError) as error:
            raise _failed([str(each) for each in condition]) from error
    if operator not in ("eq", "starts-with"):
        raise _invalid(f"Invalid Simple-Condition: unknown operator '{operator}'.")
    return _check_field(operator, first, second, values, condition)


def _check_field(operator: str, field: Any, wanted: Any, values: Mapping[str, str], condition: list[Any]) -> tuple[str, None]:
    if not isinstance(field, str) or not field.startswith("$") or not isinstance(wanted, str):
        raise _invalid("Invalid Simple-Condition: value must be a string.")
    name = field[1:].lower()
    found = values.get(name, "")
    if not _holds(operator, name, found, wanted):
        raise _failed(condition)
    return name, None


def _holds(operator: str, name: str, found: str, wanted: str) -> bool:
    if operator == "eq":
        return found == wanted
    if name == "content-type" and "," in found:
        return all(part.strip().startswith(wanted) for part in found.split(","))
    return found.startswith(wanted)


def _all_there(fields: Fields, needed: tuple[str, ...]) -> None:
    for name in needed:
        if name not in fields:
            shown = _SHOWN.get(name, "-".join(part.capitalize() for part in name.split("-")))
            text = f"Bucket POST must contain a field named '{shown}'.  If it is specified, please check the order of the fields."
            raise ServiceError("InvalidArgument", text, 400, fields={"ArgumentName": shown, "ArgumentValue": ""})


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidPolicyDocument", f"Invalid Policy: {message}", 400)


def _failed(condition: list[Any]) -> ServiceError:
    return _denied(f"Policy Condition failed: [{', '.join(orjson.dumps(part).decode() for part in condition)}]")


def _denied(message: str) -> ServiceError:
    return ServiceError("AccessDenied", f"Invalid according to Policy: {message}", 403)
