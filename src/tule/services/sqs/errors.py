"""Amazon SQS's errors, with AWS's codes and texts.

Codes are those of the query protocol; `wire` finds the shape that the JSON protocol names instead.
AWS: SQS API reference, and SQS developer guide, "Troubleshooting API errors".
"""

from __future__ import annotations

from tule.core.errors import ServiceError

_PREFIX = "AWS.SimpleQueueService."
_CHARACTERS = "can only include alphanumeric and punctuation characters. 1 to 128 in length."


def no_queue() -> ServiceError:
    return ServiceError(_PREFIX + "NonExistentQueue", "The specified queue does not exist.", 400)


def deleted_recently() -> ServiceError:
    text = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
    return ServiceError(_PREFIX + "QueueDeletedRecently", text, 400)


def queue_exists(attribute: str) -> ServiceError:
    text = f"A queue already exists with the same name and a different value for attribute {attribute}"
    return ServiceError("QueueAlreadyExists", text, 400)


def purge_in_progress(name: str) -> ServiceError:
    return ServiceError(_PREFIX + "PurgeQueueInProgress", f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.", 403)


def over_limit() -> ServiceError:
    return ServiceError("OverLimit", "The maximum number of in flight messages is reached.", 403)


def throttled() -> ServiceError:
    return ServiceError("RequestThrottled", "Rate exceeded", 400)


def invalid_address(url: str) -> ServiceError:
    return ServiceError("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404)


def missing(parameter: str) -> ServiceError:
    return ServiceError("MissingParameter", f"The request must contain the parameter {parameter}.", 400)


def invalid_parameter(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message, 400)


def invalid_value(value: object, parameter: str, reason: str) -> ServiceError:
    return invalid_parameter(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


def wrong_queue_type(value: object, parameter: str) -> ServiceError:
    return invalid_value(value, parameter, "The request include parameter that is not valid for this queue type.")


def invalid_group_id(value: str) -> ServiceError:
    return invalid_value(value, "MessageGroupId", f"MessageGroupId {_CHARACTERS}")


def invalid_deduplication_id(value: str) -> ServiceError:
    return invalid_value(value, "MessageDeduplicationId", f"MessageDeduplicationId {_CHARACTERS}")


def invalid_attempt_id(value: str) -> ServiceError:
    return invalid_value(value, "ReceiveRequestAttemptId", f"ReceiveRequestAttemptId {_CHARACTERS}")


def no_deduplication_id() -> ServiceError:
    return invalid_parameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")


def message_too_long(limit: int) -> ServiceError:
    return invalid_parameter(f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.")


def invalid_contents(character: str) -> ServiceError:
    text = (
        f"Invalid binary character '#x{ord(character):X}' was found in the message body, the set of allowed characters is"
        " #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]"
    )
    return ServiceError("InvalidMessageContents", text, 400)


def unknown_attribute(name: str) -> ServiceError:
    return ServiceError("InvalidAttributeName", f"Unknown Attribute {name}.", 400)


def invalid_attribute(name: str) -> ServiceError:
    return ServiceError("InvalidAttributeValue", f"Invalid value for the parameter {name}.", 400)


def invalid_attributes(message: str) -> ServiceError:
    return ServiceError("InvalidAttributeValue", message, 400)


def invalid_handle() -> ServiceError:
    return ServiceError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.", 404)


def handle_of_other_queue(handle: str) -> ServiceError:
    return ServiceError("ReceiptHandleIsInvalid", f'The receipt handle "{handle}" is not valid for this queue.', 404)


def handle_expired(handle: str) -> ServiceError:
    return invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")


def not_available(handle: str) -> ServiceError:
    return invalid_value(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")


def empty_batch(entry: str) -> ServiceError:
    return ServiceError(_PREFIX + "EmptyBatchRequest", f"There should be at least one {entry} in the request.", 400)


def too_many_entries(count: int) -> ServiceError:
    text = f"Maximum number of entries per request are 10. You have sent {count}."
    return ServiceError(_PREFIX + "TooManyEntriesInBatchRequest", text, 400)


def batch_too_long(limit: int, size: int) -> ServiceError:
    return ServiceError(_PREFIX + "BatchRequestTooLong", f"Batch requests cannot be longer than {limit} bytes. You have sent {size} bytes.", 400)


def entry_ids_not_distinct(repeated: str) -> ServiceError:
    return ServiceError(_PREFIX + "BatchEntryIdsNotDistinct", f"Id {repeated} repeated.", 400)


def invalid_entry_id() -> ServiceError:
    text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    return ServiceError(_PREFIX + "InvalidBatchEntryId", text, 400)


def no_resource(parameter: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"The resource that you specified for the {parameter} parameter doesn't exist.", 404)


def no_task() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "Task does not exist.", 404)


def key_refused(kind: str, message: str) -> ServiceError:
    """KMS refuses the queue's key; `kind` is such as `AccessDenied`."""
    return ServiceError(f"KMS.{kind}Exception", message, 400)


def redrive(policy: str, reason: str, parameter: str = "RedrivePolicy") -> ServiceError:
    return invalid_value(policy, parameter, reason)
