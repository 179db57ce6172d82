"""The engine, on things that are easy to look at: what it does, in which order, and what it leaves."""

from __future__ import annotations

import asyncio
import json

import pytest

from tule.core.errors import ServiceError

CHAIN = {
    "Parameters": {"Word": {"Type": "String", "Default": "one"}},
    "Resources": {
        "First": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Word"}}},
        "Second": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["First", "TopicName"]}}},
        "Third": {"Type": "AWS::SNS::Topic", "DependsOn": "Second", "Properties": {"TopicName": {"Fn::Sub": "third-${Word}"}}},
    },
    "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["First", "TopicName"]}}},
}


def body(template: dict[str, object]) -> str:
    return json.dumps(template)


def parameter(name: str, value: str) -> dict[str, str]:
    return {"ParameterKey": name, "ParameterValue": value}


def without(template: dict, *names: str) -> dict:
    return {**template, "Resources": {name: body for name, body in template["Resources"].items() if name not in names}}


async def test_resources_are_made_in_the_order_of_their_needs(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    stack = await house.ended("shop")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert house.things.log == ["create First", "create Second", "create Third"]
    (first,) = [name for name in house.things.there if name.startswith("shop-First-")]
    assert stack["Outputs"] == [{"OutputKey": "Name", "OutputValue": first}]
    assert await house.events("shop") == [
        ("shop", "CREATE_IN_PROGRESS"),
        *[(name, status) for name in ("First", "Second", "Third") for status in ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")],
        ("shop", "CREATE_COMPLETE"),
    ]


async def test_what_needs_nobody_is_made_at_the_same_time(house):
    template = {"Resources": {name: {"Type": "AWS::SNS::Topic"} for name in ("A", "B")}}
    house.things.before_create = {"A": asyncio.Event(), "B": asyncio.Event()}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(template))
    await house.things.said("create A", "create B")
    for gate in house.things.before_create.values():
        gate.set()
    assert (await house.ended("shop"))["StackStatus"] == "CREATE_COMPLETE"


async def test_a_failed_creation_leaves_nothing_behind(house):
    house.things.create_fails = {"Third"}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    assert (await house.ended("shop"))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert house.things.there == {}
    assert house.things.log[-2:] == ["delete Second", "delete First"]
    events = (await house.call("DescribeStackEvents", StackName="shop"))["StackEvents"]
    reasons = {event["ResourceStatus"]: event.get("ResourceStatusReason", "") for event in events}
    assert reasons["CREATE_FAILED"].startswith('Resource handler returned message: "It cannot be."')
    assert reasons["ROLLBACK_IN_PROGRESS"] == "The following resource(s) failed to create: [Third]. Rollback requested by user."


@pytest.mark.parametrize(
    ("params", "status", "left"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 2),
        ({"DisableRollback": True}, "CREATE_FAILED", 2),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", 0),
    ],
)
async def test_what_happens_on_failure_can_be_chosen(house, params, status, left):
    house.things.create_fails = {"Third"}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), **params)
    assert (await house.ended("shop"))["StackStatus"] == status
    assert len(house.things.there) == left


async def test_on_failure_delete_forgets_the_stack(house):
    house.things.create_fails = {"Third"}
    made = await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), OnFailure="DELETE")
    assert (await house.ended(made["StackId"]))["StackStatus"] == "DELETE_COMPLETE"
    assert house.things.there == {}
    with pytest.raises(ServiceError, match="Stack with id shop does not exist"):
        await house.stack("shop")


