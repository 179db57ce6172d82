"""Discoverers infer schemas from what comes over their bus."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.node import Account
from tests.services.lambda_.test_end_to_end import eventually
from tule.services.schemas import inference


def put(aws: Account, detail: dict[str, Any], bus: str = "default") -> None:
    entry = {"Source": "my.shop", "DetailType": "Order Placed", "Detail": json.dumps(detail), "EventBusName": bus}
    assert aws.events.put_events(Entries=[entry])["FailedEntryCount"] == 0


def bus_arn(aws: Account, bus: str = "default") -> str:
    return f"arn:aws:events:us-east-1:{aws.id}:event-bus/{bus}"


def found(aws: Account) -> list[str]:
    schemas = aws.client("schemas")
    return [each["SchemaName"] for each in schemas.list_schemas(RegistryName="discovered-schemas")["Schemas"]]


def versions(aws: Account) -> int:
    which = {"RegistryName": "discovered-schemas", "SchemaName": "my.shop@OrderPlaced"}
    return len(aws.client("schemas").list_schema_versions(**which)["SchemaVersions"])


def test_a_schema_is_discovered_and_gets_versions_as_events_change(aws: Account) -> None:
    schemas = aws.client("schemas")
    made = schemas.create_discoverer(SourceArn=bus_arn(aws), Description="d")
    assert (made["DiscovererId"], made["State"]) == ("events-event-bus-default", "STARTED")
    put(aws, {"id": "o-1", "total": 12.5, "buyer": {"name": "Ada", "since": "2026-01-01T00:00:00Z"}, "lines": [{"sku": "x"}]})
    eventually(lambda: found(aws) == ["my.shop@OrderPlaced"])
    shown = schemas.describe_schema(RegistryName="discovered-schemas", SchemaName="my.shop@OrderPlaced")
    components = json.loads(shown["Content"])["components"]["schemas"]
    assert components["AWSEvent"]["properties"]["detail"] == {"$ref": "#/components/schemas/OrderPlaced"}
    order = components["OrderPlaced"]
    assert order["required"] == ["id", "total", "buyer", "lines"]
    assert order["properties"]["total"] == {"type": "number"}
    assert components["Buyer"]["properties"]["since"] == {"type": "string", "format": "date-time"}
    assert components["LinesItem"]["properties"] == {"sku": {"type": "string"}}
    put(aws, {"id": "o-2", "total": 3, "buyer": {"name": "Bob", "since": "2026-02-01T00:00:00Z"}, "lines": [{"sku": "y"}]})
    put(aws, {"id": "o-3", "gift": True})
    eventually(lambda: versions(aws) == 2)


def test_a_stopped_discoverer_sees_nothing(aws: Account) -> None:
    schemas = aws.client("schemas")
    aws.events.create_event_bus(Name="shop")
    id = schemas.create_discoverer(SourceArn=bus_arn(aws, "shop"))["DiscovererId"]
    assert schemas.stop_discoverer(DiscovererId=id)["State"] == "STOPPED"
    (rule,) = aws.events.list_rules(EventBusName="shop")["Rules"]
    assert (rule["State"], rule["ManagedBy"]) == ("DISABLED", "schemas.amazonaws.com")
    put(aws, {"id": "o-1"}, "shop")
    assert schemas.start_discoverer(DiscovererId=id)["State"] == "STARTED"
    put(aws, {"seen": True}, "shop")
    eventually(lambda: found(aws))
    assert versions(aws) == 1
    schemas.delete_discoverer(DiscovererId=id)
    assert aws.events.list_rules(EventBusName="shop")["Rules"] == []
    with pytest.raises(ClientError) as error:
        schemas.describe_discoverer(DiscovererId=id)
    assert error.value.response["Error"]["Code"] == "NotFoundException"


def test_the_rule_of_a_discoverer_is_not_its_owners_to_change(aws: Account) -> None:
    aws.client("schemas").create_discoverer(SourceArn=bus_arn(aws))
    (rule,) = aws.events.list_rules()["Rules"]
    with pytest.raises(ClientError) as error:
        aws.events.put_rule(Name=rule["Name"], EventPattern=json.dumps({"source": ["x"]}))
    assert error.value.response["Error"]["Code"] == "ManagedRuleException"
    with pytest.raises(ClientError) as error:
        aws.events.remove_targets(Rule=rule["Name"], Ids=["schemas"])
    assert error.value.response["Error"]["Code"] == "ManagedRuleException"


def test_one_discoverer_for_a_bus_and_none_for_what_is_no_bus(aws: Account) -> None:
    schemas = aws.client("schemas")
    schemas.create_discoverer(SourceArn=bus_arn(aws))
    expected = {bus_arn(aws): "ConflictException", bus_arn(aws, "absent"): "NotFoundException", "arn:aws:sqs:us-east-1:1:q": "BadRequestException"}
    for source, code in expected.items():
        with pytest.raises(ClientError) as error:
            schemas.create_discoverer(SourceArn=source)
        assert error.value.response["Error"]["Code"] == code
    assert [each["SourceArn"] for each in schemas.list_discoverers(SourceArnPrefix="arn:aws:events")["Discoverers"]] == [bus_arn(aws)]


def test_a_schema_can_be_had_for_some_events_at_once(aws: Account) -> None:
    events = [json.dumps({"source": "s", "detail-type": "T", "detail": detail}) for detail in ({"a": 1, "b": None}, {"a": 2, "b": "x"}, {"a": 3})]
    schemas = aws.client("schemas")
    content = json.loads(schemas.get_discovered_schema(Type="OpenApi3", Events=events)["Content"])
    assert content["components"]["schemas"]["T"] == {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "number"}, "b": {"type": "string"}},
    }
    drafted = json.loads(schemas.get_discovered_schema(Type="JSONSchemaDraft4", Events=events)["Content"])
    assert drafted["definitions"]["T"]["required"] == ["a"]


TEMPLATE = """
Resources:
  Registry:
    Type: AWS::EventSchemas::Registry
    Properties: {RegistryName: shop, Description: d, Tags: [{Key: a, Value: b}]}
  Schema:
    Type: AWS::EventSchemas::Schema
    Properties:
      RegistryName: !GetAtt Registry.RegistryName
      SchemaName: order
      Type: JSONSchemaDraft4
      Content: '{"title": "%s"}'
  Policy:
    Type: AWS::EventSchemas::RegistryPolicy
    Properties:
      RegistryName: !GetAtt Registry.RegistryName
      Policy: {Version: '2012-10-17', Statement: []}
  Bus:
    Type: AWS::Events::EventBus
    Properties: {Name: shop}
  Discoverer:
    Type: AWS::EventSchemas::Discoverer
    Properties: {SourceArn: !GetAtt Bus.Arn, CrossAccount: false}
