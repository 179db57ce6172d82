"""Change sets say what will change, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.cloudformation.house import House
from tule.core.errors import ServiceError

TOPIC = "AWS::SNS::Topic"


async def change_set(house: House, template: dict[str, Any], kind: str = "UPDATE", **params: Any) -> dict[str, Any]:
    made = await house.call(
        "CreateChangeSet",
        StackName="shop",
        ChangeSetName=f"cs-{house.node.ids.hex(6)}",
        ChangeSetType=kind,
        TemplateBody=json.dumps(template),
        **params,
    )
    return await house.call("DescribeChangeSet", ChangeSetName=made["Id"])


async def made(house: House, template: dict[str, Any], **params: Any) -> None:
    await house.call("CreateStack", StackName="shop", TemplateBody=json.dumps(template), **params)
    assert (await house.ended("shop"))["StackStatus"] == "CREATE_COMPLETE"


def topics(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {name: {"Type": TOPIC, "Properties": body} for name, body in properties.items()}}


def changes(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in shown["Changes"]}


def causes(change: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return sorted(
        (detail["Target"]["Name"], detail["ChangeSource"], detail["Evaluation"], detail.get("CausingEntity", "")) for detail in change["Details"]
    )


async def test_a_creation_adds_everything(house):
    shown = await change_set(house, topics(B={}, A={"DisplayName": "x"}), "CREATE")
    assert shown["Changes"] == [
        {"Type": "Resource", "ResourceChange": {"Action": "Add", "LogicalResourceId": name, "ResourceType": TOPIC, "Scope": [], "Details": []}}
        for name in ("A", "B")
    ]
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    stack = await house.stack("shop")
    assert (stack["StackStatus"], stack["StackStatusReason"]) == ("REVIEW_IN_PROGRESS", "User Initiated")
    valued = await house.call("DescribeChangeSet", ChangeSetName=shown["ChangeSetId"], IncludePropertyValues=True)
    assert json.loads(changes(valued)["A"]["AfterContext"]) == {"Properties": {"DisplayName": "x"}}


async def test_a_change_in_the_template_is_direct_and_static(house):
    await made(house, topics(A={"TopicName": "a", "DisplayName": "x"}))
    shown = await change_set(house, topics(A={"TopicName": "b", "DisplayName": "x"}))
    change = changes(shown)["A"]
    assert (change["Action"], change["Replacement"], change["PolicyAction"], change["Scope"]) == (
        "Modify",
        "True",
        "ReplaceAndDelete",
        ["Properties"],
    )
    assert change["Details"] == [
        {
            "Target": {"Attribute": "Properties", "Name": "TopicName", "RequiresRecreation": "Always"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ]
    valued = await house.call("DescribeChangeSet", ChangeSetName=shown["ChangeSetId"], IncludePropertyValues=True)
    (detail,) = changes(valued)["A"]["Details"]
    assert detail["Target"] == {
        "Attribute": "Properties",
        "Name": "TopicName",
        "RequiresRecreation": "Always",
        "Path": "/Properties/TopicName",
        "AttributeChangeType": "Modify",
        "BeforeValue": "a",
        "AfterValue": "b",
    }


async def test_a_change_of_a_parameter_names_it(house):
    template = {"Parameters": {"Name": {"Type": "String"}}, **topics(A={"TopicName": {"Ref": "Name"}})}
    await made(house, template, Parameters=[{"ParameterKey": "Name", "ParameterValue": "one"}])
    shown = await change_set(house, template, Parameters=[{"ParameterKey": "Name", "ParameterValue": "two"}])
    assert causes(changes(shown)["A"]) == [
        ("TopicName", "DirectModification", "Dynamic", ""),
        ("TopicName", "ParameterReference", "Static", "Name"),
    ]
    assert shown["Parameters"] == [{"ParameterKey": "Name", "ParameterValue": "two"}]


async def test_what_a_replacement_changes_elsewhere_is_static(house):
    def template(name: str) -> dict[str, Any]:
        return topics(A={"TopicName": name}, B={"DisplayName": {"Ref": "A"}}, C={"DisplayName": {"Fn::GetAtt": ["A", "TopicName"]}})

    await made(house, template("one"))
    found = changes(await change_set(house, template("two")))
    assert causes(found["B"]) == [("DisplayName", "ResourceReference", "Static", "A")]
    assert causes(found["C"]) == [("DisplayName", "ResourceAttribute", "Static", "A.TopicName")]
    assert (found["B"]["Replacement"], "PolicyAction" in found["B"]) == ("False", False)


async def test_what_a_change_in_place_may_change_elsewhere_is_dynamic(house):
    def template(text: str) -> dict[str, Any]:
        return topics(
            A={"DisplayName": text},
            B={"DisplayName": {"Fn::GetAtt": ["A", "TopicName"]}},
            C={"DisplayName": {"Fn::GetAtt": ["B", "TopicName"]}},
            D={"DisplayName": {"Ref": "A"}},
        )

    await made(house, template("one"))
    shown = await change_set(house, template("two"))
    found = changes(shown)
    assert set(found) == {"A", "B", "C"}, "a Ref stays the same"
    assert causes(found["C"]) == [("DisplayName", "ResourceAttribute", "Dynamic", "B.TopicName")]
    valued = await house.call("DescribeChangeSet", ChangeSetName=shown["ChangeSetId"], IncludePropertyValues=True)
    assert set(changes(valued)) == {"A"}


async def test_a_removal_shows_what_was(house):
    await made(house, topics(A={}, B={"DisplayName": "x"}))
    shown = await change_set(house, topics(A={}))
    (change,) = changes(shown).values()
    assert (change["Action"], change["LogicalResourceId"], change["PolicyAction"]) == ("Remove", "B", "Delete")
    assert change["PhysicalResourceId"].startswith("shop-B-")


async def test_no_changes_make_a_change_set_that_failed(house):
    await made(house, topics(A={}))
    shown = await change_set(house, topics(A={}))
    assert (shown["Status"], shown["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert shown["StatusReason"] == "The submitted information didn't contain changes. Submit different information to create a change set."
    with pytest.raises(ServiceError) as refused:
        await house.call("ExecuteChangeSet", ChangeSetName=shown["ChangeSetId"])
    assert refused.value.code == "InvalidChangeSetStatus"


async def test_other_change_sets_are_obsolete_once_one_is_executed(house):
    await made(house, topics(A={}))
    first = await change_set(house, topics(A={"DisplayName": "1"}))
    second = await change_set(house, topics(A={"DisplayName": "2"}))
    await house.call("ExecuteChangeSet", ChangeSetName=second["ChangeSetId"])
    stack = await house.ended("shop")
    assert (stack["StackStatus"], stack["ChangeSetId"]) == ("UPDATE_COMPLETE", second["ChangeSetId"])
    summaries = (await house.call("ListChangeSets", StackName="shop"))["Summaries"]
    assert {item["ChangeSetId"]: item["ExecutionStatus"] for item in summaries} == {
        first["ChangeSetId"]: "OBSOLETE",
        second["ChangeSetId"]: "EXECUTE_COMPLETE",
    }


async def test_a_stack_in_review_can_be_created_otherwise(house):
    await change_set(house, topics(A={}), "CREATE")
    await made(house, topics(B={}))
    assert (await house.call("ListChangeSets", StackName="shop"))["Summaries"][0]["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ServiceError, match=r"already exists and cannot be created again with the changeSet"):
        await change_set(house, topics(A={}), "CREATE")


async def test_change_sets_of_imports_are_not_built(house):
    with pytest.raises(ServiceError) as refused:
        await change_set(house, topics(A={}), "IMPORT")
    assert refused.value.code == "NotImplemented"


async def test_tags_of_the_stack_change_its_resources(house):
    await made(house, topics(A={}))
    shown = await change_set(house, topics(A={}), Tags=[{"Key": "team", "Value": "blue"}])
    assert changes(shown)["A"]["Scope"] == ["Tags"]
    await house.call("ExecuteChangeSet", ChangeSetName=shown["ChangeSetId"])
    assert (await house.ended("shop"))["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert house.things.log[-1] == "update A"
