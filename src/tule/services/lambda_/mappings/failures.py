"""Records of a stream that were given up are told to the mapping's on-failure destination.

A queue or a topic gets where the records are; a bucket gets them, too.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tule.backbone.jobs import Job
from tule.core import arn as arns
from tule.core.clock import iso8601
from tule.core.ids import Ids
from tule.platform import targets
from tule.pollers.contract import GivenUp
from tule.services.lambda_.execution_role import LAMBDA
from tule.services.lambda_.names import FunctionRef


@dataclass(slots=True, frozen=True)
class Failure:
    """`told` of a given up batch: what the function's last invocation was, as `handle` said."""

    given_up: GivenUp
    function_arn: str
    stream_arn: str
    at_ms: int

    def record(self, *, with_payload: bool) -> dict[str, Any]:
        told, given_up = self.given_up.told, self.given_up
        described: dict[str, Any] = {
            "requestContext": {
                "requestId": told.get("request_id", ""),
                "functionArn": self.function_arn,
                "condition": given_up.condition,
                "approximateInvokeCount": given_up.attempts,
            }
        }
        if given_up.condition == "RetryAttemptsExhausted" and "executed_version" in told:
            described["responseContext"] = {
                "statusCode": 200,
                "executedVersion": told["executed_version"],
                "functionError": told.get("function_error"),
            }
        described |= {"version": "1.0", "timestamp": iso8601(self.at_ms), self._info_name: self._info()}
        if with_payload:
            described["payload"] = {"Records": given_up.batch.events}
        return described

    @property
    def _is_table(self) -> bool:
        return arns.parse(self.stream_arn).service == "dynamodb"

    @property
    def _info_name(self) -> str:
        return "DDBStreamBatchInfo" if self._is_table else "KinesisBatchInfo"

    def _info(self) -> dict[str, Any]:
        records = self.given_up.batch.records
        told_at = _seconds if self._is_table else iso8601
        return {
            "shardId": self.given_up.batch.shard,
            "startSequenceNumber": records[0].id,
            "endSequenceNumber": records[-1].id,
            "approximateArrivalOfFirstRecord": told_at(records[0].at_ms),
            "approximateArrivalOfLastRecord": told_at(records[-1].at_ms),
            "batchSize": len(records),
            "streamArn": self.stream_arn,
        }


def job(failure: Failure, ref: FunctionRef, role: str, destination: str, uuid: str, ids: Ids, letter: Mapping[str, Any]) -> Job:
    """What brings the record to the destination, as the function's role.  `letter` is for who counts what was brought."""
    to_bucket = arns.parse(destination).service == "s3"
    settings: Mapping[str, Any] = {"Key": key(uuid, failure.given_up.batch.shard, failure.at_ms, ids.uuid())} if to_bucket else {}
    return targets.job(
        destination,
        orjson.dumps(failure.record(with_payload=to_bucket)).decode(),
        account=ref.account,
        region=ref.region,
        source_service=LAMBDA,
        source_arn=ref.arn,
        role=role,
        settings=settings,
        letter=letter,
    )


def key(uuid: str, shard: str, at_ms: int, unique: str) -> str:
    """`aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`."""
    at = _seconds(at_ms).rstrip("Z")
    return f"aws/lambda/{uuid}/{shard}/{at[:10].replace('-', '/')}/{at.replace(':', '.')}-{unique}"


def _seconds(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
