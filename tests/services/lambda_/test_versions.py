"""Versions and aliases through boto3."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import ECHO, arn, create, refused, zipped


def change(account: Account, text: str) -> None:
    account.lambda_.update_function_code(FunctionName="f", ZipFile=zipped(index=ECHO + f"# {text}\n"))


def test_a_version_is_a_copy_that_later_changes_do_not_touch(aws: Account) -> None:
    made = create(aws)
    first = aws.lambda_.publish_version(FunctionName="f", Description="first")
    assert (first["Version"], first["FunctionArn"], first["Description"]) == ("1", arn(aws, "f") + ":1", "first")
    change(aws, "second")
    assert aws.lambda_.publish_version(FunctionName="f")["Version"] == "2"
    kept = aws.lambda_.get_function_configuration(FunctionName="f", Qualifier="1")
    assert (kept["CodeSha256"], kept["RevisionId"]) == (made["CodeSha256"], first["RevisionId"])


def test_publishing_what_has_not_changed_gives_the_last_version_again(aws: Account) -> None:
    create(aws)
    first = aws.lambda_.publish_version(FunctionName="f")
    again = aws.lambda_.publish_version(FunctionName="f")
    assert (again["Version"], again["RevisionId"]) == ("1", first["RevisionId"])


def test_a_new_description_of_the_function_is_a_change(aws: Account) -> None:
    create(aws, Description="one")
    assert aws.lambda_.publish_version(FunctionName="f", Description="its own")["Version"] == "1"
    assert aws.lambda_.publish_version(FunctionName="f")["Version"] == "1"
    aws.lambda_.update_function_configuration(FunctionName="f", Description="two")
    second = aws.lambda_.publish_version(FunctionName="f")
    assert (second["Version"], second["Description"]) == ("2", "two")


def test_versions_are_listed_after_latest_and_can_be_deleted(aws: Account) -> None:
    create(aws, Publish=True)
    change(aws, "second")
    aws.lambda_.publish_version(FunctionName="f")

    def listed() -> list[str]:
        return [version["FunctionArn"].rpartition(":")[2] for version in aws.lambda_.list_versions_by_function(FunctionName="f")["Versions"]]

    assert listed() == ["$LATEST", "1", "2"]
    aws.lambda_.delete_function(FunctionName="f", Qualifier="1")
    assert listed() == ["$LATEST", "2"]
    change(aws, "third")
    assert aws.lambda_.publish_version(FunctionName="f")["Version"] == "3"


def test_publishing_code_that_is_not_the_latest_is_refused(aws: Account) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        aws.lambda_.publish_version(FunctionName="f", CodeSha256="a" * 44)
    assert refused(error)[1].startswith(f"CodeSHA256 ({'a' * 44}) is different from current CodeSHA256 in $LATEST (")


def test_an_alias_points_at_a_version_and_moves(aws: Account) -> None:
    create(aws, Publish=True)
    alias = aws.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert (alias["AliasArn"], alias["Description"]) == (arn(aws, "f") + ":live", "")
    change(aws, "second")
    aws.lambda_.publish_version(FunctionName="f")
    moved = aws.lambda_.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert (moved["FunctionVersion"], moved["RevisionId"] != alias["RevisionId"]) == ("2", True)
    shown = aws.lambda_.get_function_configuration(FunctionName="f:live")
    assert (shown["Version"], shown["FunctionArn"]) == ("2", arn(aws, "f") + ":live")
    assert [found["Name"] for found in aws.lambda_.list_aliases(FunctionName="f", FunctionVersion="2")["Aliases"]] == ["live"]
    assert aws.lambda_.list_aliases(FunctionName="f", FunctionVersion="1")["Aliases"] == []


def test_a_version_that_an_alias_points_at_stays(aws: Account) -> None:
    create(aws, Publish=True)
    aws.lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    with pytest.raises(ClientError) as error:
        aws.lambda_.delete_function(FunctionName="f", Qualifier="1")
    assert refused(error)[0] == "ResourceConflictException"
    aws.lambda_.delete_alias(FunctionName="f", Name="live")
    aws.lambda_.delete_function(FunctionName="f", Qualifier="1")


def test_an_alias_that_is_not_there_is_said_so(aws: Account) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        aws.lambda_.update_alias(FunctionName="f", Name="nope", FunctionVersion="$LATEST")
    assert refused(error) == ("ResourceNotFoundException", f"Alias not found: {arn(aws, 'f')}:nope")
    with pytest.raises(ClientError) as error:
        aws.lambda_.invoke(FunctionName="f", Qualifier="nope")
    assert refused(error) == ("ResourceNotFoundException", f"Function not found: {arn(aws, 'f')}:nope")


def test_retries_are_configured_for_each_version_and_alias(aws: Account) -> None:
    create(aws, Publish=True)
    lam = aws.lambda_
    put = lam.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    assert (put["FunctionArn"], put["DestinationConfig"]) == (arn(aws, "f") + ":$LATEST", {"OnSuccess": {}, "OnFailure": {}})
    lam.update_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    kept = lam.get_function_event_invoke_config(FunctionName="f", Qualifier="$LATEST")
    assert (kept["MaximumRetryAttempts"], kept["MaximumEventAgeInSeconds"]) == (1, 60)
    with pytest.raises(ClientError) as error:
        lam.get_function_event_invoke_config(FunctionName="f", Qualifier="1")
    assert refused(error)[1] == f"The function {arn(aws, 'f')}:1 doesn't have an EventInvokeConfig"
    lam.delete_function_event_invoke_config(FunctionName="f")
    assert lam.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"] == []
    with pytest.raises(ClientError) as error:
        lam.put_function_event_invoke_config(FunctionName="f")
    assert refused(error)[1] == "You must specify at least one of error handling or destination setting."
