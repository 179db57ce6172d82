"""Schedule groups through the API."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.scheduler.given import refused


def arn(account: Account, name: str) -> str:
    return f"arn:aws:scheduler:us-east-1:{account.id}:schedule-group/{name}"


def test_a_group_is_active(aws: Account) -> None:
    assert aws.scheduler.create_schedule_group(Name="g")["ScheduleGroupArn"] == arn(aws, "g")
    group = aws.scheduler.get_schedule_group(Name="g")
    assert (group["Arn"], group["Name"], group["State"]) == (arn(aws, "g"), "g", "ACTIVE")
    assert group["CreationDate"] == group["LastModificationDate"]


def test_every_account_has_its_default_group(aws: Account) -> None:
    assert [group["Name"] for group in aws.scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default"]
    with pytest.raises(ClientError) as error:
        aws.scheduler.delete_schedule_group(Name="default")
    assert refused(error)[0] == "ValidationException"
    with pytest.raises(ClientError) as error:
        aws.scheduler.create_schedule_group(Name="default")
    assert refused(error) == ("ConflictException", "Schedule group default already exists.", 409)


def test_groups_are_listed_page_by_page(aws: Account) -> None:
    for name in ("b", "a", "aa"):
        aws.scheduler.create_schedule_group(Name=name)
    pages = aws.scheduler.get_paginator("list_schedule_groups").paginate(PaginationConfig={"PageSize": 2})
    assert [[group["Name"] for group in page["ScheduleGroups"]] for page in pages] == [["a", "aa"], ["b", "default"]]
    assert [group["Name"] for group in aws.scheduler.list_schedule_groups(NamePrefix="a")["ScheduleGroups"]] == ["a", "aa"]


def test_a_group_has_tags(aws: Account) -> None:
    aws.scheduler.create_schedule_group(Name="g", Tags=[{"Key": "a", "Value": "1"}])
    aws.scheduler.tag_resource(ResourceArn=arn(aws, "g"), Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert aws.scheduler.list_tags_for_resource(ResourceArn=arn(aws, "g"))["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    aws.scheduler.untag_resource(ResourceArn=arn(aws, "g"), TagKeys=["a"])
    assert aws.scheduler.list_tags_for_resource(ResourceArn=arn(aws, "g"))["Tags"] == [{"Key": "b", "Value": "2"}]
    with pytest.raises(ClientError) as error:
        aws.scheduler.list_tags_for_resource(ResourceArn=arn(aws, "none"))
    assert refused(error) == ("ResourceNotFoundException", "Schedule group none does not exist.", 404)


def test_the_same_request_with_the_same_token_is_one(aws: Account) -> None:
    first = aws.scheduler.create_schedule_group(Name="g", ClientToken="t")
    assert aws.scheduler.create_schedule_group(Name="g", ClientToken="t")["ScheduleGroupArn"] == first["ScheduleGroupArn"]
    with pytest.raises(ClientError) as error:
        aws.scheduler.create_schedule_group(Name="g", ClientToken="u")
    assert refused(error)[0] == "ConflictException"
