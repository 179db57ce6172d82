"""Properties against the schemas of resource types."""

from __future__ import annotations

import pytest

from tule.services.cloudformation.engine import physical
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.schemas import conform, schemas
from tule.services.cloudformation.template.evaluate import UNKNOWN

CODE = {"Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::111122223333:role/r"}


def test_all_types_of_aws_are_known_and_others_are_not():
    assert {"AWS::Lambda::Function", "AWS::S3::Bucket", "AWS::IAM::Role", "AWS::CloudFormation::Stack"} <= schemas.type_names()
    assert len(schemas.type_names()) > 1_500
    assert schemas.find("AWS::Nothing::Here") is None


def test_every_schema_can_be_read():
    for name in schemas.type_names():
        schema = schemas.find(name)
        assert schema is not None
        assert isinstance(schema.get("properties", {}), dict)


def test_text_becomes_numbers_and_booleans_where_the_schema_has_them():
    given = {**CODE, "Timeout": "30", "MemorySize": 256.0, "Environment": {"Variables": {"Number": 1, "Flag": True}}}
    made = conform.conformed("F", "AWS::Lambda::Function", given)
    assert made["Timeout"] == 30
    assert made["MemorySize"] == 256
    assert made["Environment"] == {"Variables": {"Number": "1", "Flag": "true"}}
    topic = conform.conformed("T", "AWS::SNS::Topic", {"FifoTopic": "true", "DisplayName": 12})
    assert topic == {"FifoTopic": True, "DisplayName": "12"}


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({**CODE, "Timeout": "soon"}, "[#/Timeout: expected type: Integer, found: String]"),
        ({"Code": {"ZipFile": "x"}}, "[#: required key [Role] not found]"),
        ({**CODE, "Code": {"ZipFile": "x", "Zip": 1}}, "[#/Code: extraneous key [Zip] is not permitted]"),
        ({**CODE, "MemorySize": 1}, "[#/MemorySize: 1 is not greater or equal to 128]"),
        ({**CODE, "PackageType": "Tar"}, "[#/PackageType: Tar is not a valid enum value]"),
    ],
)
def test_what_the_schema_refuses_is_said_with_its_place(properties, message):
    with pytest.raises(TemplateError) as refused:
        conform.conformed("F", "AWS::Lambda::Function", properties)
    assert refused.value.message == f"Properties validation failed for resource F with message:\n{message}"


def test_what_is_not_known_yet_is_left_alone():
    made = conform.conformed("F", "AWS::Lambda::Function", {**CODE, "Role": UNKNOWN, "Timeout": UNKNOWN})
    assert made["Role"] is UNKNOWN


def test_a_property_that_the_type_does_not_have_is_found():
    assert conform.unsupported({"TopicName": "x", "Colour": "red"}, "AWS::SNS::Topic") == "Colour"
    assert conform.unsupported({"ServiceToken": "x", "Anything": 1}, "AWS::CloudFormation::CustomResource") is None


def test_the_schema_says_which_properties_make_a_new_resource():
    assert "TopicName" in physical.replacing_properties(None, "AWS::SNS::Topic")
    assert "DisplayName" not in physical.replacing_properties(None, "AWS::SNS::Topic")


@pytest.mark.parametrize(
    ("old", "new", "same"), [(1, "1", True), (True, "true", True), ([1], ["1"], True), ({"a": 1}, {"a": 2}, False), ("a", None, False)]
)
def test_values_are_compared_as_text(old, new, same):
    assert physical.same(old, new) is same
