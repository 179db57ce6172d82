"""Resource policies through boto3: their statements are AWS's, and they let in whom they name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import arn, create, refused, status

S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}

STATEMENTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"Principal": {"Service": "s3.amazonaws.com"}}),
    ({"SourceArn": "arn:aws:s3:::b"}, {"Principal": {"Service": "s3.amazonaws.com"}, "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}}),
    (
        {"SourceArn": "arn:aws:s3:::b", "SourceAccount": "111111111111"},
        {
            "Principal": {"Service": "s3.amazonaws.com"},
            "Condition": {"StringEquals": {"AWS:SourceAccount": "111111111111"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}},
        },
    ),
    ({"Principal": "222222222222"}, {"Principal": {"AWS": "arn:aws:iam::222222222222:root"}}),
    ({"Principal": "arn:aws:iam::222222222222:role/r"}, {"Principal": {"AWS": "arn:aws:iam::222222222222:role/r"}}),
    ({"Principal": "*", "PrincipalOrgID": "o-1234567890"}, {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}}),
    (
        {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}},
    ),
]


@pytest.mark.parametrize(("given", "shown"), STATEMENTS, ids=[str(i) for i in range(len(STATEMENTS))])
def test_a_permission_becomes_this_statement(aws: Account, given: dict[str, Any], shown: dict[str, Any]) -> None:
    create(aws)
    statement = json.loads(aws.lambda_.add_permission(FunctionName="f", **(S3 | given))["Statement"])
    wanted = {"Sid": "s3", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn(aws, "f")} | shown
    assert statement == wanted
    policy = json.loads(aws.lambda_.get_policy(FunctionName="f")["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [wanted]}


def test_permissions_are_taken_away_one_by_one(aws: Account) -> None:
    create(aws)
    for name in ("one", "two"):
        aws.lambda_.add_permission(FunctionName="f", **(S3 | {"StatementId": name}))
    aws.lambda_.remove_permission(FunctionName="f", StatementId="one")
    assert [s["Sid"] for s in json.loads(aws.lambda_.get_policy(FunctionName="f")["Policy"])["Statement"]] == ["two"]
    aws.lambda_.remove_permission(FunctionName="f", StatementId="two")
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_policy(FunctionName="f")
    assert (*refused(error), status(error)) == ("ResourceNotFoundException", "The resource you requested does not exist.", 404)


INVALID = "InvalidParameterValueException"
ABSENT = "ResourceNotFoundException"
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("add", {}, "ResourceConflictException", "The statement id (s3) provided already exists."),
    ("add", {"StatementId": "t", "Principal": "nobody"}, INVALID, "The provided principal was invalid. Please check the principal and try again."),
    ("add", {"Qualifier": "$LATEST"}, INVALID, "We currently do not support adding policies for $LATEST."),
    ("add", {"Qualifier": "42"}, ABSENT, "Function not found: {f}:42"),
    ("add", {"Qualifier": "nope"}, ABSENT, "Cannot find alias arn: {f}:nope"),
    ("add", {"FunctionName": "g"}, ABSENT, "Function not found: {g}"),
    ("add", {"StatementId": "t", "RevisionId": "old"}, "PreconditionFailedException", "The Revision Id provided does not match the latest"),
    ("remove", {"StatementId": "t", "FunctionName": "g"}, ABSENT, "No policy found for: {g}"),
    ("remove", {"StatementId": "t"}, ABSENT, "Statement t is not found in resource policy."),
]


@pytest.mark.parametrize(("operation", "asked", "code", "words"), REFUSALS, ids=[str(i) for i in range(len(REFUSALS))])
def test_what_cannot_be_done_with_permissions_is_refused_in_awss_words(
    aws: Account, operation: str, asked: dict[str, Any], code: str, words: str
) -> None:
    create(aws)
    aws.lambda_.add_permission(FunctionName="f", **S3)
    given = {"FunctionName": "f"} | (S3 if operation == "add" else {}) | asked
    with pytest.raises(ClientError) as error:
        getattr(aws.lambda_, f"{operation}_permission")(**given)
    assert refused(error)[0] == code
    assert refused(error)[1].startswith(words.format(f=arn(aws, "f"), g=arn(aws, "g")))


def test_a_version_has_a_policy_of_its_own(aws: Account) -> None:
    create(aws, Publish=True)
    aws.lambda_.add_permission(FunctionName="f", Qualifier="1", **S3)
    policy = json.loads(aws.lambda_.get_policy(FunctionName="f", Qualifier="1")["Policy"])
    assert policy["Statement"][0]["Resource"] == arn(aws, "f") + ":1"
    with pytest.raises(ClientError):
        aws.lambda_.get_policy(FunctionName="f")


def test_another_account_may_do_only_what_the_policy_says(aws: Account) -> None:
    create(aws)
    other = aws.node.fresh_account()
    name = arn(aws, "f")
    with pytest.raises(ClientError) as error:
        other.lambda_.invoke(FunctionName=name, InvocationType="DryRun")
    assert (refused(error)[0], status(error)) == ("AccessDeniedException", 403)
    aws.lambda_.add_permission(FunctionName="f", **(S3 | {"Principal": other.id}))
    assert other.lambda_.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError) as error:
        other.lambda_.get_function(FunctionName=name)
    assert refused(error)[0] == "AccessDeniedException"
