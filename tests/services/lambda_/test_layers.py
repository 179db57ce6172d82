"""Layers through boto3: versions, who may use them, and functions that have them."""

from __future__ import annotations

import base64
import dataclasses
import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tests.services.lambda_.functions import create, refused, status, zip_of, zipped
from tests.services.lambda_.house import House
from tule.core.errors import ServiceError

SHARED = zip_of({"python/shared.py": "WORD = 'from the layer'\n", "data.txt": "first"})
USES = "import shared\n\ndef handler(event, context):\n    return [shared.WORD, open('/opt/data.txt').read()]\n"


def publish(account: Account, name: str = "shared", content: bytes = SHARED, **settings: Any) -> dict[str, Any]:
    return account.lambda_.publish_layer_version(LayerName=name, Content={"ZipFile": content}, **settings)


def layer_arn(account: Account, name: str = "shared") -> str:
    return f"arn:aws:lambda:us-east-1:{account.id}:layer:{name}"


def test_a_layer_is_published_in_versions(aws: Account) -> None:
    made = publish(aws, CompatibleRuntimes=["python3.12"], Description="one")
    assert (made["LayerArn"], made["LayerVersionArn"], made["Version"]) == (layer_arn(aws), layer_arn(aws) + ":1", 1)
    assert (made["CompatibleRuntimes"], made["CompatibleArchitectures"], made["Content"]["CodeSize"]) == (["python3.12"], [], len(SHARED))
    with urllib.request.urlopen(made["Content"]["Location"]) as answer:
        assert answer.read() == SHARED
    assert publish(aws)["Version"] == 2
    assert [version["Version"] for version in aws.lambda_.list_layer_versions(LayerName="shared")["LayerVersions"]] == [2, 1]
    found = aws.lambda_.list_layers(CompatibleRuntime="python3.12")["Layers"]
    assert [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in found] == [("shared", 1)]
    assert aws.lambda_.get_layer_version_by_arn(Arn=layer_arn(aws) + ":1")["Description"] == "one"


def test_numbers_are_not_used_again(aws: Account) -> None:
    publish(aws)
    aws.lambda_.delete_layer_version(LayerName="shared", VersionNumber=1)
    aws.lambda_.delete_layer_version(LayerName="shared", VersionNumber=1)
    assert aws.lambda_.list_layers()["Layers"] == []
    assert publish(aws)["Version"] == 2


def test_what_is_not_there_is_said_so(aws: Account) -> None:
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_layer_version(LayerName="nope", VersionNumber=1)
    assert (*refused(error), status(error)) == ("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    with pytest.raises(ClientError) as error:
        aws.lambda_.get_layer_version(LayerName="nope", VersionNumber=0)
    assert refused(error) == ("InvalidParameterValueException", "Layer Version Cannot be less than 1")


def test_a_function_finds_its_layer_under_opt(aws: Account) -> None:
    layer = publish(aws)["LayerVersionArn"]
    made = create(aws, code=USES, Layers=[layer])
    assert made["Layers"] == [{"Arn": layer, "CodeSize": len(SHARED)}]
    assert json.load(aws.lambda_.invoke(FunctionName="f")["Payload"]) == ["from the layer", "first"]
    changed = aws.lambda_.update_function_configuration(FunctionName="f", Layers=[])
    assert "Layers" not in changed
    assert aws.lambda_.invoke(FunctionName="f")["FunctionError"] == "Unhandled"


async def test_an_instance_is_given_its_layers_in_their_order(house: House) -> None:
    arns: list[str] = []
    for name in ("one", "two"):
        content = {"ZipFile": zip_of({"name.txt": name})}
        arns.append((await house.lam("PublishLayerVersion", LayerName=name, Content=content))["LayerVersionArn"])
    await house.function(Layers=arns)
    await house.invoke()
    assert [(layer / "name.txt").read_text() for layer in house.compute.runs[0].spec.layers] == ["one", "two"]
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Layers=arns[::-1])
    await house.invoke()
    assert [(layer / "name.txt").read_text() for layer in house.compute.runs[1].spec.layers] == ["two", "one"]
    assert house.compute.runs[0].spec.key != house.compute.runs[1].spec.key


def test_a_deleted_layer_goes_on_working_in_functions_and_their_versions(aws: Account) -> None:
    layer = publish(aws)["LayerVersionArn"]
    create(aws, code=USES, Layers=[layer], Publish=True)
    aws.lambda_.delete_layer_version(LayerName="shared", VersionNumber=1)
    aws.lambda_.update_function_configuration(FunctionName="f", Timeout=9)
    for qualifier in ("$LATEST", "1"):
        answer = aws.lambda_.invoke(FunctionName="f", Qualifier=qualifier)
        assert json.load(answer["Payload"]) == ["from the layer", "first"]


def test_layers_that_cannot_be_had_are_refused_in_awss_words(aws: Account) -> None:
    one = publish(aws)["LayerVersionArn"]
    two = publish(aws)["LayerVersionArn"]
    refusals = [
        ([one, two], f"Two different versions of the same layer are not allowed to be referenced in the same function. {one} and {two} are"),
        ([layer_arn(aws) + ":9"], f"Layer version {layer_arn(aws)}:9 does not exist."),
        ([layer_arn(aws, f"l{i}") + ":1" for i in range(6)], "Cannot reference more than 5 layers."),
        (
            [one.replace("us-east-1", "eu-west-1")],
            "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
        ),
    ]
    for wanted, words in refusals:
        with pytest.raises(ClientError) as error:
            create(aws, Layers=wanted)
        assert refused(error)[0] == "InvalidParameterValueException"
        assert refused(error)[1].startswith(words)
    assert aws.lambda_.list_functions()["Functions"] == []


