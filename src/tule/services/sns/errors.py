"""SNS's errors, with AWS's codes and texts.  AWS: https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html"""

from __future__ import annotations

from tule.core.errors import ServiceError


def invalid_parameter(what: str) -> ServiceError:
    """`what` as it stands behind `Invalid parameter: `."""
    return ServiceError("InvalidParameter", f"Invalid parameter: {what}", 400)


def invalid_reason(parameter: str, reason: str) -> ServiceError:
    return invalid_parameter(f"{parameter} Reason: {reason}")


def invalid_token() -> ServiceError:
    return ServiceError("InvalidParameter", "Invalid token", 400)


def invalid_value(message: str) -> ServiceError:
    """Of a message attribute."""
    return ServiceError("ParameterValueInvalid", message, 400)


def not_found(what: str) -> ServiceError:
    return ServiceError("NotFound", f"{what} does not exist", 404)


def no_topic() -> ServiceError:
    return not_found("Topic")


def no_subscription() -> ServiceError:
    return not_found("Subscription")


def resource_not_found() -> ServiceError:
    return ServiceError("ResourceNotFound", "Resource does not exist", 404)


def not_authorized(reason: str = "") -> ServiceError:
    return ServiceError("AuthorizationError", f"Not authorized{': ' + reason if reason else ''}", 403)


def sensitive_data() -> ServiceError:
    return not_authorized("The message contains sensitive data that the data protection policy of the topic denies")


def endpoint_disabled() -> ServiceError:
    return ServiceError("EndpointDisabled", "Endpoint is disabled", 400)


def application_disabled() -> ServiceError:
    return ServiceError("PlatformApplicationDisabled", "Platform application is disabled", 400)


def filter_policy_limit() -> ServiceError:
    return ServiceError("FilterPolicyLimitExceeded", "Filter policy limit exceeded", 403)


def tag_limit() -> ServiceError:
    return ServiceError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded", 400)


def key_refused(kind: str, message: str) -> ServiceError:
    """KMS refuses the topic's key; `kind` is such as `AccessDenied`."""
    return ServiceError(f"KMS{kind}", message, 400)


def invalid_state(message: str) -> ServiceError:
    return ServiceError("InvalidState", message, 400)


def empty_batch() -> ServiceError:
    return ServiceError("EmptyBatchRequest", "The batch request doesn't contain any entries.", 400)


def too_many_entries() -> ServiceError:
    return ServiceError("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.", 400)


def entry_ids_not_distinct() -> ServiceError:
    return ServiceError("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.", 400)


def entry_id_too_long(id: str) -> ServiceError:
    return ServiceError("InvalidBatchEntryId", f"The Id of a batch entry in the batch request is too long: {id}", 400)


def entry_id_impermissible(id: str) -> ServiceError:
    return ServiceError("InvalidBatchEntryId", f"The Id of a batch entry in the batch request contains an impermissible character: {id}", 400)


def batch_too_long() -> ServiceError:
    return ServiceError("BatchRequestTooLong", "The length of all the messages put together is more than the limit.", 400)


def verification_failed() -> ServiceError:
    return ServiceError("VerificationException", "The verification code is invalid.", 400)


def invalid_sms(number: str) -> ServiceError:
    return ServiceError("InvalidParameter", f"Invalid SMS endpoint: {number}", 400)
