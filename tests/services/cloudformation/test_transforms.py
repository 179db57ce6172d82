"""SAM, language extensions, includes and macros."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.cloudformation.house import House, build, tear_down
from tule.core.errors import ServiceError
from tule.platform.service import Operation, Service
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.template.evaluate import Scope
from tule.services.cloudformation.template.text import parse
from tule.services.cloudformation.transform import language_extensions

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


async def list_policies(call: Any, params: dict[str, Any]) -> dict[str, Any]:
    """AWS's managed policies, a page of one at a time."""
    arns = [BASIC, READ_ONLY]
    index = int(params.get("Marker", 0))
    page: dict[str, Any] = {"Policies": [{"PolicyName": arns[index].rsplit("/", 1)[1], "Arn": arns[index]}], "IsTruncated": index + 1 < len(arns)}
    return {**page, "Marker": str(index + 1)} if page["IsTruncated"] else page


async def get_object(call: Any, params: dict[str, Any]) -> dict[str, Any]:
    snippets = {"one.yaml": b"DisplayName: included", "top.yaml": b"Mappings: {M: {a: {b: mapped}}}"}
    return {"Body": snippets[params["Key"]], "ContentLength": 1}


async def invoke(call: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Macros by the names of their functions."""
    event = json.loads(params["Payload"])
    fragment = event["fragment"]
    match params["FunctionName"]:
        case "upper":
            said = {"requestId": event["requestId"], "status": "success", "fragment": json.loads(json.dumps(fragment).replace("quiet", "LOUD"))}
        case "parameters":
            said = {
                "status": "success",
                "fragment": {**fragment, "DisplayName": f"{event['params']['Text']} {event['templateParameterValues']['P']}"},
            }
        case "refusing":
            said = {"status": "failed", "errorMessage": "I do not like it"}
        case "silent":
            said = {"status": "failed"}
        case _:
            said = ["nonsense"]
    return {"Payload": json.dumps(said).encode(), "StatusCode": 200}


def service(name: str, **operations: Any) -> Service:
    return Service(name, {key: Operation(key, run, True, False) for key, run in operations.items()})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    others = [service("iam", ListPolicies=list_policies), service("s3", GetObject=get_object), service("lambda", Invoke=invoke)]
    house = await build(tmp_path / "house", others=others)
    yield house
    await tear_down(house)


async def processed(house: House, template: str, **params: Any) -> dict[str, Any]:
    made = await house.call("CreateChangeSet", StackName="shop", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template, **params)
    shown = await house.call("DescribeChangeSet", ChangeSetName=made["Id"])
    assert shown["Status"] == "CREATE_COMPLETE", shown["StatusReason"]
    return json.loads((await house.call("GetTemplate", ChangeSetName=made["Id"], TemplateStage="Processed"))["TemplateBody"])


async def failure(house: House, template: str) -> str:
    made = await house.call("CreateChangeSet", StackName="shop", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template)
    shown = await house.call("DescribeChangeSet", ChangeSetName=made["Id"])
    assert (shown["Status"], shown["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    return shown["StatusReason"]


SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Timeout: 7}}
Parameters: {Env: {Type: String, Default: dev}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: a.b
      InlineCode: x
      Policies: [AmazonS3ReadOnlyAccess]
"""


async def test_sam_makes_plain_resources_with_the_policies_that_iam_has(house):
    template = await processed(house, SAM, Capabilities=["CAPABILITY_IAM"])
    assert template["Resources"]["F"]["Properties"]["Timeout"] == 7
    assert template["Resources"]["FRole"]["Properties"]["ManagedPolicyArns"] == [BASIC, READ_ONLY]
    assert "Transform" not in template
    assert "Globals" not in template


async def test_what_sam_refuses_is_the_change_sets_reason(house):
    reason = await failure(
        house, "Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Handler: 1}}}"
    )
    assert reason.startswith(
        "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. Number of errors found: 1."
        " Resource with id [F] is invalid."
    )


async def test_a_transform_without_a_change_set_needs_a_capability(house):
    with pytest.raises(ServiceError) as refused:
        await house.call("CreateStack", StackName="shop", TemplateBody=SAM, Capabilities=["CAPABILITY_IAM"])
    assert (refused.value.code, refused.value.message) == ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")


async def test_a_transform_that_nobody_has_is_refused(house):
    with pytest.raises(ServiceError, match=r"No transform named 111122223333::Mine found\."):
        await processed(house, "Transform: Mine\nResources: {T: {Type: AWS::SNS::Topic}}")
    with pytest.raises(ServiceError, match=r"Key Name of transform definition must be a string\."):
        await processed(house, "Transform: [{Name: {Ref: P}}]\nResources: {T: {Type: AWS::SNS::Topic}}")


async def test_includes_are_put_beside_what_is_there(house):
    template = await processed(
        house,
        """
Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/top.yaml}}
Resources:
  T:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !FindInMap [M, a, b]
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://bucket/one.yaml}}
""",
    )
    assert template["Mappings"] == {"M": {"a": {"b": "mapped"}}}
    assert template["Resources"]["T"]["Properties"]["DisplayName"] == "included"


async def macro(house: House, name: str, function: str) -> None:
    template = {"Resources": {"M": {"Type": "AWS::CloudFormation::Macro", "Properties": {"Name": name, "FunctionName": function}}}}
    await house.call("CreateStack", StackName=f"macro-{name}", TemplateBody=json.dumps(template))
    assert (await house.ended(f"macro-{name}"))["StackStatus"] == "CREATE_COMPLETE"


async def test_a_macro_transforms_the_whole_template_or_a_part(house):
    await macro(house, "Upper", "upper")
    await macro(house, "Parameters", "parameters")
    template = await processed(
        house,
        """
Transform: [Upper]
Parameters: {P: {Type: String, Default: value}}
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {DisplayName: quiet}}
  B:
    Type: AWS::SNS::Topic
    Properties:
      Fn::Transform: {Name: Parameters, Parameters: {Text: !Sub "so ${P}"}}
""",
    )
    assert template["Resources"]["A"]["Properties"] == {"DisplayName": "LOUD"}
    assert template["Resources"]["B"]["Properties"] == {"DisplayName": "so value value"}


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("refusing", "Transform 111122223333::Mine failed with: I do not like it."),
        ("silent", "Transform 111122223333::Mine failed without an error message."),
    ],
)
async def test_a_macro_that_fails_fails_the_change_set(house, function, reason):
    await macro(house, "Mine", function)
    assert await failure(house, "Transform: Mine\nResources: {T: {Type: AWS::SNS::Topic}}") == reason


