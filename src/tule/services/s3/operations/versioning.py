"""Versioning of buckets, and listing of versions.  AWS: S3 API reference, PutBucketVersioning, ListObjectVersions."""

from __future__ import annotations

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import checksums, errors, mfa_delete, names, object_lock, several_walk
from tule.services.s3.operations.listing import max_keys, shown
from tule.services.s3.reading import check_version_id
from tule.services.s3.state import buckets
from tule.services.s3.state.objects import ListedVersion, VersionRows
from tule.store.store import Tx


def put_bucket_versioning(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    configuration = params["VersioningConfiguration"]
    status = configuration.get("Status")
    if status is None:
        raise ServiceError("IllegalVersioningConfigurationException", "The Versioning element must be specified", 400)
    if status not in ("Enabled", "Suspended"):
        raise errors.malformed_xml()
    if status == "Suspended" and object_lock.is_on(bucket):
        raise object_lock.versioning_stays()
    mfa = configuration.get("MFADelete")
    if mfa not in (None, "Enabled", "Disabled"):
        raise errors.malformed_xml()
    if mfa == "Enabled" and "Lifecycle" in bucket.config:
        raise errors.invalid_bucket_state("MFA Delete cannot be enabled on a bucket with a lifecycle configuration.")
    if mfa == "Enabled" or mfa_delete.is_on(bucket):
        mfa_delete.check(call, tx, params)
    buckets.configure(tx, bucket, Versioning=status, MfaDelete=mfa or bucket.config.get("MfaDelete"))
    return {}


@reads
def get_bucket_versioning(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    found = {"Status": bucket.versioning or None, "MFADelete": bucket.config.get("MfaDelete")}
    return {name: value for name, value in found.items() if value}


@reads
def list_object_versions(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    key_marker, version_marker = params.get("KeyMarker", ""), params.get("VersionIdMarker", "")
    if version_marker and not key_marker:
        message = "A version-id marker cannot be specified without a key marker."
        raise errors.invalid_argument(message, "version-id-marker", version_marker)
    if version_marker:
        check_version_id(version_marker, "version-id-marker")
    limit = max_keys(params)
    prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
    page = several_walk.one_page(VersionRows(tx, bucket), prefix, delimiter, key_marker, version_marker, limit)
    result: Params = {
        "Name": bucket.name,
        "Prefix": shown(prefix, params),
        "KeyMarker": shown(key_marker, params),
        "VersionIdMarker": version_marker,
        "MaxKeys": limit,
        "IsTruncated": page.truncated,
        "Versions": [_version(item, params) for item in page.items if not item.marker],
        "DeleteMarkers": [_marker(item, params) for item in page.items if item.marker],
        "CommonPrefixes": [{"Prefix": shown(each, params)} for each in page.prefixes],
    }
    if delimiter:
        result["Delimiter"] = shown(delimiter, params)
    if "EncodingType" in params:
        result["EncodingType"] = params["EncodingType"]
    if page.truncated:
        result["NextKeyMarker"] = shown(page.last_key, params)
        if page.last_mark:
            result["NextVersionIdMarker"] = page.last_mark
    return {name: value for name, value in result.items() if value != []}


def _marker(item: ListedVersion, params: Params) -> Params:
    return {
        "Key": shown(item.key, params),
        "VersionId": item.version,
        "IsLatest": item.latest,
        "LastModified": item.modified_ms // 1000,
        "Owner": names.owner(item.owner),
    }


def _version(item: ListedVersion, params: Params) -> Params:
    entry = _marker(item, params) | {"ETag": f'"{item.etag}"', "Size": item.size, "StorageClass": item.storage_class}
    if item.checksum:
        algorithm, kind, _ = checksums.parse(item.checksum)
        entry |= {"ChecksumAlgorithm": [algorithm], "ChecksumType": kind}
    return entry
