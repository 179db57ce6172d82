"""Writing rows as CSV and JSON.  AWS: S3 API reference, OutputSerialization."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import orjson

from tule.lang.s3_select import timestamps
from tule.lang.s3_select.query import Row
from tule.lang.s3_select.values import MISSING, Value, shown


def csv_writer(form: Mapping[str, Any]) -> Callable[[Row], str]:
    """`form` is AWS's CSVOutput."""
    field, end = form.get("FieldDelimiter", ","), form.get("RecordDelimiter", "\n")
    quote, always = form.get("QuoteCharacter", '"'), form.get("QuoteFields") == "ALWAYS"
    escape = form.get("QuoteEscapeCharacter", quote)

    def written(value: Value) -> str:
        text = orjson.dumps(_plain(value)).decode() if isinstance(value, (dict, list)) else shown(value)
        if always or any(part and part in text for part in (field, end, quote, "\n", "\r")):
            return quote + text.replace(quote, escape + quote) + quote
        return text

    return lambda row: field.join(written(value) for _, value in _pairs(row)) + end


def json_writer(form: Mapping[str, Any]) -> Callable[[Row], str]:
    """`form` is AWS's JSONOutput."""
    end = form.get("RecordDelimiter", "\n")

    def written(row: Row) -> str:
        value = {name: value for name, value in _pairs(row) if value is not MISSING}
        return orjson.dumps(_plain(value)).decode() + end

    return written


def _is_pairs(row: Row) -> bool:
    return isinstance(row, list) and all(isinstance(pair, tuple) for pair in cast("list[Any]", row))


def _pairs(row: Row) -> list[tuple[str, Value]]:
    if _is_pairs(row):
        return cast("list[tuple[str, Value]]", row)
    return list(cast("dict[str, Any]", row).items()) if isinstance(row, dict) else [("_1", row)]


def _plain(value: Any) -> Any:
    """What JSON can say."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and "E" not in str(value) and "." not in str(value) else float(value)
    if isinstance(value, datetime):
        return timestamps.shown(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    return None if value is MISSING else value
