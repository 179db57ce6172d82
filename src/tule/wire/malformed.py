"""What a reader raises when the bytes cannot be what the model says; each protocol turns it into AWS's own error."""

from __future__ import annotations


class Malformed(ValueError):
    """The message is what AWS's SerializationException would say."""


class MalformedArgument(Malformed):
    """A header, query parameter or label whose text cannot be read: `name` is its name on the wire."""

    def __init__(self, name: str, text: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.text = text
