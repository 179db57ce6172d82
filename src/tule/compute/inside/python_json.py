"""JSON as AWS's Python runtime reads and writes it."""

import decimal
import json
import os


class _Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, decimal.Decimal):
            return float(o)
        return super().default(o)


def parse(raw):
    return json.loads(raw.decode("utf-8"))


def serialize(value):
    """From Python 3.12 on, text beyond ASCII is left as it is."""
    ascii_only = os.environ.get("AWS_EXECUTION_ENV", "") < "AWS_Lambda_python3.12" or len(os.environ.get("AWS_EXECUTION_ENV", "")) == 20
    return _Encoder(ensure_ascii=ascii_only, allow_nan=True).encode(value).encode("utf-8", "surrogatepass")
