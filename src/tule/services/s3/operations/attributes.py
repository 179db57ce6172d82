"""What is known of an object without its bytes.  AWS: S3 API reference, GetObjectAttributes."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import checksums, customer_keys, encryption, errors, reading, writing
from tule.services.s3.checksums import Checksum
from tule.services.s3.operations.listing import max_keys
from tule.services.s3.state import buckets, uploads
from tule.services.s3.state.objects import Version
from tule.store.store import Tx

_KNOWN = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


@reads
def get_object_attributes(call: Call, tx: Tx, params: Params) -> Params:
    asked = params.get("ObjectAttributes") or []
    if not asked or any(name not in _KNOWN for name in asked):
        raise errors.invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes", ",".join(asked))
    bucket = buckets.get(tx, params["Bucket"])
    version = reading.find(tx, bucket, params["Key"], params.get("VersionId"), "GET")
    encryption.seal_of(call, tx, bucket, version.sealed, customer_keys.given(params))  # raises where the customer's key must come along
    encryption.seal_of(call, tx, bucket, version.sealed, customer_keys.given(params))  # who has not the key may not ask
    checksum = checksums.parse(version.checksum)
    result: Params = {"LastModified": version.modified_ms // 1000, **writing.version_member(bucket, version.version)}
    if "ETag" in asked:
        result["ETag"] = version.etag
    if "Checksum" in asked:
        result["Checksum"] = checksum._replace(value=checksum.value.partition("-")[0]).members
    if "StorageClass" in asked:
        result["StorageClass"] = version.storage_class
    if "ObjectSize" in asked:
        result["ObjectSize"] = version.size
    if "ObjectParts" in asked and "-" in version.etag:
        result["ObjectParts"] = _parts(tx, version, checksum, params)
    return result


def _parts(tx: Tx, version: Version, checksum: Checksum, params: Params) -> Params:
    """Parts are told one by one only where each has a checksum of its own."""
    total = int(version.etag.rpartition("-")[2])
    if checksum.type != checksums.COMPOSITE or version.manifest is None:
        return {"TotalPartsCount": total}
    limit, marker = max_keys(params, "MaxParts", "max-parts"), params.get("PartNumberMarker", 0)
    found = uploads.parts_after(tx, version.manifest, marker, limit + 1)
    shown = found[:limit]
    return {
        "TotalPartsCount": total,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit,
        "Parts": [{"PartNumber": part.number, "Size": part.size, f"Checksum{checksum.algorithm}": part.checksum} for part in shown],
    }
