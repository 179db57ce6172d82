"""What a reader raises when the bytes cannot be what the model says; each protocol turns it into AWS's own error."""

from __future__ import annotations


class Malformed(ValueError):
    """The message is what AWS's SerializationException would say."""
