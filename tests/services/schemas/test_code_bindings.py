"""Code bindings: classes of what a schema describes, in four languages."""

from __future__ import annotations

import importlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.node import Account
from tule.services.schemas import bindings
from tule.services.schemas.bindings.model import package_of

NAME = "my.shop@OrderPlaced"
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "Order Placed",
    "source": "my.shop",
    "account": "123456789012",
    "time": "2026-03-01T09:00:00Z",
    "region": "us-east-1",
    "resources": ["arn"],
    "detail": {"order-id": "o1", "class": 2.5, "lines": [{"sku": "a", "count": 3.0}], "when": "2026-03-01T09:00:00.250Z"},
}


def _document() -> dict[str, Any]:
    def object_of(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "properties": properties}

    string = {"type": "string"}
    line = object_of(sku=string, count={"type": "number"})
    time = {"type": "string", "format": "date-time"}
    lines = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
    order = object_of(**{"order-id": string, "class": {"type": "number"}, "lines": lines, "when": time})
    envelope = dict.fromkeys(("version", "id", "detail-type", "source", "account", "region"), string)
    detail = {"$ref": "#/components/schemas/OrderPlaced"}
    event = object_of(detail=detail, time=time, resources={"type": "array", "items": string}, **envelope)
    schemas = {"AWSEvent": event, "OrderPlaced": order, "Line": line}
    return {"openapi": "3.0.0", "info": {"version": "1.0.0", "title": "OrderPlaced"}, "paths": {}, "components": {"schemas": schemas}}


def _unpacked(language: str) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(bindings.archive(language, NAME, _document()))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize(
    ("schema", "package"),
    [
        ("my.shop@OrderPlaced", "schema.my_shop.orderplaced"),
        ("aws.ec2@EC2InstanceStateChangeNotification", "schema.aws.ec2.ec2instancestatechangenotification"),
        ("aws.partner-zendesk.com/1@Ticket", "schema.aws.partner.zendesk_com_1.ticket"),
        ("plain-name", "schema.plain_name"),
    ],
)
def test_packages_are_where_tools_look_for_them(schema: str, package: str) -> None:
    assert ".".join(package_of(schema)) == package


def test_python_classes_read_and_write_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(io.BytesIO(bindings.archive("Python36", NAME, _document()))) as archive:
        archive.extractall(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    package: Any = importlib.import_module("schema.my_shop.orderplaced")
    try:
        event = package.Marshaller.unmarshall(EVENT, package.AWSEvent)
        assert (event.detail_type, event.detail.order_id, event.detail._class) == ("Order Placed", "o1", 2.5)
        assert isinstance(event.detail, package.OrderPlaced)
        assert isinstance(event.detail.lines[0], package.Line)
        assert event.detail.when.microsecond == 250_000
        event.detail_type = "Changed"
        written = package.Marshaller.marshall(event)
        assert json.loads(json.dumps(written)) == {
            **EVENT,
            "detail-type": "Changed",
            "detail": EVENT["detail"] | {"when": "2026-03-01T09:00:00.250000Z"},
        }
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "schema"]:
            del sys.modules[name]


def test_java_events_are_generic_in_their_detail() -> None:
    files = _unpacked("Java8")
    there = "schema/my_shop/orderplaced"
    assert sorted(files) == sorted(f"{there}/{name}.java" for name in ("AWSEvent", "OrderPlaced", "Line", "marshaller/Marshaller"))
    assert "public class AWSEvent<T> implements Serializable {" in files[f"{there}/AWSEvent.java"]
    assert "private T detail;" in files[f"{there}/AWSEvent.java"]
    order = files[f"{there}/OrderPlaced.java"]
    assert '@JsonProperty("class")\n    private BigDecimal _class;' in order
    assert "public BigDecimal getClass_() {" in order
    assert "public List<Line> getLines() {" in order
    assert "public static <T> AWSEvent<T> unmarshalEvent(InputStream input, Class<T> type)" in files[f"{there}/marshaller/Marshaller.java"]


def test_typescript_classes_import_each_other() -> None:
    files = _unpacked("TypeScript3")
    order = files["schema/my_shop/orderplaced/OrderPlaced.ts"]
    assert order.startswith("import { Line } from './Line';\n\nexport class OrderPlaced {\n    order_id?: string;\n")
    assert "{ name: 'lines', baseName: \"lines\", type: Line, isList: 1 }," in order


def test_go_structs_carry_the_names_of_the_event() -> None:
    files = _unpacked("Go1")
    assert files["schema/my_shop/orderplaced/OrderPlaced.go"] == (
        'package orderplaced\n\nimport (\n    "time"\n)\n\ntype OrderPlaced struct {\n'
        '    OrderId string `json:"order-id,omitempty"`\n    Class float64 `json:"class,omitempty"`\n'
        '    Lines []*Line `json:"lines,omitempty"`\n    When time.Time `json:"when,omitempty"`\n}\n'
    )


def test_a_binding_is_asked_for_waited_for_and_fetched(aws: Account) -> None:
    schemas = aws.client("schemas")
    schemas.create_registry(RegistryName="shop")
    schemas.create_schema(RegistryName="shop", SchemaName=NAME, Type="OpenApi3", Content=json.dumps(_document()))
    asked = {"RegistryName": "shop", "SchemaName": NAME, "Language": "Python36"}
    with pytest.raises(ClientError) as error:
        schemas.describe_code_binding(**asked)
    assert error.value.response["Error"]["Code"] == "NotFoundException"
    assert schemas.put_code_binding(**asked)["Status"] == "CREATE_IN_PROGRESS"
    schemas.get_waiter("code_binding_exists").wait(**asked)
    assert schemas.describe_code_binding(**asked)["SchemaVersion"] == "1"
    source = schemas.get_code_binding_source(**asked)["Body"].read()
    assert "schema/my_shop/orderplaced/AWSEvent.py" in zipfile.ZipFile(io.BytesIO(source)).namelist()
    schemas.delete_schema(RegistryName="shop", SchemaName=NAME)
    schemas.create_schema(RegistryName="shop", SchemaName=NAME, Type="OpenApi3", Content=json.dumps(_document()))
    with pytest.raises(ClientError):
        schemas.get_code_binding_source(**asked)


def test_a_schema_that_describes_no_object_has_no_binding(aws: Account) -> None:
    schemas = aws.client("schemas")
    schemas.create_registry(RegistryName="shop")
    schemas.create_schema(RegistryName="shop", SchemaName="n", Type="JSONSchemaDraft4", Content='{"type": "number"}')
    asked = {"RegistryName": "shop", "SchemaName": "n"}
    schemas.put_code_binding(**asked, Language="Go1")
    assert schemas.describe_code_binding(**asked, Language="Go1")["Status"] == "CREATE_FAILED"
    with pytest.raises(ClientError, match="Language Perl is not supported") as error:
        schemas.put_code_binding(**asked, Language="Perl")
    assert error.value.response["Error"]["Code"] == "BadRequestException"
