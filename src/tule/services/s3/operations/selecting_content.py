"""Querying the content of objects.  AWS: S3 API reference, SelectObjectContent."""

from __future__ import annotations

from tule.platform.call import Call
from tule.platform.service import Params
from tule.services.s3.selecting import Selection

_READ = ("Bucket", "Key", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "ExpectedBucketOwner")


async def select_object_content(call: Call, params: Params) -> Params:
    """The object is read as the caller would read it."""
    selection = Selection(params)
    found = await call.invoke("s3", "GetObject", {name: params[name] for name in _READ if name in params})
    events = selection.events(found["Body"])
    return {"Payload": events}
