"""Firehose's CloudFormation resource type.  AWS: CloudFormation template reference, AWS::KinesisFirehose."""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError, not_implemented
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.firehose.destinations import settings
from tule.services.firehose.destinations.settings import Kind
from tule.services.firehose.state.streams import stream_arn

_ENCRYPTION = "DeliveryStreamEncryptionConfigurationInput"


class DeliveryStreamType:
    """Ref is the name; GetAtt gives Arn."""

    name = "AWS::KinesisFirehose::DeliveryStream"
    replace_on = frozenset(
        {
            "DeliveryStreamName",
            "DeliveryStreamType",
            "DirectPutSourceConfiguration",
            "KinesisStreamSourceConfiguration",
            "MSKSourceConfiguration",
            "DatabaseSourceConfiguration",
        }
    )

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what would be without effect."""
        for name in ("MSKSourceConfiguration", "DatabaseSourceConfiguration"):
            if name in properties:
                raise not_implemented(self.name, name)
        conversion = (properties.get("ExtendedS3DestinationConfiguration") or {}).get("DataFormatConversionConfiguration")
        if conversion is not None and conversion.get("Enabled", True) is not False:
            raise not_implemented(self.name, "DataFormatConversionConfiguration")

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _describe(stack, properties["DeliveryStreamName"]) is not None

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        name = properties.get("DeliveryStreamName") or stack.generated_name(64)
        params: dict[str, Any] = {**properties, "DeliveryStreamName": name}
        tags = _tags(stack, properties)
        params.pop("Tags", None)
        if tags:
            params["Tags"] = to_list(tags)
        await stack.call("firehose", "CreateDeliveryStream", params)
        return _resource(stack, name)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        old_kind, new_kind = _kind(old), _kind(new)
        if old[old_kind.configuration] != new[new_kind.configuration] or old_kind != new_kind:
            await _update_destination(stack, physical_id, new_kind, new[new_kind.configuration])
        if old.get(_ENCRYPTION) != new.get(_ENCRYPTION):
            await _encrypt(stack, physical_id, new.get(_ENCRYPTION))
        await _retag(stack, physical_id, _tags(stack, new))
        return _resource(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        try:
            await stack.call("firehose", "DeleteDeliveryStream", {"DeliveryStreamName": physical_id, "AllowForceDelete": True})
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise


def _resource(stack: StackContext, name: str) -> Resource:
    return Resource(name, {"Arn": stream_arn(stack.account, stack.region, name)})


def _tags(stack: StackContext, properties: Properties) -> dict[str, str]:
    return {**stack.tags, **to_map(properties.get("Tags"))}


def _kind(properties: Properties) -> Kind:
    found = settings.given(properties, "configuration")
    assert found is not None, "the service has refused what names no destination"
    return found[0]


async def _describe(stack: StackContext, name: str) -> dict[str, Any] | None:
    try:
        return (await stack.call("firehose", "DescribeDeliveryStream", {"DeliveryStreamName": name}))["DeliveryStreamDescription"]
    except ServiceError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


_UPDATED = {"S3Configuration": "S3Update", "S3BackupConfiguration": "S3BackupUpdate"}


async def _update_destination(stack: StackContext, name: str, kind: Kind, config: dict[str, Any]) -> None:
    described = await _describe(stack, name)
    if described is None:
        return
    update = {_UPDATED.get(key, key): value for key, value in config.items()}
    params = {
        "DeliveryStreamName": name,
        "CurrentDeliveryStreamVersionId": described["VersionId"],
        "DestinationId": described["Destinations"][0]["DestinationId"],
        kind.update: update,
    }
    await stack.call("firehose", "UpdateDestination", params)


async def _encrypt(stack: StackContext, name: str, wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        await stack.call("firehose", "StopDeliveryStreamEncryption", {"DeliveryStreamName": name})
    else:
        await stack.call("firehose", "StartDeliveryStreamEncryption", {"DeliveryStreamName": name, _ENCRYPTION: wanted})


async def _retag(stack: StackContext, name: str, wanted: dict[str, str]) -> None:
    before = to_map((await stack.call("firehose", "ListTagsForDeliveryStream", {"DeliveryStreamName": name}))["Tags"])
    gone = [key for key in before if key not in wanted]
    if gone:
        await stack.call("firehose", "UntagDeliveryStream", {"DeliveryStreamName": name, "TagKeys": gone})
    if wanted and wanted != before:
        await stack.call("firehose", "TagDeliveryStream", {"DeliveryStreamName": name, "Tags": to_list(wanted)})


RESOURCE_TYPES: tuple[ResourceType, ...] = (DeliveryStreamType(),)
