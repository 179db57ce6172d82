"""Who is told of changes.  AWS: S3 API reference, PutBucketNotificationConfiguration, GetBucketNotificationConfiguration."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.s3 import destinations, notification_rules
from tule.services.s3.state import buckets
from tule.store.store import Tx


async def put_bucket_notification_configuration(call: Call, params: Params) -> Params:
    """Destinations are tried before anything is stored, each that is new to the bucket being sent a test event."""
    bucket = await call.node.store.read(lambda tx: buckets.get(tx, params["Bucket"]))
    configuration = notification_rules.checked(params["NotificationConfiguration"], call.node.ids)
    if not params.get("SkipDestinationValidation"):
        await destinations.try_all(call, bucket, configuration)

    def store(tx: Tx) -> None:
        buckets.configure(tx, buckets.get(tx, params["Bucket"]), Notification=configuration or None)

    await call.node.store.write(store)
    return {}


@reads
def get_bucket_notification_configuration(call: Call, tx: Tx, params: Params) -> Params:
    stored: dict[str, Any] = buckets.get(tx, params["Bucket"]).config.get("Notification") or {}
    return dict(stored)