Outputs:
  Version: {Value: !GetAtt Schema.SchemaVersion}
  Id: {Value: !GetAtt Discoverer.DiscovererId}
"""


def test_a_stack_has_them_all(aws: Account) -> None:
    cloudformation = aws.client("cloudformation")

    def outputs() -> dict[str, str]:
        (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    cloudformation.create_stack(StackName="s", TemplateBody=TEMPLATE % "one")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert outputs() == {"Version": "1", "Id": "events-event-bus-shop"}
    cloudformation.update_stack(StackName="s", TemplateBody=TEMPLATE % "two")
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert outputs()["Version"] == "2"
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert aws.client("schemas").list_registries(Scope="LOCAL", RegistryNamePrefix="shop")["Registries"] == []
    assert aws.client("schemas").list_discoverers()["Discoverers"] == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=12,
)
details = st.dictionaries(st.text("abc", min_size=1, max_size=2), values, max_size=4)


@given(st.lists(details, min_size=1, max_size=4))
def test_every_component_that_is_referred_to_is_there(found: list[dict[str, Any]]) -> None:
    events = [{"source": "s", "detail-type": "T", "detail": detail} for detail in found]
    document = inference.open_api(events[0], inference.merged(inference.shape_of(event) for event in events))
    there = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= there
    for detail in found:
        for name in document["components"]["schemas"]["T"].get("required", []):
            assert name in detail


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [value["$ref"]] if set(value) == {"$ref"} else [each for inner in value.values() for each in references(inner)]
    return [each for inner in value for each in references(inner)] if isinstance(value, list) else []
