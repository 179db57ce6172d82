"""What the data plane refuses: keys, items, conditions, throughput.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tule.core.errors import ServiceError
from tule.services.dynamodb.errors import parameter_values, validation


def key_mismatch() -> ServiceError:
    return validation("The provided key element does not match the schema")


class EmptyKey(ServiceError):
    """An empty value where a key is: refused before anything is looked at, also in a transaction."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message, 400)


def empty_key(name: str, kind: str) -> ServiceError:
    """`kind` is "string" or "binary"."""
    return EmptyKey(
        f"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {name}"
    )


def empty_index_key(index: str, name: str, kind: str) -> ServiceError:
    return EmptyKey(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key"
        f" attribute cannot contain an empty {kind} value. IndexName: {index}, IndexKey: {name}"
    )


def index_key_mismatch(index: str, name: str, expected: str, actual: str) -> ServiceError:
    return parameter_values(f"Type mismatch for Index Key {name} Expected: {expected} Actual: {actual} IndexName: {index}")


def hash_key_too_long() -> ServiceError:
    return parameter_values("Size of hashkey has exceeded the maximum size limit of2048 bytes")


def range_key_too_long() -> ServiceError:
    return parameter_values("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def item_too_large() -> ServiceError:
    return validation("Item size has exceeded the maximum allowed size")


def updated_item_too_large() -> ServiceError:
    return validation("Item size to update has exceeded the maximum allowed size")


def condition_failed(item: object = None) -> ServiceError:
    """`item` as it was found, where the request asked for it."""
    fields = {} if item is None else {"Item": item}
    return ServiceError("ConditionalCheckFailedException", "The conditional request failed", 400, fields=fields)


def throughput_exceeded() -> ServiceError:
    return ServiceError(
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the"
        " UpdateTable API.",
        400,
    )


def no_index(name: str) -> ServiceError:
    return validation(f"The table does not have the specified index: {name}")


def starting_key_invalid(why: str = "") -> ServiceError:
    return validation(f"The provided starting key is invalid{': ' + why if why else ''}")


def index_throughput_exceeded() -> ServiceError:
    return ServiceError(
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing"
        " your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API",
        400,
    )


def maximum_exceeded() -> ServiceError:
    return ServiceError("ThrottlingException", "Throughput exceeds the maximum OnDemandThroughput configured on table or index", 400)


def return_values_invalid() -> ServiceError:
    return validation("Return values set to invalid value")


def nested_index_key(name: str) -> ServiceError:
    return validation(f"Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: {name}")


def transaction_cancelled(reasons: Sequence[Mapping[str, Any]]) -> ServiceError:
    """`reasons` are CancellationReasons, one for each write in the request's order."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return ServiceError("TransactionCanceledException", message, 400, fields={"CancellationReasons": list(reasons)})


def collection_too_large() -> ServiceError:
    return ServiceError("ItemCollectionSizeLimitExceededException", "Collection size exceeded.", 400)


def token_reused() -> ServiceError:
    return ServiceError("IdempotentParameterMismatchException", "The requested idempotency token was previously used with different parameters.", 400)
