"""Finding the delivery stream that a request names."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.firehose import errors
from tule.services.firehose.state import streams
from tule.services.firehose.state.streams import Stream
from tule.store.store import Tx


def stream_of(call: Call, tx: Tx, params: dict[str, Any]) -> Stream:
    """Raises ResourceNotFoundException."""
    stream = streams.find(tx, call.account, call.region, params["DeliveryStreamName"])
    if stream is None:
        raise errors.no_stream(params["DeliveryStreamName"], call.account)
    return stream
