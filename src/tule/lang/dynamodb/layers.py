"""Two wordings of one refusal.

DynamoDB checks requests in one of two layers.  The older one, of BatchWriteItem, Scan and transactions, says what is wrong as
this package does at first, with the placeholder that a value came by.  The current one words some values otherwise and names no
placeholder: bare for GetItem, BatchGetItem and Query, within "1 validation error detected" for PutItem, UpdateItem and DeleteItem.
(Seen at AWS in 2026.)
"""

from __future__ import annotations

from tule.core.errors import ServiceError, validation

ENVELOPE = "1 validation error detected: "


class Layered(ServiceError):
    """A ValidationException that the current layer words otherwise."""

    def __init__(self, older: str, current: str) -> None:
        super().__init__("ValidationException", older, 400)
        self.current = current


def current(error: ServiceError, *, enveloped: bool = False) -> ServiceError:
    """The refusal in the current layer's words."""
    if error.code != "ValidationException":
        return error
    message = error.current if isinstance(error, Layered) else error.message
    return validation(ENVELOPE + message if enveloped else message)
