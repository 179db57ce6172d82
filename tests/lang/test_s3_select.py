"""The SQL of S3 Select, without anything running."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.lang.s3_select.failures import SelectFailed
from tule.lang.s3_select.parser import parse
from tule.lang.s3_select.query import Run
from tule.lang.s3_select.readers import CsvReader, JsonReader, Reader
from tule.lang.s3_select.records import Line
from tule.lang.s3_select.writers import csv_writer, json_writer

_DOCUMENT = {"n": 5, "s": "Hello", "none": None, "list": [1, {"x": "y"}], "price": 2.5, "Day": "2024-02-29T10:30:00Z"}


def _value(expression: str) -> str:
    """What an expression says of the document above, as CSV."""
    run = Run(parse(f"SELECT {expression} AS v FROM S3Object s"))
    rows = [row for record in JsonReader(is_lines=False).end() for row in run.take(record)]
    assert not rows
    reader = JsonReader(is_lines=False)
    list(reader.feed(json.dumps(_DOCUMENT).encode()))
    return "".join(csv_writer({})(row) for record in reader.end() for row in run.take(record)).removesuffix("\n")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("s.n + 2 * 3", "11"),
        ("(s.n + 2) * 3", "21"),
        ("s.n / 2", "2"),
        ("-7 % 3", "-1"),
        ("s.price * 2", "5"),
        ("UPPER(s.s) || '!'", "HELLO!"),
        ("SUBSTRING(s.s, 2, 3)", "ell"),
        ("SUBSTRING(s.s FROM 4)", "lo"),
        ("TRIM(BOTH 'Ho' FROM s.s)", "ell"),
        ("CHAR_LENGTH(s.s)", "5"),
        ("s.list[1].x", "y"),
        ('s."n"', "5"),
        ('s."N"', ""),
        ("s.N", "5"),
        ("COALESCE(s.none, s.absent, 'x')", "x"),
        ("NULLIF(s.n, 5) IS NULL", "true"),
        ("s.absent IS MISSING", "true"),
        ("s.none IS MISSING", "false"),
        ("s.none IS NULL", "true"),
        ("CASE WHEN s.n > 3 THEN 'big' ELSE 'small' END", "big"),
        ("CASE s.n WHEN 5 THEN 'five' END", "five"),
        ("s.s LIKE 'H_l%'", "true"),
        ("s.s LIKE 'H!_%' ESCAPE '!'", "false"),
        ("s.n IN (1, 5)", "true"),
        ("s.n NOT BETWEEN 1 AND 4", "true"),
        ("s.none = 1 OR TRUE", "true"),
        ("s.none = 1 AND TRUE", ""),
        ("NOT s.none = 1", ""),
        ("CAST('12' AS INT) + 1", "13"),
        ("CAST(s.n AS STRING) || 'x'", "5x"),
        ("EXTRACT(YEAR FROM CAST(s.Day AS TIMESTAMP))", "2024"),
        ("DATE_ADD(year, 1, CAST(s.Day AS TIMESTAMP))", "2025-02-28T10:30:00Z"),
        ("DATE_DIFF(day, `2024-01-01T`, `2024-02-01T`)", "31"),
        ("TO_STRING(CAST(s.Day AS TIMESTAMP), 'MMMM d, y h:mm a')", '"February 29, 2024 10:30 AM"'),
    ],
)
def test_expressions(expression: str, value: str) -> None:
    assert _value(expression) == value


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT * FROM other", "InvalidTableAlias"),
        ("SELECT * FROM S3Object WHERE", "ParseUnexpectedToken"),
        ("SELECT * FROM S3Object LIMIT x", "ParseUnexpectedToken"),
        ("SELECT NOTHING(1) FROM S3Object", "UnsupportedFunction"),
        ("SELECT ? FROM S3Object", "LexerInvalidChar"),
        ("SELECT * FROM S3Object WHERE COUNT(*) > 1", "ParseUnsupportedSyntax"),
    ],
)
def test_bad_queries_are_refused(query: str, code: str) -> None:
    with pytest.raises(SelectFailed) as caught:
        parse(query)
    assert caught.value.code == code


def _records(reader: Reader, data: bytes, step: int) -> list[object]:
    found = [record for at in range(0, len(data), step) for record in reader.feed(data[at : at + step])]
    return [*found, *reader.end()]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")), min_size=2, max_size=4), max_size=6), st.integers(1, 9))
def test_csv_comes_through_whatever_its_pieces(rows: list[list[str]], step: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    found = _records(CsvReader({}), text.getvalue().encode(), step)
    assert [list(line.fields) for line in found if isinstance(line, Line)] == rows


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), max_size=6), st.integers(1, 9))
def test_json_comes_through_whatever_its_pieces(values: list[dict[str, object]], step: int) -> None:
    data = "".join(json.dumps(value) + "\n" for value in values).encode()
    assert _records(JsonReader(is_lines=True), data, step) == values


def test_a_header_names_columns_or_is_left_out() -> None:
    data = b"a,b\n1,2\n"
    run = Run(parse("SELECT * FROM S3Object"))
    named = [json_writer({})(row) for record in _records(CsvReader({"FileHeaderInfo": "USE"}), data, 3) for row in run.take(record)]
    assert named == ['{"a":"1","b":"2"}\n']
    ignored = [json_writer({})(row) for record in _records(CsvReader({"FileHeaderInfo": "IGNORE"}), data, 3) for row in run.take(record)]
    assert ignored == ['{"_1":"1","_2":"2"}\n']