def test_another_account_uses_a_layer_when_its_policy_says_so(aws: Account) -> None:
    layer = publish(aws)["LayerVersionArn"]
    other = aws.node.fresh_account()
    with pytest.raises(ClientError) as error:
        create(other, Layers=[layer])
    assert refused(error)[0] == "AccessDeniedException"
    added = aws.lambda_.add_layer_version_permission(
        LayerName="shared", VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal=other.id
    )
    policy = aws.lambda_.get_layer_version_policy(LayerName="shared", VersionNumber=1)
    assert json.loads(policy["Policy"])["Statement"] == [json.loads(added["Statement"])]
    create(other, code=USES, Layers=[layer])
    assert json.load(other.lambda_.invoke(FunctionName="f")["Payload"]) == ["from the layer", "first"]
    aws.lambda_.remove_layer_version_permission(LayerName="shared", VersionNumber=1, StatementId="s")
    with pytest.raises(ClientError):
        other.lambda_.get_layer_version_by_arn(Arn=layer)


POWERTOOLS = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python312-x86_64:7"
LEFT_OUT = f"The layer {POWERTOOLS} is not on this installation and is left out."


def test_a_public_layer_that_is_not_here_is_left_out_and_the_function_says_so(aws: Account) -> None:
    layer = publish(aws)["LayerVersionArn"]
    made = create(aws, code=USES, Layers=[POWERTOOLS, layer])
    assert made["Layers"] == [{"Arn": POWERTOOLS, "CodeSize": 0}, {"Arn": layer, "CodeSize": len(SHARED)}]
    assert LEFT_OUT in aws.lambda_.get_function_configuration(FunctionName="f")["StateReason"]
    answer = aws.lambda_.invoke(FunctionName="f", LogType="Tail")
    assert json.load(answer["Payload"]) == ["from the layer", "first"]
    log = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert log[0].startswith("INIT_START")
    assert f"[WARNING] {LEFT_OUT}" in log[1:3]
    aws.lambda_.update_function_configuration(FunctionName="f", Layers=[layer])
    assert LEFT_OUT not in aws.lambda_.get_function_configuration(FunctionName="f").get("StateReason", "")


def test_a_version_that_a_layer_here_does_not_have_is_refused_to_other_accounts(aws: Account) -> None:
    layer = publish(aws)["LayerArn"]
    with pytest.raises(ClientError) as error:
        create(aws.node.fresh_account(), Layers=[f"{layer}:2"])
    assert refused(error)[0] == "AccessDeniedException"


def test_who_may_not_get_layers_may_not_use_those_that_are_elsewhere(aws: Account) -> None:
    create(aws)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:Update*", "Resource": "*"}]}
    aws.iam.create_user(UserName="u")
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(document))
    keys = aws.iam.create_access_key(UserName="u")["AccessKey"]
    user = aws.client("lambda", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"])
    with pytest.raises(ClientError) as error:
        user.update_function_configuration(FunctionName="f", Layers=[POWERTOOLS])
    assert refused(error)[0] == "AccessDeniedException"
    user.update_function_configuration(FunctionName="f", Timeout=9)


async def test_a_strict_node_refuses_layers_that_are_elsewhere(house: House) -> None:
    house.node.config = dataclasses.replace(house.node.config, strict_runtimes=True)
    with pytest.raises(ServiceError) as error:
        await house.function(Layers=[POWERTOOLS])
    assert (error.value.code, error.value.message) == ("InvalidParameterValueException", f"Layer version {POWERTOOLS} does not exist.")


def test_a_stack_makes_a_layer(aws: Account) -> None:
    bucket = f"code-{aws.id}"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="layer.zip", Body=zipped(index="x = 1"))
    layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"LayerName": "made", "Content": {"S3Bucket": bucket, "S3Key": "layer.zip"}}}
    template = {"Resources": {"L": layer}, "Outputs": {"Arn": {"Value": {"Ref": "L"}}}}
    soon: Any = {"Delay": 0.05, "MaxAttempts": 400}
    aws.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    aws.cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=soon)
    assert aws.lambda_.get_layer_version(LayerName="made", VersionNumber=1)["LayerVersionArn"] == layer_arn(aws, "made") + ":1"
    aws.cloudformation.delete_stack(StackName="s")
    aws.cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=soon)
    assert aws.lambda_.list_layers()["Layers"] == []


async def test_code_and_layers_together_are_limited(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tule.services.lambda_.operations.functions.MAX_UNZIPPED_BYTES", 1000)
    layer = await house.lam("PublishLayerVersion", LayerName="big", Content={"ZipFile": zip_of({"data": "x" * 900})})
    await house.function(Code={"ZipFile": zip_of({"index.py": "y" * 100})}, Layers=[layer["LayerVersionArn"]])
    with pytest.raises(ServiceError) as error:
        await house.lam("UpdateFunctionCode", FunctionName="fun", ZipFile=zip_of({"index.py": "y" * 101}))
    assert error.value.message == (
        "Function code combined with layers exceeds the maximum allowed size of 1000 bytes. The actual size is 1001 bytes."
    )
    await house.lam("UpdateFunctionConfiguration", FunctionName="fun", Layers=[])
    await house.lam("UpdateFunctionCode", FunctionName="fun", ZipFile=zip_of({"index.py": "y" * 101}))
