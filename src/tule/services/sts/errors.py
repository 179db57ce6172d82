"""STS's errors, with AWS's own codes and texts.  AWS: STS API reference, the `Errors` section of each action."""

from __future__ import annotations

from tule.core.errors import ServiceError


def access_denied(message: str) -> ServiceError:
    return ServiceError("AccessDenied", message, 403)


def validation_error(message: str) -> ServiceError:
    return ServiceError("ValidationError", message, 400)


def invalid_parameter(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message, 400)


def malformed_policy(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message, 400)


def packed_policy_too_large(percent: int) -> ServiceError:
    return ServiceError("PackedPolicyTooLarge", f"Packed policy consumes {percent}% of allotted space, please use smaller policy.", 400)


def invalid_identity_token(message: str) -> ServiceError:
    return ServiceError("InvalidIdentityToken", message, 400)


def expired_token(message: str) -> ServiceError:
    return ServiceError("ExpiredTokenException", message, 400)


def invalid_mfa_code() -> ServiceError:
    return access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
