"""The other configurations of a bucket: CORS, encryption, lifecycle, website, logging, acceleration, who pays.

AWS: S3 API reference, PutBucketCors and its kin.
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import cors, encryption, errors, lifecycle_rules, lifecycle_run, mfa_delete, website_rules
from tule.services.s3.state import buckets
from tule.services.s3.state.buckets import Bucket
from tule.store.store import Tx

_MINIMUM_SIZES = ("all_storage_classes_128K", "varies_by_storage_class")


def _set(tx: Tx, params: Params, **changes: Any) -> Params:
    buckets.configure(tx, buckets.get(tx, params["Bucket"]), **changes)
    return {}


def put_bucket_cors(call: Call, tx: Tx, params: Params) -> Params:
    return _set(tx, params, Cors=cors.checked(params["CORSConfiguration"].get("CORSRules") or ()))


@reads
def get_bucket_cors(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    rules = bucket.config.get("Cors")
    if rules is None:
        raise errors.no_such_configuration("NoSuchCORSConfiguration", "The CORS configuration does not exist", bucket.name)
    return {"CORSRules": rules}


def delete_bucket_cors(call: Call, tx: Tx, params: Params) -> Params:
    return _set(tx, params, Cors=None)


def put_bucket_encryption(call: Call, tx: Tx, params: Params) -> Params:
    rules = params["ServerSideEncryptionConfiguration"].get("Rules") or []
    return _set(tx, params, Encryption=encryption.checked(rules))


@reads
def get_bucket_encryption(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    return {"ServerSideEncryptionConfiguration": {"Rules": bucket.config.get("Encryption") or encryption.DEFAULT}}


def delete_bucket_encryption(call: Call, tx: Tx, params: Params) -> Params:
    return _set(tx, params, Encryption=None)


def put_bucket_lifecycle_configuration(call: Call, tx: Tx, params: Params) -> Params:
    rules = lifecycle_rules.checked((params.get("LifecycleConfiguration") or {}).get("Rules") or (), tx.ids)
    smallest = params.get("TransitionDefaultMinimumObjectSize", _MINIMUM_SIZES[0])
    if smallest not in _MINIMUM_SIZES:
        message = f"Invalid TransitionDefaultMinimumObjectSize found: {smallest}"
        raise errors.invalid_request(message)
    if mfa_delete.is_on(buckets.get(tx, params["Bucket"])):
        raise errors.invalid_bucket_state("Lifecycle configurations are not supported on buckets with MFA Delete.")
    _set(tx, params, Lifecycle={"Rules": rules, "TransitionDefaultMinimumObjectSize": smallest})
    lifecycle_run.schedule(tx, buckets.get(tx, params["Bucket"]))
    return {"TransitionDefaultMinimumObjectSize": smallest}


@reads
def get_bucket_lifecycle_configuration(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    lifecycle = bucket.config.get("Lifecycle")
    if lifecycle is None:
        raise errors.no_such_configuration("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", bucket.name)
    return dict(lifecycle)


def delete_bucket_lifecycle(call: Call, tx: Tx, params: Params) -> Params:
    return _set(tx, params, Lifecycle=None)


def put_bucket_website(call: Call, tx: Tx, params: Params) -> Params:
    configuration = params["WebsiteConfiguration"]
    website_rules.check(configuration)
    return _set(tx, params, Website=configuration)


@reads
def get_bucket_website(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    website = bucket.config.get("Website")
    if website is None:
        message = "The specified bucket does not have a website configuration"
        raise errors.no_such_configuration("NoSuchWebsiteConfiguration", message, bucket.name)
    return dict(website)


def delete_bucket_website(call: Call, tx: Tx, params: Params) -> Params:
    return _set(tx, params, Website=None)


def put_bucket_logging(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    logging = params["BucketLoggingStatus"].get("LoggingEnabled")
    if logging is not None:
        _check_target(tx, bucket, logging)
    buckets.configure(tx, bucket, Logging=logging)
    return {}


def _check_target(tx: Tx, bucket: Bucket, logging: Params) -> None:
    """Logs go to a bucket of the same owner and region."""
    target = buckets.find(tx, logging["TargetBucket"])
    if target is None:
        message = "The target bucket for logging does not exist"
        raise ServiceError("InvalidTargetBucketForLogging", message, 400, fields={"TargetBucket": logging["TargetBucket"]})
    if target.account != bucket.account:
        message = "The owner for the bucket to be logged and the target bucket must be the same."
        raise ServiceError("InvalidTargetBucketForLogging", message, 400, fields={"TargetBucket": target.name})
    if target.region != bucket.region:
        fields = {"TargetBucketLocation": target.region}
        if bucket.region != "us-east-1":
            fields["SourceBucketLocation"] = bucket.region
        raise ServiceError("CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed. ", 403, fields=fields)


@reads
def get_bucket_logging(call: Call, tx: Tx, params: Params) -> Params:
    logging = buckets.get(tx, params["Bucket"]).config.get("Logging")
    return {"LoggingEnabled": logging} if logging else {}


def put_bucket_accelerate_configuration(call: Call, tx: Tx, params: Params) -> Params:
    if "." in params["Bucket"]:
        raise errors.invalid_request("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
    status = params["AccelerateConfiguration"].get("Status")
    if status not in ("Enabled", "Suspended"):
        raise errors.malformed_xml()
    return _set(tx, params, Accelerate=status)


@reads
def get_bucket_accelerate_configuration(call: Call, tx: Tx, params: Params) -> Params:
    status = buckets.get(tx, params["Bucket"]).config.get("Accelerate")
    return {"Status": status} if status else {}


def put_bucket_request_payment(call: Call, tx: Tx, params: Params) -> Params:
    payer = params["RequestPaymentConfiguration"].get("Payer")
    if payer not in ("Requester", "BucketOwner"):
        raise errors.malformed_xml()
    return _set(tx, params, Payer=payer)


@reads
def get_bucket_request_payment(call: Call, tx: Tx, params: Params) -> Params:
    return {"Payer": buckets.get(tx, params["Bucket"]).config.get("Payer", "BucketOwner")}


def put_bucket_abac(call: Call, tx: Tx, params: Params) -> Params:
    """Whether the bucket's tags count where policies ask for them."""
    status = params["AbacStatus"].get("Status")
    if status not in ("Enabled", "Disabled"):
        raise errors.malformed_xml()
    return _set(tx, params, Abac=status)


@reads
def get_bucket_abac(call: Call, tx: Tx, params: Params) -> Params:
    return {"AbacStatus": {"Status": buckets.get(tx, params["Bucket"]).config.get("Abac", "Disabled")}}
