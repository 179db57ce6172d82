"""Multipart uploads from their creation to their end.

AWS: S3 API reference, CreateMultipartUpload, CompleteMultipartUpload, AbortMultipartUpload, ListMultipartUploads.
"""

from __future__ import annotations

from tule.core.arn import is_arn
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import (
    access,
    access_control,
    encryption,
    errors,
    garbage,
    lifecycle,
    metadata,
    multipart,
    names,
    object_lock,
    sequence,
    several_walk,
    upload_keys,
    writing,
)
from tule.services.s3.checksums import Checksum
from tule.services.s3.operations.listing import max_keys, shown
from tule.services.s3.state import buckets, objects, uploads
from tule.services.s3.state.buckets import Bucket
from tule.services.s3.state.uploads import Upload, UploadRows
from tule.services.s3.writing import Draft
from tule.store.store import Tx

_GRANTS = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_KEPT = (*_GRANTS, *metadata.SYSTEM, "Metadata", "StorageClass", "Tagging", *object_lock.REQUEST)


async def create_multipart_upload(call: Call, params: Params) -> Params:
    """What the object will be beside its bytes is decided, and checked, here."""
    names.check_key(params["Key"])
    metadata.refuse_unbuilt("CreateMultipartUpload", params)
    kind = multipart.checksum_kind(params)
    number = sequence.draw(call.node, call.now_ms)
    object_lock.check_headers(params)
    Draft(params, number)  # raises what is wrong with the headers
    request = {name: params[name] for name in _KEPT if params.get(name) is not None}
    if kind is not None:
        request["Checksum"] = kind
    target = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
    protection = await encryption.of_write(call, params, target)

    def create(tx: Tx) -> Params:
        bucket = buckets.get(tx, params["Bucket"])
        access_control.for_new_object(params, bucket.config, call.account, bucket.account)
        upload_id = f"{number:016x}{tx.ids.alnum(64)}"  # the ids of one key sort by age
        uploads.create(
            tx,
            bucket,
            upload_id,
            params["Key"],
            access.initiator(call),
            request | upload_keys.kept(protection),
        )
        result = {"Bucket": bucket.name, "Key": params["Key"], "UploadId": upload_id, **protection.told}
        result |= lifecycle.abort_members(bucket.config, params["Key"], tx.now_ms)
        return result if kind is None else result | {"ChecksumAlgorithm": kind[0], "ChecksumType": kind[1]}

    return await call.node.store.write(create)


def in_progress(tx: Tx, bucket: Bucket, params: Params) -> Upload:
    """Raises NoSuchUpload."""
    upload = uploads.find(tx, bucket, params["Key"], params["UploadId"])
    if upload is None or upload.completed is not None:
        raise errors.no_such_upload(params["UploadId"])
    return upload


async def complete_multipart_upload(call: Call, params: Params) -> Params:
    """The parts become the object where they are; nothing is copied.  Asked again, the answer is given again."""
    number = sequence.draw(call.node, call.now_ms)
    return await call.node.store.write(lambda tx: _complete(call, tx, params, number))


def _complete(call: Call, tx: Tx, params: Params, number: int) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    upload = uploads.find(tx, bucket, params["Key"], params["UploadId"])
    if upload is None:
        raise errors.no_such_upload(params["UploadId"])
    if upload.completed is not None:
        return _repeated(tx, bucket, upload)
    found = uploads.parts(tx, upload.id)
    multipart.check_type(upload, params)
    upload_keys.check_completion(params, upload)
    parts = multipart.chosen(upload, _named(params), found)
    conditions = {name: params[name] for name in ("IfMatch", "IfNoneMatch") if name in params}
    draft = Draft({**upload.request, "Key": upload.key, **conditions}, number)
    checksum = multipart.whole_checksum(upload, parts)
    size = sum(part.size for part in parts)
    multipart.check_whole(params, checksum, size)
    draft.hold(size, multipart.etag(parts), checksum)
    draft.manifest = upload.id
    draft.protect(upload_keys.protection(upload))
    version = writing.commit(call, tx, bucket, draft, "ObjectCreated:CompleteMultipartUpload", "CompleteMultipartUpload")
    answer: Params = {
        "Location": f"{call.endpoint}/{bucket.name}/{upload.key}",
        "Bucket": bucket.name,
        "Key": upload.key,
        "ETag": f'"{version.etag}"',
        **_checksum_told(upload, checksum),
        **_encryption_told(upload),
        **writing.new_version_member(version.version),
        **writing.expiration_member(bucket, version),
    }
    garbage.let_go_blobs(tx, bucket, uploads.complete(tx, upload.id, parts, found, answer))
    return answer


