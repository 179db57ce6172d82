"""JSON as AWS's Python runtime reads and writes it: with simplejson's ways (named tuples are objects, decimals keep their digits)."""

import decimal
import json
import os
import re
import uuid

UNICODE_AS_IT_IS = ("AWS_Lambda_python3.12", "AWS_Lambda_python3.13", "AWS_Lambda_python3.14")


def parse(raw):
    return json.loads(raw.decode("utf-8"))


def serialize(value):
    """Bytes are passed through; everything else is JSON."""
    if isinstance(value, bytes):
        return value
    encoder = _Encoder()
    text = encoder.encode(_plain(value))
    return encoder.with_decimals(text).encode("utf-8", "surrogatepass")


class _Encoder(json.JSONEncoder):
    def __init__(self):
        json.JSONEncoder.__init__(self, ensure_ascii=os.environ.get("AWS_EXECUTION_ENV") not in UNICODE_AS_IT_IS, allow_nan=True)
        self._mark = ""

    def default(self, o):
        if isinstance(o, decimal.Decimal):
            if o.is_nan():
                return float("nan")
            self._mark = self._mark or uuid.uuid4().hex
            return self._mark + str(o)
        return json.JSONEncoder.default(self, o)

    def with_decimals(self, text):
        return re.sub('"%s([^"]*)"' % self._mark, r"\1", text) if self._mark else text


def _plain(value):
    """Named tuples become objects."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if hasattr(value, "_asdict"):
            return {key: _plain(item) for key, item in value._asdict().items()}
        return [_plain(item) for item in value]
    return value
