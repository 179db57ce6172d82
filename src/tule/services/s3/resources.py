"""S3's CloudFormation resource types.  AWS: CloudFormation template reference, AWS::S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.core import arn
from tule.core.errors import ServiceError
from tule.core.tags import to_list, to_map
from tule.platform.resource_type import Properties, Resource, ResourceType, StackContext
from tule.services.s3 import names, template_properties
from tule.services.s3.control.resources import CONTROL_TYPES
from tule.services.s3.template_lists import LISTS, ListSetting
from tule.services.s3.template_properties import SETTINGS

# Regions whose website endpoints are written with a dash before the region, by their age.
_DASHED_WEBSITES = (
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-west-1",
    "sa-east-1",
    "us-gov-west-1",
)


class BucketType:
    """Ref is the bucket's name; GetAtt gives Arn, DomainName, DualStackDomainName, RegionalDomainName and WebsiteURL."""

    name = "AWS::S3::Bucket"
    replace_on = frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"})

    def check(self, properties: Properties) -> None:
        """Raises NotImplemented for what cannot be honoured."""
        template_properties.refuse_unbuilt(properties)

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        return await _exists(stack, properties["BucketName"])

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        template_properties.refuse_unbuilt(properties)
        bucket = _bucket_name(stack, properties)
        if await _exists(stack, bucket):  # in us-east-1 creating it again would succeed
            raise template_properties.already_exists(bucket)
        params: Properties = {"Bucket": bucket}
        if stack.region != "us-east-1":
            params["CreateBucketConfiguration"] = {"LocationConstraint": stack.region}
        if properties.get("ObjectLockEnabled"):
            params["ObjectLockEnabledForBucket"] = True
        if bucket.endswith(names.regional_suffix(stack.account, stack.region)):
            params["BucketNamespace"] = "account-regional"
        await stack.call("s3", "CreateBucket", params)
        try:
            await _settle(stack, bucket, {}, properties)
        except ServiceError:
            await self.delete(stack, bucket, properties)
            raise
        return _bucket_resource(stack, bucket)

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        template_properties.refuse_unbuilt(new)
        await _settle(stack, physical_id, old, new)
        return _bucket_resource(stack, physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        """A bucket with objects in it stays, and fails the deletion of its stack."""
        try:
            await stack.call("s3", "DeleteBucket", {"Bucket": physical_id})
        except ServiceError as error:
            if error.code != "NoSuchBucket":
                raise

    async def read_attributes(self, stack: StackContext, physical_id: str) -> Resource:
        await stack.call("s3", "HeadBucket", {"Bucket": physical_id})
        return _bucket_resource(stack, physical_id)


async def _exists(stack: StackContext, bucket: str) -> bool:
    try:
        await stack.call("s3", "HeadBucket", {"Bucket": bucket})
    except ServiceError as error:
        if error.code == "NoSuchBucket":
            return False
        if error.status == 403:
            return True
        raise
    return True


async def _settle(stack: StackContext, bucket: str, old: Properties, new: Properties) -> None:
    """Bring every setting that differs to what the template says."""
    await _retag(stack, bucket, new)
    for setting in SETTINGS:
        wanted = new.get(setting.property)
        if wanted == old.get(setting.property):
            continue
        if wanted is None:
            await stack.call("s3", setting.clear, {"Bucket": bucket, **setting.cleared})
        else:
            await stack.call("s3", setting.operation, {"Bucket": bucket, **setting.params(wanted, bucket)})
    for each in LISTS:
        await _settle_list(stack, bucket, each, old.get(each.listed) or (), new.get(each.listed) or ())


async def _settle_list(stack: StackContext, bucket: str, setting: ListSetting, old: Sequence[Properties], new: Sequence[Properties]) -> None:
    """Put what is new or differs, by its id, and delete what is no longer there."""
    known = {each["Id"]: each for each in old}
    for each in new:
        if known.pop(each["Id"], None) != each:
            params = {"Bucket": bucket, "Id": each["Id"], setting.member: setting.configuration(each)}
            await stack.call("s3", setting.put, params)
    for id in known:
        await stack.call("s3", setting.delete, {"Bucket": bucket, "Id": id})


def _bucket_name(stack: StackContext, properties: Properties) -> str:
    """As it is given, made of a prefix in the account's own namespace, or of the stack's name."""
    if "BucketNamePrefix" in properties:
        return properties["BucketNamePrefix"] + names.regional_suffix(stack.account, stack.region)
    return properties.get("BucketName") or stack.generated_name(63, lower=True)


async def _retag(stack: StackContext, bucket: str, new: Properties) -> None:
    tags = {**stack.tags, **to_map(new.get("Tags"))}
    if tags != await _tags(stack, bucket):
        await stack.call("s3", "PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": to_list(tags)}})


async def _tags(stack: StackContext, bucket: str) -> dict[str, str]:
    try:
        return to_map((await stack.call("s3", "GetBucketTagging", {"Bucket": bucket}))["TagSet"])
    except ServiceError as error:
        if error.code != "NoSuchTagSet":
            raise
        return {}


def _bucket_resource(stack: StackContext, bucket: str) -> Resource:
    region = stack.region
    suffix = "amazonaws.com.cn" if arn.partition_of(region) == "aws-cn" else "amazonaws.com"
    separator = "-" if region in _DASHED_WEBSITES else "."
    attributes = {
        "Arn": names.bucket_arn(region, bucket),
        "DomainName": f"{bucket}.s3.{suffix}",
        "DualStackDomainName": f"{bucket}.s3.dualstack.{region}.{suffix}",
        "RegionalDomainName": f"{bucket}.s3.{region}.{suffix}",
        "WebsiteURL": f"http://{bucket}.s3-website{separator}{region}.{suffix}",
    }
    return Resource(bucket, attributes)


class BucketPolicyType:
    """Ref is the bucket's name."""

    name = "AWS::S3::BucketPolicy"
    replace_on = frozenset({"Bucket"})

    async def exists(self, stack: StackContext, properties: Properties) -> bool:
        try:
            await stack.call("s3", "GetBucketPolicy", {"Bucket": properties["Bucket"]})
        except ServiceError as error:
            if error.code not in ("NoSuchBucketPolicy", "NoSuchBucket"):
                raise
            return False
        return True

    async def create(self, stack: StackContext, properties: Properties) -> Resource:
        await stack.call("s3", "PutBucketPolicy", {"Bucket": properties["Bucket"], "Policy": _policy(properties)})
        return Resource(properties["Bucket"])

    async def update(self, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource:
        await stack.call("s3", "PutBucketPolicy", {"Bucket": physical_id, "Policy": _policy(new)})
        return Resource(physical_id)

    async def delete(self, stack: StackContext, physical_id: str, properties: Properties) -> None:
        try:
            await stack.call("s3", "DeleteBucketPolicy", {"Bucket": physical_id})
        except ServiceError as error:
            if error.code != "NoSuchBucket":
                raise


def _policy(properties: Mapping[str, Any]) -> str:
    document = properties["PolicyDocument"]
    return document if isinstance(document, str) else orjson.dumps(document).decode()


RESOURCE_TYPES: tuple[ResourceType, ...] = (BucketType(), BucketPolicyType(), *CONTROL_TYPES)
