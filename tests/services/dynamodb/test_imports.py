"""Imports from S3: DynamoDB JSON, Ion, CSV; and that Ion is read as it is written."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.node import Account
from tests.services.dynamodb.test_exports import RICH, bucket, export, recovered
from tests.services.dynamodb.test_tables import described, refused
from tule.lang.dynamodb.numbers import canonical
from tule.services.dynamodb.transfers import ion_reading, ion_writing


def creation(name: str, **more: Any) -> dict[str, Any]:
    return {
        "TableName": name,
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


def take_in(account: Account, name: str, source: dict[str, Any], format: str, **more: Any) -> dict[str, Any]:
    """Import, and the description of the ended import."""
    parameters = more.pop("parameters", None) or creation(name)
    begun = account.dynamodb.import_table(S3BucketSource=source, InputFormat=format, TableCreationParameters=parameters, **more)
    arn = begun["ImportTableDescription"]["ImportArn"]
    account.node.advance(1)
    return account.dynamodb.describe_import(ImportArn=arn)["ImportTableDescription"]


def items(account: Account, name: str) -> dict[str, Any]:
    return {item["p"]["S"]: item for item in account.dynamodb.scan(TableName=name)["Items"]}


@pytest.mark.parametrize("format", ["DYNAMODB_JSON", "ION"])
def test_what_was_exported_is_imported(turned: Account, format: str) -> None:
    name, arn = recovered(turned)
    to = bucket(turned)
    for key in ("a", "b"):
        turned.dynamodb.put_item(TableName=name, Item={"p": {"S": key}, **RICH})
    done = export(turned, arn, to, ExportFormat=format)
    source = {"S3Bucket": to, "S3KeyPrefix": f"AWSDynamoDB/{done['ExportArn'].rpartition('/')[2]}/data/"}
    shown = take_in(turned, "copy", source, format, InputCompressionType="GZIP")
    assert (shown["ImportStatus"], shown["ImportedItemCount"], shown["ErrorCount"]) == ("COMPLETED", 2, 0)
    assert described(turned, "copy")["TableStatus"] == "ACTIVE"
    assert items(turned, "copy") == items(turned, name)


def test_csv_gives_texts_and_keys_of_their_types(turned: Account) -> None:
    to = bucket(turned)
    turned.s3.put_object(Bucket=to, Key="in/1.csv", Body=b'p,n,text\na,1,hello\nb,2,"x, y"\n')
    turned.s3.put_object(Bucket=to, Key="in/2.csv", Body=b"p,n,text\nc,no number,z\nd,4\n")
    keys = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]
    kinds = [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}]
    parameters = creation("tab", KeySchema=keys, AttributeDefinitions=kinds)
    shown = take_in(turned, "tab", {"S3Bucket": to, "S3KeyPrefix": "in/"}, "CSV", parameters=parameters)
    assert (shown["ProcessedItemCount"], shown["ImportedItemCount"], shown["ErrorCount"]) == (4, 2, 2)
    assert items(turned, "tab") == {
        "a": {"p": {"S": "a"}, "n": {"N": "1"}, "text": {"S": "hello"}},
        "b": {"p": {"S": "b"}, "n": {"N": "2"}, "text": {"S": "x, y"}},
    }


def test_csv_with_a_header_and_a_delimiter_of_ones_own(turned: Account) -> None:
    to = bucket(turned)
    turned.s3.put_object(Bucket=to, Key="data", Body=b"a;1\nb;2\n")
    options = {"Csv": {"Delimiter": ";", "HeaderList": ["p", "v"]}}
    shown = take_in(turned, "tab", {"S3Bucket": to}, "CSV", InputFormatOptions=options)
    assert shown["ImportedItemCount"] == 2
    assert items(turned, "tab")["b"] == {"p": {"S": "b"}, "v": {"S": "2"}}


def test_imported_items_are_in_the_indexes(turned: Account) -> None:
    to = bucket(turned)
    lines = b"".join(json.dumps({"Item": {"p": {"S": str(number)}, "g": {"S": "x"}}}).encode() + b"\n" for number in range(250))
    turned.s3.put_object(Bucket=to, Key="all.json.gz", Body=gzip.compress(lines[:5_000]) + gzip.compress(lines[5_000:]))
    index = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}
    kinds = [{"AttributeName": name, "AttributeType": "S"} for name in "pg"]
    parameters = creation("tab", AttributeDefinitions=kinds, GlobalSecondaryIndexes=[index])
    shown = take_in(turned, "tab", {"S3Bucket": to}, "DYNAMODB_JSON", InputCompressionType="GZIP", parameters=parameters)
    assert shown["ImportedItemCount"] == 250
    assert turned.dynamodb.scan(TableName="tab", IndexName="by-g", Select="COUNT")["Count"] == 250


def test_what_an_import_refuses_and_what_fails_it(turned: Account) -> None:
    to = bucket(turned)
    absent = {"S3Bucket": f"nowhere-{turned.id}"}
    asked = {"InputFormat": "CSV", "TableCreationParameters": creation("tab")}
    code, message = refused(turned, "import_table", S3BucketSource=absent, **asked)
    assert (code, message.startswith("S3NoSuchBucket")) == ("ValidationException", True)
    shown = take_in(turned, "tab", {"S3Bucket": to}, "CSV")
    assert (shown["ImportStatus"], shown["FailureCode"]) == ("FAILED", "S3NoSuchKey")
    turned.s3.put_object(Bucket=to, Key="plain", Body=b"p\na\n")
    shown = take_in(turned, "tab2", {"S3Bucket": to}, "CSV", InputCompressionType="GZIP")
    assert shown["ImportStatus"] == "FAILED"
    assert [one["ImportStatus"] for one in turned.dynamodb.list_imports()["ImportSummaryList"]] == ["FAILED", "FAILED"]
    assert refused(turned, "import_table", S3BucketSource={"S3Bucket": to}, **asked)[0] == "ResourceInUseException"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9).map(lambda one: canonical(str(one)))
blobs = st.binary(max_size=9).map(lambda one: base64.b64encode(one).decode())
scalars = st.one_of(
    texts.map(lambda one: {"S": one}),
    numbers.map(lambda one: {"N": one}),
    blobs.map(lambda one: {"B": one}),
    st.booleans().map(lambda one: {"BOOL": one}),
    st.just({"NULL": True}),
    st.lists(texts, min_size=1, max_size=3, unique=True).map(lambda all: {"SS": all}),
    st.lists(numbers, min_size=1, max_size=3, unique=True).map(lambda all: {"NS": all}),
    st.lists(blobs, min_size=1, max_size=3, unique=True).map(lambda all: {"BS": all}),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda all: {"L": all}),
        st.dictionaries(texts, inner, max_size=3).map(lambda all: {"M": all}),
    ),
    max_leaves=8,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_ion_is_read_as_it_is_written(item: dict[str, Any]) -> None:
    line = f"$ion_1_0 {{Item:{ion_writing.item(item)}}}"
    assert list(ion_reading.values(line)) == [{"M": {"Item": {"M": item}}}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.50", {"N": "1.5"}),
        ("-2.5d3", {"N": "-2500"}),
        ("1_000e0", {"N": "1000"}),
        ("null.string", {"NULL": True}),
        ("'''a\nb''' '''c'''", {"S": "a\nbc"}),
        ('"\\x41\\u00fc\\n"', {"S": "Aü\n"}),
        ("[1, // one\n 2 /* two */]", {"L": [{"N": "1"}, {"N": "2"}]}),
        ("{'a b': true, \"c\": {{ YQ== }}}", {"M": {"a b": {"BOOL": True}, "c": {"B": "YQ=="}}}),
        ("note::symbol", {"S": "symbol"}),
    ],
)
def test_ion_as_others_write_it(text: str, value: dict[str, Any]) -> None:
    assert list(ion_reading.values(text)) == [value]


@pytest.mark.parametrize("text", ["2020-01-01T", "{a:", '"open', "{{?}}", "(a b)", "$dynamodb_SS::[1]", "[" * 60])
def test_what_is_no_ion_for_items(text: str) -> None:
    with pytest.raises(ion_reading.InvalidIon):
        list(ion_reading.values(text))
