"""Registries, schemas, their versions, searching and exporting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account


def document(**properties: str) -> str:
    schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in properties.items()}}
    return json.dumps({"openapi": "3.0.0", "info": {"version": "1.0.0", "title": "Order"}, "paths": {}, "components": {"schemas": {"Order": schema}}})


def client(aws: Account) -> Any:
    return aws.client("schemas")


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    return error.value.response["Error"]["Code"], error.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_registry_is_made_shown_changed_and_deleted_with_its_schemas(aws: Account) -> None:
    schemas = client(aws)
    made = schemas.create_registry(RegistryName="shop", Description="d", Tags={"a": "b"})
    arn = f"arn:aws:schemas:us-east-1:{aws.id}:registry/shop"
    assert (made["RegistryArn"], made["Description"], made["Tags"]) == (arn, "d", {"a": "b"})
    with pytest.raises(ClientError) as error:
        schemas.create_registry(RegistryName="shop")
    assert refusal(error) == ("ConflictException", 409)
    assert schemas.update_registry(RegistryName="shop", Description="e")["Description"] == "e"
    schemas.create_schema(RegistryName="shop", SchemaName="order", Type="OpenApi3", Content=document(id="string"))
    schemas.delete_registry(RegistryName="shop")
    for ask in (lambda: schemas.describe_registry(RegistryName="shop"), lambda: schemas.list_schemas(RegistryName="shop")):
        with pytest.raises(ClientError) as error:
            ask()
        assert refusal(error) == ("NotFoundException", 404)
    schemas.create_registry(RegistryName="shop")
    assert schemas.list_schemas(RegistryName="shop")["Schemas"] == []


def test_the_registry_of_aws_is_there_and_cannot_be_changed(aws: Account) -> None:
    schemas = client(aws)
    assert [each["RegistryName"] for each in schemas.list_registries(Scope="AWS")["Registries"]] == ["aws.events"]
    assert schemas.list_registries(Scope="LOCAL")["Registries"] == []
    content = json.loads(schemas.describe_schema(RegistryName="aws.events", SchemaName="aws.s3@ObjectCreated")["Content"])
    event = content["components"]["schemas"]["AWSEvent"]
    assert (event["x-amazon-events-source"], event["x-amazon-events-detail-type"]) == ("aws.s3", "Object Created")
    assert "bucket" in content["components"]["schemas"]["ObjectCreated"]["properties"]
    for change in (
        lambda: schemas.create_schema(RegistryName="aws.events", SchemaName="x", Type="OpenApi3", Content=document()),
        lambda: schemas.delete_registry(RegistryName="aws.events"),
        lambda: schemas.create_registry(RegistryName="aws.mine"),
    ):
        with pytest.raises(ClientError) as error:
            change()
        assert refusal(error) == ("ForbiddenException", 403)


def test_versions_of_a_schema(aws: Account) -> None:
    schemas = client(aws)
    schemas.create_registry(RegistryName="shop")
    which = {"RegistryName": "shop", "SchemaName": "order"}
    made = schemas.create_schema(**which, Type="OpenApi3", Content=document(id="string"), Description="d")
    assert (made["SchemaVersion"], made["Type"], made["Description"]) == ("1", "OpenApi3", "d")
    assert made["SchemaArn"] == f"arn:aws:schemas:us-east-1:{aws.id}:schema/shop/order"
    assert schemas.update_schema(**which, Content=document(id="string"))["SchemaVersion"] == "1", "nothing changed"
    assert schemas.update_schema(**which, Content=document(id="number"))["SchemaVersion"] == "2"
    assert schemas.describe_schema(**which)["Content"] == document(id="number")
    assert schemas.describe_schema(**which, SchemaVersion="1")["Content"] == document(id="string")
    assert [each["SchemaVersion"] for each in schemas.list_schema_versions(**which)["SchemaVersions"]] == ["1", "2"]
    assert [(each["SchemaName"], each["VersionCount"]) for each in schemas.list_schemas(RegistryName="shop")["Schemas"]] == [("order", 2)]
    schemas.delete_schema_version(**which, SchemaVersion="2")
    assert schemas.describe_schema(**which)["SchemaVersion"] == "1"
    with pytest.raises(ClientError) as error:
        schemas.describe_schema(**which, SchemaVersion="2")
    assert refusal(error) == ("NotFoundException", 404)
    schemas.delete_schema(**which)
    with pytest.raises(ClientError) as error:
        schemas.describe_schema(**which)
    assert refusal(error) == ("NotFoundException", 404)


@pytest.mark.parametrize(
    ("kind", "content"), [("OpenApi3", "{"), ("OpenApi3", "[]"), ("OpenApi3", '{"openapi": "2.0"}'), ("Other", "{}"), ("JSONSchemaDraft4", "nothing")]
)
def test_contents_that_are_no_schemas_are_refused(aws: Account, kind: str, content: str) -> None:
    schemas = client(aws)
    schemas.create_registry(RegistryName="shop")
    with pytest.raises(ClientError) as error:
        schemas.create_schema(RegistryName="shop", SchemaName="order", Type=kind, Content=content)
    assert refusal(error) == ("BadRequestException", 400)


def test_schemas_are_found_by_words_in_any_version(aws: Account) -> None:
    schemas = client(aws)
    schemas.create_registry(RegistryName="shop")
    schemas.create_schema(RegistryName="shop", SchemaName="order", Type="OpenApi3", Content=document(customer="string"))
    schemas.update_schema(RegistryName="shop", SchemaName="order", Content=document(buyer="string"))
    schemas.create_schema(RegistryName="shop", SchemaName="payment", Type="OpenApi3", Content=document(customer="string", amount="number"))

    def found(words: str) -> list[tuple[str, list[str]]]:
        answer = schemas.search_schemas(RegistryName="shop", Keywords=words)["Schemas"]
        return [(each["SchemaName"], [version["SchemaVersion"] for version in each["SchemaVersions"]]) for each in answer]

    assert found("Customer") == [("order", ["1"]), ("payment", ["1"])]
    assert found("customer amount") == [("payment", ["1"])]
    assert found("buyer") == [("order", ["2"])]
    assert found("absent") == []


def test_a_schema_is_exported_as_json_schema(aws: Account) -> None:
    content = client(aws).export_schema(RegistryName="aws.events", SchemaName="aws.s3@ObjectCreated", Type="JSONSchemaDraft4")["Content"]
    exported = json.loads(content)
    assert exported["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert exported["properties"]["detail"] == {"$ref": "#/definitions/ObjectCreated"}
    assert exported["definitions"]["ObjectCreated"]["properties"]["bucket"] == {"$ref": "#/definitions/Bucket"}


def test_listings_come_in_pages(aws: Account) -> None:
    schemas = client(aws)
    schemas.create_registry(RegistryName="shop")
    for name in ("a", "b", "c"):
        schemas.create_schema(RegistryName="shop", SchemaName=name, Type="OpenApi3", Content=document())
    pages = schemas.get_paginator("list_schemas").paginate(RegistryName="shop", PaginationConfig={"PageSize": 2})
    assert [[each["SchemaName"] for each in page["Schemas"]] for page in pages] == [["a", "b"], ["c"]]
    with pytest.raises(ClientError) as error:
        schemas.list_schemas(RegistryName="shop", NextToken="forged")
    assert refusal(error) == ("BadRequestException", 400)


def test_a_registry_has_a_policy(aws: Account) -> None:
    schemas = client(aws)
    schemas.create_registry(RegistryName="shop")
    with pytest.raises(ClientError) as error:
        schemas.get_resource_policy(RegistryName="shop")
    assert refusal(error) == ("NotFoundException", 404)
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    revision = schemas.put_resource_policy(RegistryName="shop", Policy=policy)["RevisionId"]
    shown = schemas.get_resource_policy(RegistryName="shop")
    assert (json.loads(shown["Policy"]), shown["RevisionId"]) == (json.loads(policy), revision)
    with pytest.raises(ClientError) as error:
        schemas.put_resource_policy(RegistryName="shop", Policy=policy, RevisionId="another")
    assert refusal(error) == ("PreconditionFailedException", 412)
    schemas.delete_resource_policy(RegistryName="shop")


def test_tags_of_everything(aws: Account) -> None:
    schemas = client(aws)
    registry = schemas.create_registry(RegistryName="shop")["RegistryArn"]
    schema = schemas.create_schema(RegistryName="shop", SchemaName="order", Type="OpenApi3", Content=document())["SchemaArn"]
    bus = f"arn:aws:events:us-east-1:{aws.id}:event-bus/default"
    discoverer = schemas.create_discoverer(SourceArn=bus)["DiscovererArn"]
    for arn in (registry, schema, discoverer):
        schemas.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
        schemas.untag_resource(ResourceArn=arn, TagKeys=["a"])
        assert schemas.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}


def test_a_user_needs_permission_for_the_schema(aws: Account) -> None:
    schemas = client(aws)
    schemas.create_registry(RegistryName="shop")
    for name in ("order", "payment"):
        schemas.create_schema(RegistryName="shop", SchemaName=name, Type="OpenApi3", Content=document())
    statement = {"Effect": "Allow", "Action": "schemas:DescribeSchema", "Resource": f"arn:aws:schemas:us-east-1:{aws.id}:schema/shop/order"}
    aws.iam.create_user(UserName="u")
    aws.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    key = aws.iam.create_access_key(UserName="u")["AccessKey"]
    theirs = aws.client("schemas", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert theirs.describe_schema(RegistryName="shop", SchemaName="order")["SchemaName"] == "order"
    with pytest.raises(ClientError) as error:
        theirs.describe_schema(RegistryName="shop", SchemaName="payment")
    assert refusal(error)[1] == 403
