"""The AWS protocols, server side, compiled from the botocore models: bytes to plain dicts and back."""