def _named(params: Params) -> list[Params]:
    """The parts that the document names.  Raises InvalidRequest without a document, MalformedXML for an empty one."""
    if "MultipartUpload" not in params:
        raise errors.invalid_request("You must specify at least one part")
    parts = params["MultipartUpload"].get("Parts")
    if not parts:
        raise errors.malformed_xml()
    return parts


def _checksum_told(upload: Upload, checksum: Checksum) -> Params:
    """Nothing of S3's own checksum under keys of KMS."""
    by_kms = "SSEKMSKeyId" in upload_keys.protection(upload).told
    return {} if by_kms and multipart.kind_of(upload) is None else checksum.members


def _encryption_told(upload: Upload) -> Params:
    return {name: value for name, value in upload_keys.protection(upload).told.items() if name != "SSECustomerAlgorithm"}


def _repeated(tx: Tx, bucket: Bucket, upload: Upload) -> Params:
    """The same answer for as long as the object is what that upload made."""
    version = objects.current(tx, bucket, upload.key)
    if version is None or version.manifest != upload.id or upload.completed is None:
        raise errors.no_such_upload(upload.id)
    return upload.completed


def abort_multipart_upload(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    upload = in_progress(tx, bucket, params)
    garbage.let_go_blobs(tx, bucket, uploads.abort(tx, upload.id))
    return {}


@reads
def list_multipart_uploads(call: Call, tx: Tx, params: Params) -> Params:
    bucket = buckets.get(tx, params["Bucket"])
    prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
    key_marker, id_marker = params.get("KeyMarker", ""), params.get("UploadIdMarker", "")
    id_marker = id_marker if key_marker else ""
    limit = max_keys(params, "MaxUploads", "max-uploads")
    page = several_walk.one_page(UploadRows(tx, bucket), prefix, delimiter, key_marker, id_marker, limit)
    result: Params = {
        "Bucket": bucket.name,
        "KeyMarker": shown(key_marker, params),
        "UploadIdMarker": id_marker,
        "NextKeyMarker": shown(page.last_key, params),
        "NextUploadIdMarker": page.last_mark,
        "MaxUploads": limit,
        "IsTruncated": page.truncated,
    }
    if page.items:
        result["Uploads"] = [_listed(bucket, upload, params) for upload in page.items]
    if page.prefixes:
        result["CommonPrefixes"] = [{"Prefix": shown(each, params)} for each in page.prefixes]
    if "Prefix" in params:
        result["Prefix"] = shown(prefix, params)
    if delimiter:
        result["Delimiter"] = shown(delimiter, params)
    if "EncodingType" in params:
        result["EncodingType"] = params["EncodingType"]
    return result


def _listed(bucket: Bucket, upload: Upload, params: Params) -> Params:
    return {
        "UploadId": upload.id,
        "Key": shown(upload.key, params),
        "Initiated": upload.initiated_ms // 1000,
        "StorageClass": upload.request.get("StorageClass", metadata.STANDARD),
        "Owner": names.owner(bucket.account),
        "Initiator": initiator(upload),
        **multipart.kind_members(upload),
    }


def initiator(upload: Upload) -> Params:
    """An account by its canonical id, others by their ARN and name."""
    who = upload.initiator
    return {"ID": who, "DisplayName": who.rpartition("/")[2]} if is_arn(who) else names.owner(who)
