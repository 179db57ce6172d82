"""Functions that name a key of KMS: their environment is encrypted where it is kept, and decrypted for them as their role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account, RunningNode
from tests.services.lambda_.functions import create, refused, status

TELL = "import os\n\ndef handler(event, context):\n    return os.environ.get('SECRET')\n"
SECRET = {"Variables": {"SECRET": "a very secret text"}}


@pytest.fixture
def key(aws: Account) -> str:
    return aws.kms.create_key()["KeyMetadata"]["Arn"]


def _told(account: Account, **more: Any) -> Any:
    return json.load(account.lambda_.invoke(FunctionName="f", **more)["Payload"])


def _environment(client: Any, **more: str) -> Any:
    return client.get_function_configuration(FunctionName="f", **more)["Environment"]


def test_a_function_and_its_owner_see_what_is_encrypted(aws: Account, key: str) -> None:
    made = create(aws, code=TELL, KMSKeyArn=key, Environment=SECRET)
    assert (made["KMSKeyArn"], made["Environment"]) == (key, SECRET)
    assert _told(aws) == "a very secret text"
    assert _environment(aws.lambda_) == SECRET
    assert aws.lambda_.get_function(FunctionName="f")["Configuration"]["Environment"] == SECRET
    assert aws.lambda_.list_functions()["Functions"][0]["Environment"] == SECRET
    assert aws.lambda_.publish_version(FunctionName="f")["Environment"] == SECRET
    assert _told(aws, Qualifier="1") == "a very secret text"


def test_changes_keep_the_environment_encrypted_under_the_key_of_the_day(aws: Account, key: str) -> None:
    create(aws, code=TELL, Environment=SECRET)
    aws.lambda_.update_function_configuration(FunctionName="f", KMSKeyArn=key)
    assert [grant["Operations"] for grant in aws.kms.list_grants(KeyId=key)["Grants"]] == [["Decrypt"]]
    assert _told(aws) == "a very secret text"
    aws.lambda_.update_function_configuration(FunctionName="f", Environment={"Variables": {"SECRET": "another"}})
    assert (_told(aws), _environment(aws.lambda_)) == ("another", {"Variables": {"SECRET": "another"}})
    aws.lambda_.update_function_configuration(FunctionName="f", KMSKeyArn="")
    aws.kms.disable_key(KeyId=key)
    assert (_told(aws), _environment(aws.lambda_)) == ("another", {"Variables": {"SECRET": "another"}})


def test_who_may_not_decrypt_sees_no_environment(aws: Account, key: str) -> None:
    create(aws, code=TELL, KMSKeyArn=key, Environment=SECRET)
    aws.iam.create_user(UserName="eve")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}]}
    aws.iam.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=json.dumps(policy))
    made = aws.iam.create_access_key(UserName="eve")["AccessKey"]
    eve = aws.client("lambda", aws_access_key_id=made["AccessKeyId"], aws_secret_access_key=made["SecretAccessKey"])
    shown = _environment(eve)
    assert "Variables" not in shown
    assert shown["Error"]["ErrorCode"] == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        eve.update_function_configuration(FunctionName="f", Environment=SECRET)
    assert refused(error)[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("state", "code"), [("disabled", "KMSDisabledException"), ("leaving", "KMSInvalidStateException"), ("revoked", "KMSAccessDeniedException")]
)
def test_a_key_that_does_not_serve_stops_the_function(aws: Account, key: str, state: str, code: str) -> None:
    create(aws, code=TELL, KMSKeyArn=key, Environment=SECRET)
    match state:
        case "disabled":
            aws.kms.disable_key(KeyId=key)
        case "leaving":
            aws.kms.schedule_key_deletion(KeyId=key)
        case _:
            grant = aws.kms.list_grants(KeyId=key)["Grants"][0]
            aws.kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    with pytest.raises(ClientError) as error:
        aws.lambda_.invoke(FunctionName="f")
    assert (refused(error)[0], status(error)) == (code, 502)


def test_a_key_that_is_not_there_is_refused_when_it_is_named(aws: Account) -> None:
    nothing = f"arn:aws:kms:us-east-1:{aws.id}:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(ClientError) as error:
        create(aws, KMSKeyArn=nothing, Environment=SECRET)
    assert refused(error)[0] == "InvalidParameterValueException"


def test_nothing_of_an_environment_lies_in_the_clear(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "data") as node:
        aws = node.fresh_account()
        create(aws, KMSKeyArn=aws.kms.create_key()["KeyMetadata"]["Arn"], Environment=SECRET)
    for file in (tmp_path / "data").rglob("*"):
        assert not file.is_file() or b"a very secret text" not in file.read_bytes()