def extended(text: str, **parameters: Any) -> dict[str, Any]:
    return language_extensions.transform(parse(text), Scope(parameters=parameters))


def test_loops_make_resources_outputs_and_properties():
    document = extended(
        """
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic${Name}:
        Type: AWS::SNS::Topic
        Properties: {TopicName: !Sub "x-${Name}", DisplayName: !Ref Name}
  Plain:
    Type: AWS::SNS::Topic
    Properties:
      Fn::ForEach::Settings: [K, [DisplayName], {"${K}": "value of ${K}"}]
Outputs:
  Fn::ForEach::Out: [N, [a.1, b], {"Out&{N}": {Value: "${N}"}}]
""",
        Names=["A", "B"],
    )
    assert document["Resources"] == {
        "TopicA": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "x-A"}, "DisplayName": "A"}},
        "TopicB": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "x-B"}, "DisplayName": "B"}},
        "Plain": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "value of DisplayName"}},
    }
    assert document["Outputs"] == {"Outa1": {"Value": "a.1"}, "Outb": {"Value": "b"}}


def test_loops_may_be_nested():
    document = extended(
        'Resources: {"Fn::ForEach::A": [X, [a, b], {"Fn::ForEach::B": [Y, [c, d], {"R${X}${Y}": {Type: T}}]}]}',
    )
    assert list(document["Resources"]) == ["Rac", "Rad", "Rbc", "Rbd"]


def test_lengths_and_json_strings_are_settled_where_parameters_say_all():
    document = extended(
        "Resources: {R: {Type: T, Properties: {A: {Fn::ToJsonString: {a: !Ref P, b: [1]}}, B: {Fn::Length: [1, 2]},"
        " C: {Fn::ToJsonString: {x: !Ref R}}}}}",
        P="p",
    )
    assert document["Resources"]["R"]["Properties"] == {"A": '{"a":"p","b":[1]}', "B": 2, "C": {"Fn::ToJsonString": {"x": {"Ref": "R"}}}}


@pytest.mark.parametrize("loop", ["[X, [a]]", "[1, [a], {}]", "[X-Y, [a], {}]", "[X, text, {A: 1}]"])
def test_a_malformed_loop_is_refused(loop):
    with pytest.raises(TemplateError):
        extended(f"Resources: {{'Fn::ForEach::L': {loop}}}")
