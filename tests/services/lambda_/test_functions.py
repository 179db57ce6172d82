"""Functions through boto3: made, shown, changed, listed and deleted as on AWS."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import ECHO, arn, create, existing_role, refused, role, status, zipped
from tests.services.lambda_.house import House
from tule.services.lambda_.running import functions

NOT_ASSUMABLE = ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")


def test_a_new_function_answers_with_awss_defaults_and_is_active_at_once(aws: Account) -> None:
    package = zipped(index=ECHO)
    made = create(aws, Code={"ZipFile": package})
    assert made.pop("ResponseMetadata")["HTTPStatusCode"] == 201
    revision, modified = made.pop("RevisionId"), made.pop("LastModified")
    assert modified.endswith("+0000")
    assert made.pop("RuntimeVersionConfig")["RuntimeVersionArn"].startswith("arn:aws:lambda:us-east-1::runtime:")
    assert made == {
        "FunctionName": "f",
        "FunctionArn": arn(aws, "f"),
        "Runtime": "python3.12",
        "Role": existing_role(aws),
        "Handler": "index.handler",
        "CodeSize": len(package),
        "CodeSha256": base64.b64encode(hashlib.sha256(package).digest()).decode(),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
    }
    aws.lambda_.get_waiter("function_active_v2").wait(FunctionName="f")
    now = aws.lambda_.get_function_configuration(FunctionName="f")
    assert (now["State"], now["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReasonCode" not in now
    assert now["RevisionId"] != revision


def test_the_code_can_be_downloaded_from_the_location_that_get_function_tells(aws: Account) -> None:
    package = zipped(index=ECHO)
    create(aws, Code={"ZipFile": package})
    code = aws.lambda_.get_function(FunctionName="f")["Code"]
    assert code["RepositoryType"] == "S3"
    with urllib.request.urlopen(code["Location"]) as answer:
        assert answer.read() == package


def test_a_location_that_was_tampered_with_is_refused(aws: Account) -> None:
    create(aws)
    location = aws.lambda_.get_function(FunctionName="f")["Code"]["Location"]
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(location[:-4] + "AAAA")
    error.value.close()
    assert error.value.code == 403


def test_code_may_come_from_s3_as_the_caller_may_read_it(aws: Account) -> None:
    bucket = f"code-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    package = zipped(index=ECHO)
    aws.s3.put_object(Bucket=bucket, Key="app.zip", Body=package)
    made = create(aws, Code={"S3Bucket": bucket, "S3Key": "app.zip"})
    assert made["CodeSize"] == len(package)
    with pytest.raises(ClientError) as error:
        create(aws, "g", Code={"S3Bucket": bucket, "S3Key": "missing.zip"})
    assert refused(error) == (
        "InvalidParameterValueException",
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
    )


def test_a_role_that_does_not_exist_is_refused(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, Role=f"arn:aws:iam::{aws.id}:role/nobody")
    assert refused(error) == NOT_ASSUMABLE


def test_a_role_that_does_not_trust_lambda_is_refused(aws: Account) -> None:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    made = aws.iam.create_role(RoleName="machines", AssumeRolePolicyDocument=json.dumps(trust))
    with pytest.raises(ClientError) as error:
        create(aws, Role=made["Role"]["Arn"])
    assert refused(error) == NOT_ASSUMABLE


def test_a_name_is_taken_once(aws: Account) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        create(aws)
    assert (*refused(error), status(error)) == ("ResourceConflictException", "Function already exist: f", 409)


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"Runtime": "python3.7"}, "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions."),
    ({"MemorySize": 10241}, "Value '10241' at 'memorySize'"),
    ({"Timeout": 901}, "Value '901' at 'timeout'"),
    ({"EphemeralStorage": {"Size": 10241}}, "Value '10241' at 'ephemeralStorage.size'"),
    ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
    ({"Environment": {"Variables": {"BIG": "x" * 4096}}}, 'exceeded the 4KB limit. String measured: {"BIG":"xxx'),
    ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip uploaded file. Please check your file, then try to upload again."),
    ({"Code": {}}, "Please provide a source for function code."),
    ({"Tags": {str(i): "" for i in range(51)}}, "Number of tags exceeds resource tag limit."),
    ({"DeadLetterConfig": {"TargetArn": "arn:aws:s3:::bucket"}}, "dead letter target"),
    ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:dead.fifo"}}, "dead letter target"),
]


@pytest.mark.parametrize(("settings", "words"), REFUSALS, ids=[next(iter(settings)) + str(i) for i, (settings, _) in enumerate(REFUSALS)])
def test_settings_beyond_the_limits_are_refused_and_nothing_is_made(aws: Account, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as error:
        create(aws, **settings)
    assert words in refused(error)[1]
    assert status(error) == 400
    assert aws.lambda_.list_functions()["Functions"] == []


def test_runtime_and_handler_are_needed(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.lambda_.create_function(FunctionName="f", Role=role(aws), Code={"ZipFile": zipped(index=ECHO)})
    assert refused(error)[1] == "Runtime and Handler are mandatory parameters for functions created with deployment packages."


def test_configuration_is_changed_in_place(aws: Account) -> None:
    create(aws, Environment={"Variables": {"AA": "1"}}, Description="before")
    changed = aws.lambda_.update_function_configuration(FunctionName="f", Timeout=30, MemorySize=256, Environment={"Variables": {"BB": "2"}})
    assert (changed["State"], changed["LastUpdateStatus"], changed["LastUpdateStatusReasonCode"]) == ("Active", "InProgress", "Creating")
    aws.lambda_.get_waiter("function_updated_v2").wait(FunctionName="f")
    now = aws.lambda_.get_function_configuration(FunctionName="f")
    assert (now["Timeout"], now["MemorySize"], now["Environment"]["Variables"], now["Description"]) == (30, 256, {"BB": "2"}, "before")
    assert now["LastUpdateStatus"] == "Successful"


def test_code_is_replaced(aws: Account) -> None:
    before = create(aws)
    package = zipped(index=ECHO + "# changed\n")
    dry = aws.lambda_.update_function_code(FunctionName="f", ZipFile=package, DryRun=True)
    assert dry["CodeSize"] == len(package)
    assert aws.lambda_.get_function_configuration(FunctionName="f")["CodeSha256"] == before["CodeSha256"]
    changed = aws.lambda_.update_function_code(FunctionName="f", ZipFile=package)
    assert changed["CodeSha256"] != before["CodeSha256"]
    with urllib.request.urlopen(aws.lambda_.get_function(FunctionName="f")["Code"]["Location"]) as answer:
        assert answer.read() == package


def test_a_change_of_an_older_revision_is_refused(aws: Account) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        aws.lambda_.update_function_configuration(FunctionName="f", Timeout=5, RevisionId="00000000-0000-0000-0000-000000000000")
    assert (refused(error)[0], status(error)) == ("PreconditionFailedException", 412)


def test_log_settings_follow_the_format(aws: Account) -> None:
    create(aws)
    json_logs = aws.lambda_.update_function_configuration(FunctionName="f", LoggingConfig={"LogFormat": "JSON"})
    assert json_logs["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
        "LogGroup": "/aws/lambda/f",
    }
    text_logs = aws.lambda_.update_function_configuration(FunctionName="f", LoggingConfig={"LogFormat": "Text"})
    assert text_logs["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}


def test_functions_are_listed_in_pages_without_their_states(aws: Account) -> None:
    for name in ("a", "b", "c"):
        create(aws, name)
    first = aws.lambda_.list_functions(MaxItems=2)
    assert [function["FunctionName"] for function in first["Functions"]] == ["a", "b"]
    assert "State" not in first["Functions"][0]
    rest = aws.lambda_.list_functions(MaxItems=2, Marker=first["NextMarker"])
    assert [function["FunctionName"] for function in rest["Functions"]] == ["c"]
    assert "NextMarker" not in rest


def test_a_deleted_function_is_gone(aws: Account) -> None:
    create(aws)
    aws.lambda_.delete_function(FunctionName="f")
    for operation in (aws.lambda_.get_function, aws.lambda_.delete_function, aws.lambda_.get_function_concurrency, aws.lambda_.invoke):
        with pytest.raises(ClientError) as error:
            operation(FunctionName="f")
        assert (*refused(error), status(error)) == ("ResourceNotFoundException", f"Function not found: {arn(aws, 'f')}", 404)
    create(aws)


@pytest.mark.parametrize("form", ["f", "{account}:function:f", "arn:aws:lambda:us-east-1:{account}:function:f", "f:$LATEST"])
def test_a_function_has_several_names(aws: Account, form: str) -> None:
    create(aws)
    assert aws.lambda_.get_function_configuration(FunctionName=form.format(account=aws.id))["FunctionName"] == "f"


def test_a_qualifier_that_contradicts_the_name_is_refused(aws: Account) -> None:
    create(aws)
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_function(FunctionName="f:1", Qualifier="2")
    assert refused(error)[1] == "The derived qualifier from the function name does not match the specified qualifier."


def test_a_function_of_another_region_is_out_of_reach(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_function(FunctionName=f"arn:aws:lambda:ap-southeast-1:{aws.id}:function:f")
    assert refused(error) == ("ResourceNotFoundException", "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')")


def test_tags_are_put_and_taken(aws: Account) -> None:
    made = create(aws, Tags={"a": "1"})
    aws.lambda_.tag_resource(Resource=made["FunctionArn"], Tags={"b": "2"})
    aws.lambda_.untag_resource(Resource=made["FunctionArn"], TagKeys=["a"])
    assert aws.lambda_.list_tags(Resource=made["FunctionArn"])["Tags"] == {"b": "2"}
    assert aws.lambda_.get_function(FunctionName="f")["Tags"] == {"b": "2"}
    with pytest.raises(ClientError) as error:
        aws.lambda_.tag_resource(Resource=made["FunctionArn"] + ":1", Tags={"b": "2"})
    assert refused(error)[1] == "Tags on function aliases and versions are not supported. Please specify a function ARN."


def test_reserved_concurrency_leaves_a_hundred_to_the_others(aws: Account) -> None:
    create(aws)
    assert "ReservedConcurrentExecutions" not in aws.lambda_.get_function_concurrency(FunctionName="f")
    aws.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=900)
    assert aws.lambda_.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 900}
    with pytest.raises(ClientError) as error:
        aws.lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)
    assert "below its minimum value of [100]" in refused(error)[1]
    assert aws.lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    aws.lambda_.delete_function_concurrency(FunctionName="f")
    assert aws.lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


def test_account_settings_count_functions_and_their_code(aws: Account) -> None:
    made = create(aws)
    usage = aws.lambda_.get_account_settings()["AccountUsage"]
    assert usage == {"TotalCodeSize": made["CodeSize"], "FunctionCount": 1}


def test_who_may_not_pass_the_role_may_not_create_a_function(aws: Account) -> None:
    arn_of_role = role(aws)
    aws.iam.create_user(UserName="dev")
    key = aws.iam.create_access_key(UserName="dev")["AccessKey"]
    allowed: dict[str, Any] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}]}
    aws.iam.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=json.dumps(allowed))
    dev = aws.client("lambda", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    asked = {"FunctionName": "f", "Runtime": "python3.12", "Handler": "index.handler", "Role": arn_of_role, "Code": {"ZipFile": zipped(index=ECHO)}}
    with pytest.raises(ClientError) as error:
        dev.create_function(**asked)
    assert refused(error)[0] == "AccessDeniedException"
    assert "iam:PassRole" in refused(error)[1]
    allowed["Statement"].append({"Effect": "Allow", "Action": "iam:PassRole", "Resource": arn_of_role})
    aws.iam.put_user_policy(UserName="dev", PolicyName="p", PolicyDocument=json.dumps(allowed))
    assert dev.create_function(**asked)["FunctionName"] == "f"


async def test_compute_is_told_which_runtimes_functions_have(house: House) -> None:
    await house.function()
    assert house.compute.prepared == ["python3.12"]
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Timeout=9)
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Runtime="python3.13")
    assert house.compute.prepared == ["python3.12", "python3.13"]
    await functions(house.node).prepare()
    assert house.compute.prepared == ["python3.12", "python3.13", "python3.13"]
