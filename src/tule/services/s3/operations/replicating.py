"""A bucket's replication.  AWS: S3 API reference, PutBucketReplication, GetBucketReplication, DeleteBucketReplication."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import errors, replication_rules
from tule.services.s3.state import buckets
from tule.store.store import Tx


def put_bucket_replication(call: Call, tx: Tx, params: Params) -> Params:
    """Both ends keep versions.  Raises InvalidRequest, and what is wrong with the rules."""
    bucket = buckets.get(tx, params["Bucket"])
    if bucket.versioning != "Enabled":
        raise errors.invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    configuration = replication_rules.checked(params["ReplicationConfiguration"], tx.ids)
    for rule in configuration["Rules"]:
        target = buckets.find(tx, replication_rules.bucket_of(rule))
        if target is None or target.versioning != "Enabled":
            raise errors.invalid_request("Destination bucket must have versioning enabled.")
    buckets.configure(tx, bucket, Replication=configuration)
    return {}


@reads
def get_bucket_replication(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    configuration = bucket.config.get("Replication")
    if configuration is None:
        message = "The replication configuration was not found"
        raise errors.no_such_configuration("ReplicationConfigurationNotFoundError", message, bucket.name)
    return {"ReplicationConfiguration": configuration}


def delete_bucket_replication(call: Call, tx: Tx, params: Params) -> Params:
    buckets.configure(tx, buckets.get(tx, params["Bucket"]), Replication=None)
    return {}
