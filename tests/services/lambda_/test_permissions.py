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


def test_what_cannot_be_a_permission_is_refused_in_awss_words(aws: Account) -> None:
    create(aws)
    lam = aws.lambda_
    lam.add_permission(FunctionName="f", **S3)
    refusals: list[tuple[Any, dict[str, Any], str, str]] = [
        (lam.add_permission, S3, "ResourceConflictException", "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement."),
        (lam.add_permission, S3 | {"StatementId": "t", "Principal": "nobody"}, "InvalidParameterValueException", "The provided principal was invalid. Please check the principal and try again."),
        (lam.add_permission, S3 | {"Qualifier": "$LATEST"}, "InvalidParameterValueException", "We currently do not support adding policies for $LATEST."),
        (lam.add_permission, S3 | {"Qualifier": "42"}, "ResourceNotFoundException", f"Function not found: {arn(aws, 'f')}:42"),
        (lam.add_permission, S3 | {"Qualifier": "nope"}, "ResourceNotFoundException", f"Cannot find alias arn: {arn(aws, 'f')}:nope"),
        (lam.add_permission, S3 | {"FunctionName": "g"}, "ResourceNotFoundException", f"Function not found: {arn(aws, 'g')}"),
        (lam.add_permission, S3 | {"StatementId": "t", "RevisionId": "old"}, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"),
        (lam.remove_permission, {"StatementId": "t", "FunctionName": "g"}, "ResourceNotFoundException", f"No policy found for: {arn(aws, 'g')}"),
        (lam.remove_permission, {"StatementId": "t"}, "ResourceNotFoundException", "Statement t is not found in resource policy."),
    ]  # fmt: skip
    for operation, asked, code, message in refusals:
        with pytest.raises(ClientError) as error:
            operation(**({"FunctionName": "f"} | asked))
        assert refused(error) == (code, message)


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