async def test_an_update_changes_in_place_replaces_and_cleans_up(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    before = len(await house.events("shop"))
    await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    assert house.things.log[3:] == ["update First", "create Third", "delete Third"]
    assert "third-two" in house.things.there
    assert "third-one" not in house.things.there
    assert (await house.events("shop"))[before:] == [
        ("shop", "UPDATE_IN_PROGRESS"),
        ("First", "UPDATE_IN_PROGRESS"),
        ("First", "UPDATE_COMPLETE"),
        ("Third", "UPDATE_IN_PROGRESS"),
        ("Third", "UPDATE_IN_PROGRESS"),
        ("Third", "UPDATE_COMPLETE"),
        ("shop", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Third", "DELETE_IN_PROGRESS"),
        ("Third", "DELETE_COMPLETE"),
        ("shop", "UPDATE_COMPLETE"),
    ]


async def test_what_the_new_template_does_not_have_goes(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    await house.call("UpdateStack", StackName="shop", TemplateBody=body(without(CHAIN, "Second", "Third")))
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    assert house.things.log[3:] == ["delete Third", "delete Second"]
    shown = (await house.call("DescribeStackResources", StackName="shop"))["StackResources"]
    assert [resource["LogicalResourceId"] for resource in shown] == ["First"]


async def test_an_update_without_changes_is_refused(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    with pytest.raises(ServiceError, match=r"No updates are to be performed\."):
        await house.call("UpdateStack", StackName="shop", TemplateBody=body(CHAIN))


async def test_a_failed_update_brings_everything_back(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    there = dict(house.things.there)
    house.things.create_fails = {"Fourth"}
    wider = {**CHAIN, "Resources": {**CHAIN["Resources"], "Fourth": {"Type": "AWS::SNS::Topic", "DependsOn": "Third"}}}
    await house.call("UpdateStack", StackName="shop", TemplateBody=body(wider), Parameters=[parameter("Word", "two")])
    stack = await house.ended("shop")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["Parameters"] == [{"ParameterKey": "Word", "ParameterValue": "one"}]
    assert house.things.there == there
    assert "Fourth" not in (await house.call("GetTemplate", StackName="shop"))["TemplateBody"]


async def test_a_rollback_that_fails_can_be_continued_without_who_is_in_the_way(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    house.things.create_fails = {"Third"}
    await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
    house.things.update_fails = set()

    def fail_on_the_way_back(line: str) -> None:
        if line == "update First" and house.things.log.count("update First") == 1:
            house.things.update_fails = {"First"}

    house.things.on_log = fail_on_the_way_back
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    await house.call("ContinueUpdateRollback", StackName="shop", ResourcesToSkip=["First"])
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


async def test_deletion_goes_against_the_order_of_needs(house):
    made = await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    await house.call("DeleteStack", StackName="shop")
    assert (await house.ended(made["StackId"]))["StackStatus"] == "DELETE_COMPLETE"
    assert house.things.log[3:] == ["delete Third", "delete Second", "delete First"]
    assert house.things.there == {}


async def test_what_cannot_be_deleted_can_be_retained(house):
    made = await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    house.things.delete_fails = {"Second"}
    await house.call("DeleteStack", StackName="shop")
    failed = await house.ended("shop")
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert failed["StackStatusReason"] == "The following resource(s) failed to delete: [Second]. "
    await house.call("DeleteStack", StackName="shop", RetainResources=["Second"])
    assert (await house.ended(made["StackId"]))["StackStatus"] == "DELETE_COMPLETE"
    assert [name.split("-")[1] for name in house.things.there] == ["Second"]


@pytest.mark.parametrize(("policy", "after_failure", "after_deletion"), [("Retain", 1, 1), ("RetainExceptOnCreate", 0, 1), ("Delete", 0, 0)])
async def test_deletion_policies_keep_resources(house, policy, after_failure, after_deletion):
    template = {
        "Resources": {
            "Kept": {"Type": "AWS::SNS::Topic", "DeletionPolicy": policy},
            "Last": {"Type": "AWS::SNS::Topic", "DependsOn": "Kept"},
        }
    }
    house.things.create_fails = {"Last"}
    await house.call("CreateStack", StackName="one", TemplateBody=body(template))
    await house.ended("one")
    assert len(house.things.there) == after_failure
    house.things.there.clear()
    house.things.create_fails = set()
    made = await house.call("CreateStack", StackName="two", TemplateBody=body(template))
    await house.ended("two")
    await house.call("DeleteStack", StackName="two")
    await house.ended(made["StackId"])
    assert len(house.things.there) == after_deletion


async def test_a_replaced_resource_is_kept_if_its_policy_says_so(house):
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "UpdateReplacePolicy": "Retain", "Properties": {"TopicName": "old"}}}}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(template))
    await house.ended("shop")
    template["Resources"]["T"]["Properties"] = {"TopicName": "new"}
    await house.call("UpdateStack", StackName="shop", TemplateBody=body(template))
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    assert set(house.things.there) == {"old", "new"}


async def test_termination_protection_protects(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), EnableTerminationProtection=True)
    await house.ended("shop")
    with pytest.raises(ServiceError, match="TerminationProtection is enabled"):
        await house.call("DeleteStack", StackName="shop")
    await house.call("UpdateTerminationProtection", StackName="shop", EnableTerminationProtection=False)
    await house.call("DeleteStack", StackName="shop")


async def test_a_stack_policy_stops_an_update(house):
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "Update:Replace", "Principal": "*", "Resource": "LogicalResourceId/Third"},
        ]
    }
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), StackPolicyBody=json.dumps(policy))
    await house.ended("shop")
    await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "third-one" in house.things.there
    events = (await house.call("DescribeStackEvents", StackName="shop"))["StackEvents"]
    (why,) = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "UPDATE_FAILED"]
    assert "Statement [#2] does not allow [Update:Replace] for resource [LogicalResourceId/Third]" in why
    override = json.dumps({"Statement": policy["Statement"][:1]})
    await house.call(
        "UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")], StackPolicyDuringUpdateBody=override
    )
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"


