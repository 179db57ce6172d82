"""Uploads by a browser's form.  AWS: S3 API reference, POST Object."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote, urlencode, urlsplit

from tule.access import post_form
from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3 import access, checksums, content, encryption, errors, form, metadata, names, sequence, tag_rules, writing
from tule.services.s3.form import Form
from tule.services.s3.state import buckets
from tule.services.s3.writing import Draft
from tule.store.store import Tx
from tule.wire import xml_tree
from tule.wire.http import Body
from tule.wire.malformed import Malformed

_MEMBERS = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-type": "ContentType",
    "expires": "Expires",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-server-side-encryption-context": "SSEKMSEncryptionContext",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-server-side-encryption-customer-key": "SSECustomerKey",
    "x-amz-server-side-encryption-customer-key-md5": "SSECustomerKeyMD5",
    "x-amz-storage-class": "StorageClass",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
    **{f"x-amz-checksum-{name.lower()}": f"Checksum{name}" for name in checksums.KINDS},
}
_META = "x-amz-meta-"
_ANY_SIZE = range(content.MAX_PUT_BYTES + 1)


async def post_object(call: Call, params: Params) -> Params:
    """The fields say who uploads, and their signed policy what may be uploaded; both are checked before the file is read."""
    upload = await form.read(params.get("Body") or Body.of(b""), call.headers.get("content-type", ""))
    wanted = _wanted(params["Bucket"], upload)
    uploader = await _uploader(call, upload, wanted)
    sizes = _permitted(call, upload, wanted)
    draft = Draft(wanted, sequence.draw(call.node, call.now_ms))
    await _take(uploader, upload, draft, sizes)

    def write(tx: Tx) -> Params:
        bucket = buckets.get(tx, params["Bucket"])
        version = writing.commit(uploader, tx, bucket, draft, "ObjectCreated:Post", "POST Object")
        return writing.new_version_member(version.version)

    version = await call.node.store.write(write)
    return _answer(call, upload, draft) | version


def _wanted(bucket: str, upload: Form) -> Params:
    """The fields as PutObject would have them.  Raises what is wrong with them."""
    fields = upload.fields
    if not fields.get("key"):
        message = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        raise errors.invalid_argument(message, "key", "")
    wanted: Params = {"Bucket": bucket, "Key": _key(upload)}
    wanted |= {member: fields[name] for name, member in _MEMBERS.items() if name in fields}
    meta = {name.removeprefix(_META): value for name, value in fields.items() if name.startswith(_META)}
    if meta:
        wanted["Metadata"] = meta
    if fields.get("tagging"):
        wanted["Tagging"] = urlencode(_tags(fields["tagging"]))
    names.check_key(wanted["Key"])
    metadata.refuse_unbuilt("PostObject", wanted)
    return wanted


def _key(upload: Form) -> str:
    key = upload.fields["key"]
    return key if upload.filename is None else key.replace("${filename}", upload.filename)


def _tags(text: str) -> dict[str, str]:
    """The field `tagging` is XML, as PutObjectTagging's body."""
    try:
        root = xml_tree.parse(text.encode())
    except Malformed:
        raise errors.malformed_xml() from None
    entries = [tag for tag_set in root.children for tag in tag_set.children]
    return tag_rules.from_list([{each.name: each.text for each in tag.children} for tag in entries], tag_rules.OBJECT)


def _permitted(call: Call, upload: Form, wanted: Params) -> range:
    """The sizes that the form's policy permits.  Its conditions speak of the key once the file's name is in it."""
    if "policy" not in upload.fields:
        return _ANY_SIZE
    return post_form.check_form({**upload.fields, "key": wanted["Key"]}, wanted["Bucket"], call.now_ms)


async def _uploader(call: Call, upload: Form, wanted: Params) -> Call:
    """The call as made by who signed the form, once that may write the object."""
    caller = await call.node.authenticator.of_form(upload.fields)
    call = dataclasses.replace(call, principal=caller.principal, account=caller.principal.account)
    needs = await call.node.store.read(lambda tx: access.writing(call, tx, wanted))
    await call.node.authorizer.authorize(call, needs)
    return call


async def _take(call: Call, upload: Form, draft: Draft, sizes: range) -> None:
    want = checksums.wanted(draft.params, {})
    algorithm = want.algorithm if want else checksums.DEFAULT
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, draft.params["Bucket"]))
    protection = await encryption.of_write(call, draft.params, bucket)
    taken = await content.store_unmeasured(call.node, upload.file, protection.seal, algorithm)
    post_form.check_size(taken.size, sizes)
    checksum = taken.checksum(algorithm)
    if want is not None and want.value != checksum.value:
        raise errors.bad_checksum(algorithm)
    draft.take(taken, checksum)
    draft.protect(protection)


def _answer(call: Call, upload: Form, draft: Draft) -> Params:
    """204 unless the form asks for 200, for 201 with a document, or for the browser to be sent elsewhere."""
    fields, bucket, key, etag = upload.fields, draft.params["Bucket"], draft.params["Key"], f'"{draft.etag}"'
    location = f"{call.endpoint}/{bucket}/{quote(key)}"
    redirect = fields.get("success_action_redirect") or fields.get("redirect")
    if redirect is not None and urlsplit(redirect).scheme in ("http", "https"):
        call.status = 303
        separator = "&" if "?" in redirect else "?"
        return {"ETagHeader": etag, "LocationHeader": redirect + separator + urlencode({"bucket": bucket, "key": key, "etag": etag})}
    wanted = fields.get("success_action_status")
    call.status = int(wanted) if wanted in ("200", "201") else 204
    headers: Params = {"ETagHeader": etag, "LocationHeader": location}
    return headers | {"Location": location, "Bucket": bucket, "Key": key, "ETag": etag} if call.status == 201 else headers
