"""Doing one task of a batch job, through S3's and Lambda's own operations, as the job's role.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-operations.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import orjson

from tule.core import arn
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.services.s3 import replication
from tule.services.s3.control.batch.state import Ended, Task
from tule.services.s3.state import ageing, buckets, objects
from tule.store.store import Tx

_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")
_SAME = (
    "BucketKeyEnabled",
    "ChecksumAlgorithm",
    "MetadataDirective",
    "ObjectLockLegalHoldStatus",
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "StorageClass",
)
_GRANTS = {"FULL_CONTROL": "GrantFullControl", "READ": "GrantRead", "READ_ACP": "GrantReadACP", "WRITE_ACP": "GrantWriteACP"}
_Given = Mapping[str, Any]


async def perform(call: Call, job: Mapping[str, Any], task: Task) -> Ended:
    """How it ended; nothing that an operation refuses is raised."""
    name, given = next(iter(job["Request"]["Operation"].items()))
    try:
        message = await _OPERATIONS[name](call, job, given, task)
    except ServiceError as error:
        return Ended(task, error.code, error.status, error.message)
    return Ended(task, "", 200, message)


def _named(task: Task) -> dict[str, str]:
    return {"Bucket": task.bucket, "Key": task.key} | ({"VersionId": task.version} if task.version else {})


async def _s3(call: Call, operation: str, params: Mapping[str, Any]) -> str:
    """Successful: what the report says of it."""
    await call.node.dispatcher.invoke("s3", operation, params, principal=call.principal, region=call.region)
    return "Successful"


async def _copy(call: Call, job: _Given, given: _Given, task: Task) -> str:
    prefix = given.get("TargetKeyPrefix")
    source = f"{task.bucket}/{quote(task.key)}" + (f"?versionId={task.version}" if task.version else "")
    params: dict[str, Any] = {
        "Bucket": arn.parse(given["TargetResource"]).resource,
        "Key": f"{prefix.rstrip('/')}/{task.key}" if prefix else task.key,
        "CopySource": source,
        **{member: given[member] for member in _SAME if member in given},
        **_access(given.get("CannedAccessControlList"), given.get("AccessControlGrants")),
    }
    for member, name in (
        ("ModifiedSinceConstraint", "CopySourceIfModifiedSince"),
        ("UnModifiedSinceConstraint", "CopySourceIfUnmodifiedSince"),
        ("RedirectLocation", "WebsiteRedirectLocation"),
    ):
        if member in given:
            params[name] = given[member]
    if given.get("RequesterPays"):
        params["RequestPayer"] = "requester"
    if "NewObjectTagging" in given:
        params |= {"TaggingDirective": "REPLACE", "Tagging": urlencode({tag["Key"]: tag["Value"] for tag in given["NewObjectTagging"]})}
    return await _s3(call, "CopyObject", params | _metadata(given) | _keys(given))


def _metadata(given: _Given) -> dict[str, Any]:
    new = given.get("NewObjectMetadata")
    if not new:
        return {}
    found: dict[str, Any] = {"MetadataDirective": "REPLACE", **{name: new[name] for name in _HEADERS if name in new}}
    if "UserMetadata" in new:
        found["Metadata"] = new["UserMetadata"]
    return found


def _keys(given: _Given) -> dict[str, str]:
    if "SSEAwsKmsKeyId" in given:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": given["SSEAwsKmsKeyId"]}
    algorithm = (given.get("NewObjectMetadata") or {}).get("SSEAlgorithm")
    return {} if algorithm is None else {"ServerSideEncryption": "aws:kms" if algorithm == "KMS" else algorithm}


def _access(canned: str | None, grants: Any) -> dict[str, str]:
    if canned is not None:
        return {"ACL": canned}
    found: dict[str, list[str]] = {}
    for grant in grants or ():
        to = grant["Grantee"]
        found.setdefault(_GRANTS[grant["Permission"]], []).append(f'{to["TypeIdentifier"]}="{to["Identifier"]}"')
    return {name: ", ".join(grantees) for name, grantees in found.items()}


async def _acl(call: Call, job: _Given, given: _Given, task: Task) -> str:
    policy = given.get("AccessControlPolicy") or {}
    listed = policy.get("AccessControlList") or {}
    return await _s3(call, "PutObjectAcl", _named(task) | _access(policy.get("CannedAccessControlList"), listed.get("Grants")))


async def _tag(call: Call, job: _Given, given: _Given, task: Task) -> str:
    return await _s3(call, "PutObjectTagging", {**_named(task), "Tagging": {"TagSet": given.get("TagSet") or []}})


async def _untag(call: Call, job: _Given, given: _Given, task: Task) -> str:
    return await _s3(call, "DeleteObjectTagging", _named(task))


async def _restore(call: Call, job: _Given, given: _Given, task: Task) -> str:
    tier = given.get("GlacierJobTier", "STANDARD").capitalize()
    request = {"Days": given["ExpirationInDays"], "GlacierJobParameters": {"Tier": tier}}
    return await _s3(call, "RestoreObject", {**_named(task), "RestoreRequest": request})


async def _hold(call: Call, job: _Given, given: _Given, task: Task) -> str:
    return await _s3(call, "PutObjectLegalHold", {**_named(task), "LegalHold": given["LegalHold"]})


async def _retain(call: Call, job: _Given, given: _Given, task: Task) -> str:
    bypass = {"BypassGovernanceRetention": True} if given.get("BypassGovernanceRetention") else {}
    return await _s3(call, "PutObjectRetention", {**_named(task), "Retention": given["Retention"], **bypass})


async def _reencrypt(call: Call, job: _Given, given: _Given, task: Task) -> str:
    return await _s3(call, "UpdateObjectEncryption", {**_named(task), "ObjectEncryption": given.get("ObjectEncryption") or {}})


async def _replicate(call: Call, job: _Given, given: _Given, task: Task) -> str:
    """The bucket's own rules and role do the rest, whatever the version's status was."""

    def begin(tx: Tx) -> None:
        bucket = buckets.get(tx, task.bucket)
        found = objects.version(tx, bucket, task.key, task.version) if task.version else objects.current(tx, bucket, task.key)
        if found is None:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
        if bucket.account != call.account or found.replication == replication.REPLICA or not replication.rules_for(bucket, found):
            raise ServiceError("ObjectNotEligible", "No rule of the bucket replicates this object.", 400)
        ageing.set_replication(tx, bucket, found.key, found.version, replication.PENDING)
        replication.begin(tx, bucket, found)

    await call.node.store.write(begin)
    return "Successful"


async def _invoke(call: Call, job: _Given, given: _Given, task: Task) -> str:
    """The function says itself how the task ended."""
    task_id = f"{job['Id']}-{task.number}"
    payload = orjson.dumps(_event(call, job, given, task, task_id))
    params = {"FunctionName": given["FunctionArn"], "InvocationType": "RequestResponse", "Payload": payload}
    answer = await call.node.dispatcher.invoke("lambda", "Invoke", params, principal=call.principal, region=call.region)
    body = answer.get("Payload", b"")
    text = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
    if answer.get("FunctionError"):
        raise ServiceError("PermanentFailure", f"Lambda function failed: {text.decode('utf-8', 'replace')[:200]}", 200)
    return _result(text, task_id)


def _event(call: Call, job: _Given, given: _Given, task: Task, task_id: str) -> dict[str, Any]:
    schema = given.get("InvocationSchemaVersion", "1.0")
    about: dict[str, Any] = {"id": job["Id"]}
    if schema == "2.0":
        about["userArguments"] = given.get("UserArguments") or {}
        where = {"s3Bucket": task.bucket}
    else:
        where = {"s3BucketArn": f"arn:{arn.partition_of(call.region)}:s3:::{task.bucket}"}
    told = {"taskId": task_id, "s3Key": quote_plus(task.key, safe="/"), "s3VersionId": task.version or None, **where}
    return {"invocationSchemaVersion": schema, "invocationId": call.node.ids.uuid(), "job": about, "tasks": [told]}


def _result(text: bytes, task_id: str) -> str:
    """Raises ServiceError for a task that the function calls failed."""
    try:
        answer = orjson.loads(text)
        results = {each["taskId"]: each for each in answer.get("results", ())}
        missing = answer.get("treatMissingKeysAs", "TemporaryFailure")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ServiceError("PermanentFailure", "The function's answer is not one of the invocation schema.", 200) from None
    found = results.get(task_id) or {"resultCode": missing, "resultString": ""}
    said = str(found.get("resultString", ""))[:1024]
    if found["resultCode"] != "Succeeded":
        raise ServiceError(str(found["resultCode"]), said, 200)
    return said


_OPERATIONS: Mapping[str, Callable[[Call, _Given, _Given, Task], Awaitable[str]]] = {
    "LambdaInvoke": _invoke,
    "S3PutObjectCopy": _copy,
    "S3PutObjectAcl": _acl,
    "S3PutObjectTagging": _tag,
    "S3DeleteObjectTagging": _untag,
    "S3InitiateRestoreObject": _restore,
    "S3PutObjectLegalHold": _hold,
    "S3PutObjectRetention": _retain,
    "S3ReplicateObject": _replicate,
    "S3UpdateObjectEncryption": _reencrypt,
}