def statement(**changes: str) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"} | changes]})


@pytest.mark.parametrize(
    "policy", ["{", "[]", '{"Statement": [{"Effect": "Allow"}]}', statement(Action="Delete:*"), statement(Principal="me"), statement(Effect="Maybe")]
)
async def test_what_is_no_stack_policy_is_refused(house, policy):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    with pytest.raises(ServiceError, match="Error validating stack policy: Invalid stack policy"):
        await house.call("SetStackPolicy", StackName="shop", StackPolicyBody=policy)


async def test_exports_are_imported_and_protected(house):
    exporting = {**CHAIN, "Outputs": {"Name": {"Value": {"Ref": "Third"}, "Export": {"Name": "third"}}}}
    importing = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "third"}}}}}
    await house.call("CreateStack", StackName="giver", TemplateBody=body(exporting))
    await house.ended("giver")
    taker = await house.call("CreateStack", StackName="taker", TemplateBody=body(importing))
    await house.ended("taker")
    assert {"DisplayName": "third-one"} in house.things.there.values()
    assert (await house.call("ListImports", ExportName="third"))["Imports"] == ["taker"]
    await house.call("DeleteStack", StackName="giver")
    stopped = await house.ended("giver")
    assert (stopped["StackStatus"], stopped["StackStatusReason"]) == ("DELETE_FAILED", "Export third cannot be deleted as it is in use by taker")
    again = {**exporting, "Outputs": {"Name": {"Value": "x", "Export": {"Name": "third"}}}}
    await house.call("CreateStack", StackName="rival", TemplateBody=body(again))
    rival = await house.ended("rival")
    assert rival["StackStatus"] == "ROLLBACK_COMPLETE"
    await house.call("DeleteStack", StackName="taker")
    await house.ended(taker["StackId"])
    await house.call("DeleteStack", StackName="giver")
    await house.node.jobs.settle()
    assert (await house.call("ListExports"))["Exports"] == []


async def test_an_import_that_nobody_exports_fails_the_resource(house):
    importing = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "gone"}}}}}
    made = await house.call("CreateChangeSet", StackName="taker", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body(importing))
    shown = await house.call("DescribeChangeSet", ChangeSetName=made["Id"], IncludePropertyValues=True)
    assert shown["Status"] == "CREATE_COMPLETE"
    assert "No export named gone found" in shown["StatusReason"]
    await house.call("ExecuteChangeSet", ChangeSetName=made["Id"])
    assert (await house.ended("taker"))["StackStatus"] == "ROLLBACK_COMPLETE"


async def test_an_attribute_that_the_type_does_not_have_stops_the_stack_before_anything_is_made(house):
    template = {**CHAIN, "Outputs": {"Invalid": {"Value": {"Fn::GetAtt": ["Second", "Invalid"]}}}}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(template))
    assert (await house.ended("shop"))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert house.things.log == []
    events = (await house.call("DescribeStackEvents", StackName="shop"))["StackEvents"]
    why = "[Error] /Outputs/Invalid/Value/Fn::GetAtt: Resource type AWS::SSM::Parameter does not support attribute {Invalid}."
    assert events[1]["ResourceStatusReason"] == f"{why} Rollback requested by user."


async def test_a_stack_that_is_being_made_can_be_deleted(house):
    house.things.before_create = {"First": asyncio.Event()}
    made = await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.things.said("create First")
    await house.call("DeleteStack", StackName="shop")
    house.things.before_create["First"].set()
    assert (await house.ended(made["StackId"]))["StackStatus"] == "DELETE_COMPLETE"
    assert house.things.there == {}
    assert "create Second" not in house.things.log


