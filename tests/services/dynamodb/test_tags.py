"""Tags of tables."""

from __future__ import annotations

import pytest

from tests.node import Account
from tests.services.dynamodb.making import make_table
from tests.services.dynamodb.test_tables import described, refused


def tags(aws: Account, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in aws.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]}


def test_tags_are_put_on_changed_and_taken_off(aws: Account) -> None:
    arn = described(aws, make_table(aws, Tags=[{"Key": "a", "Value": "1"}]))["TableArn"]
    aws.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    assert tags(aws, arn) == {"a": "2", "b": ""}
    aws.dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a", "absent"])
    assert tags(aws, arn) == {"b": ""}


def test_fifty_tags_and_no_more(aws: Account) -> None:
    arn = described(aws, make_table(aws))["TableArn"]
    aws.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": str(number), "Value": "x"} for number in range(50)])
    assert len(tags(aws, arn)) == 50
    code, _ = refused(aws, "tag_resource", ResourceArn=arn, Tags=[{"Key": "more", "Value": "x"}])
    assert code == "ValidationException"


@pytest.mark.parametrize(("key", "value"), [("a!", "b"), ("a", "b%"), ("aws:mine", "x"), ("k" * 129, "x")])
def test_what_no_tag_can_be(aws: Account, key: str, value: str) -> None:
    arn = described(aws, make_table(aws))["TableArn"]
    assert refused(aws, "tag_resource", ResourceArn=arn, Tags=[{"Key": key, "Value": value}])[0] == "ValidationException"


def test_only_tables_have_tags(aws: Account) -> None:
    arn = described(aws, make_table(aws, gsi="g:S"))["TableArn"]
    code, message = refused(aws, "list_tags_of_resource", ResourceArn=f"{arn}/index/by-g")
    assert (code, "only table or stream is accepted" in message) == ("ValidationException", True)
    absent = f"{arn}x"
    assert refused(aws, "list_tags_of_resource", ResourceArn=absent) == (
        "ResourceNotFoundException",
        f"Requested resource not found: ResourcArn: {absent} not found",
    )
