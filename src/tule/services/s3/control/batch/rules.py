"""What a batch job may be, and from which state it goes to which.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html and batch-ops-job-status.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.core.errors import ServiceError, not_implemented
from tule.services.s3 import errors as s3_errors
from tule.services.s3 import tag_rules

CSV = "S3BatchOperations_CSV_20180820"
INVENTORY = "S3InventoryReport_CSV_20161130"
ENDS = ("Complete", "Failed", "Cancelled")
_UNBUILT = ("S3ComputeObjectChecksum",)
_LAMBDA_SCHEMAS = ("1.0", "2.0")
MAX_TAGS = 50
# A job is given up when more than half of at least so many tasks failed.
_ENOUGH_TASKS = 1000


def check(params: Mapping[str, Any]) -> None:
    """Raises InvalidRequest, or NotImplemented for operations that are not built."""
    operations = list(params["Operation"])
    if len(operations) != 1:
        raise s3_errors.invalid_request("Exactly one operation must be specified.")
    if operations[0] in _UNBUILT:
        raise not_implemented("s3control", f"CreateJob of {operations[0]}")
    _check_operation(operations[0], params["Operation"][operations[0]])
    if ("Manifest" in params) == ("ManifestGenerator" in params):
        raise s3_errors.invalid_request("Either a manifest or a manifest generator must be specified.")
    if "Manifest" in params:
        _check_manifest(params["Manifest"])
    elif "S3JobManifestGenerator" not in params["ManifestGenerator"]:
        raise s3_errors.invalid_request("The manifest generator is not valid.")
    elif params["ManifestGenerator"]["S3JobManifestGenerator"].get("EnableManifestOutput"):
        raise not_implemented("s3control", "CreateJob with EnableManifestOutput")
    report = params["Report"]
    if report["Enabled"] and not all(report.get(member) for member in ("Bucket", "Format", "ReportScope")):
        raise s3_errors.invalid_request("Bucket, format and scope must be specified for a report.")
    if len(params.get("Tags") or ()) > MAX_TAGS:
        raise too_many_tags()


def _check_operation(name: str, given: Mapping[str, Any]) -> None:
    if name == "S3PutObjectCopy" and "TargetResource" not in given:
        raise s3_errors.invalid_request("The target resource must be specified.")
    if name == "LambdaInvoke":
        if "FunctionArn" not in given:
            raise s3_errors.invalid_request("The function must be specified.")
        schema = given.get("InvocationSchemaVersion", "1.0")
        if schema not in _LAMBDA_SCHEMAS:
            raise s3_errors.invalid_request(f"Invalid invocation schema version: {schema}")
        if "UserArguments" in given and schema != "2.0":
            raise s3_errors.invalid_request("User arguments need the invocation schema version 2.0.")
    if name == "S3InitiateRestoreObject" and given.get("ExpirationInDays", 0) < 1:
        raise s3_errors.invalid_request("ExpirationInDays must be a positive number.")


def _check_manifest(manifest: Mapping[str, Any]) -> None:
    spec = manifest["Spec"]
    names = spec.get("Fields") or []
    if spec["Format"] == CSV and not ({"Bucket", "Key"} <= set(names) and len({*names} - {"Ignore"}) == len([x for x in names if x != "Ignore"])):
        raise s3_errors.invalid_request("The manifest's fields must name a bucket and a key, each field once.")
    if spec["Format"] == INVENTORY and names:
        raise s3_errors.invalid_request("Fields are not allowed for manifests of inventories.")


def tags(given: Any) -> dict[str, str]:
    return tag_rules.from_list(given or (), tag_rules.BUCKET)


def is_hopeless(job: Mapping[str, Any]) -> bool:
    done = job["Succeeded"] + job["Failed"]
    return done >= _ENOUGH_TASKS and 2 * job["Failed"] > done


def no_such_job() -> ServiceError:
    return ServiceError("NoSuchJob", "The specified job does not exist.", 404)


def too_many_tags() -> ServiceError:
    return ServiceError("TooManyTagsException", f"The number of tags exceeds the limit of {MAX_TAGS} tags", 400)


def other_parameters() -> ServiceError:
    message = "A job with this client request token was created with other parameters."
    return ServiceError("IdempotencyException", message, 400)


def not_from(status: str, wanted: str) -> ServiceError:
    return ServiceError("JobStatusException", f"The job cannot go from {status} to {wanted}.", 400)