async def test_an_update_can_be_cancelled(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    house.things.before_update = {"First": asyncio.Event()}
    await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
    await house.things.said("update First")
    await house.call("CancelUpdateStack", StackName="shop")
    house.things.before_update["First"].set()
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "third-one" in house.things.there


async def test_a_token_asks_once(house):
    first = await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), ClientRequestToken="t1")
    assert await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), ClientRequestToken="t1") == first
    with pytest.raises(ServiceError, match=r"Stack \[shop\] already exists"):
        await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    events = (await house.call("DescribeStackEvents", StackName="shop"))["StackEvents"]
    assert {event["ClientRequestToken"] for event in events} == {"t1"}


@pytest.mark.parametrize(
    ("template", "code", "message"),
    [
        (
            {"Resources": {"A": {"Type": "AWS::Not::There"}}},
            "ValidationError",
            "Template format error: Unrecognized resource types: [AWS::Not::There]",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::EKS::Cluster"}}},
            "NotImplemented",
            "The resource types [AWS::EKS::Cluster] are not implemented by Tule yet.",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"Colour": 1}}}},
            "ValidationError",
            "Encountered unsupported property Colour",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"FifoTopic": "maybe"}}}},
            "ValidationError",
            "Properties validation failed for resource A with message:\n[#/FifoTopic: expected type: Boolean, found: String]",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}}},
            "InsufficientCapabilitiesException",
            "Requires capabilities : [CAPABILITY_IAM]",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x", "AssumeRolePolicyDocument": {}}}}},
            "InsufficientCapabilitiesException",
            "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        ),
    ],
)
async def test_what_can_be_refused_is_refused_before_anything_exists(house, template, code, message):
    with pytest.raises(ServiceError) as refused:
        await house.call("CreateStack", StackName="shop", TemplateBody=body(template))
    assert (refused.value.code, refused.value.message) == (code, message)
    assert (await house.call("ListStacks"))["StackSummaries"] == []


async def test_what_failed_is_made_anew_by_the_next_update(house):
    house.things.create_fails = {"Third"}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), DisableRollback=True)
    await house.ended("shop")
    house.things.create_fails = set()
    await house.call("UpdateStack", StackName="shop", TemplateBody=body(CHAIN), DisableRollback=True)
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_COMPLETE"
    assert len(house.things.there) == 3


async def test_a_replacement_that_fails_leaves_the_old_one_untouched(house):
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN))
    await house.ended("shop")
    house.things.create_fails = {"Third"}
    await house.call("UpdateStack", StackName="shop", UsePreviousTemplate=True, Parameters=[parameter("Word", "two")])
    assert (await house.ended("shop"))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "update Third" not in house.things.log
    assert "third-one" in house.things.there


async def test_rolling_back_what_was_left_as_it_was(house):
    house.things.create_fails = {"Third"}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(CHAIN), DisableRollback=True)
    await house.ended("shop")
    await house.call("RollbackStack", StackName="shop")
    assert (await house.ended("shop"))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert house.things.there == {}


async def test_events_come_in_pages_the_newest_first(house):
    template = {"Resources": {f"T{n}": {"Type": "AWS::SNS::Topic"} for n in range(40)}}
    await house.call("CreateStack", StackName="shop", TemplateBody=body(template))
    await house.ended("shop")
    first = await house.call("DescribeStackEvents", StackName="shop")
    second = await house.call("DescribeStackEvents", StackName="shop", NextToken=first["NextToken"])
    assert (len(first["StackEvents"]), len(second["StackEvents"]), second["NextToken"]) == (100, 22, None)
    assert first["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert second["StackEvents"][-1]["ResourceStatusReason"] == "User Initiated"
    with pytest.raises(ServiceError):
        await house.call("DescribeStackEvents", StackName="shop", NextToken=first["NextToken"][:-2] + "xx")


async def test_what_the_cdk_notes_about_itself_makes_nothing(house):
    noted = {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}}
    await house.call("CreateStack", StackName="shop", TemplateBody=body({"Resources": {"CDKMetadata": noted}}))
    assert (await house.ended("shop"))["StackStatus"] == "CREATE_COMPLETE"
    assert house.things.there == {}
