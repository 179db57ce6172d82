"""The click processor: clicks come by a stream and by a queue, functions charge them to campaigns, and whatever dies, each is charged once.

Deployed from a SAM template.  The functions charge by conditional writes to a ledger (one object a click, `If-None-Match: *`), crash
now and then in the middle of a batch, and the node is killed three times.  `TULE_CLICKS=20000` runs it at full size.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.end_to_end.conftest import CAPABILITIES
from tests.node import Account, RunningNode

CLICKS = int(os.environ.get("TULE_CLICKS", "400"))
CAMPAIGNS = 5
AT_ONCE = 10
PATIENCE_S = 60 + CLICKS / 50
_MAKING = threading.Lock()  # a session makes one client at a time

CODE = """
import base64, json, os, random
import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        text = record["body"] if "body" in record else base64.b64decode(record["kinesis"]["data"])
        charge(json.loads(text))
        if random.random() < 0.01:
            os._exit(1)


def charge(click):
    key = f"{click['campaign']}/{click['id']}/{click['cents']}"
    try:
        s3.put_object(Bucket=os.environ["LEDGER"], Key=key, Body=b"", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
"""

TEMPLATE: dict[str, Any] = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Ledger": {"Type": "AWS::S3::Bucket"},
        "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 2}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 6}},
        "Charge": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "InlineCode": CODE,
                "Timeout": 5,
                "MemorySize": 256,
                "Environment": {"Variables": {"LEDGER": {"Ref": "Ledger"}}},
                "Policies": [{"S3CrudPolicy": {"BucketName": {"Ref": "Ledger"}}}],
                "Events": {
                    "FromQueue": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}, "BatchSize": 10}},
                    "FromStream": {
                        "Type": "Kinesis",
                        "Properties": {
                            "Stream": {"Fn::GetAtt": ["Stream", "Arn"]},
                            "StartingPosition": "TRIM_HORIZON",
                            "BatchSize": 25,
                            "ParallelizationFactor": 2,
                            "BisectBatchOnFunctionError": True,
                        },
                    },
                },
            },
        },
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Ledger", "Stream", "Queue")},
}


@dataclass(slots=True, frozen=True)
class Click:
    id: str
    campaign: str
    cents: int

    @property
    def text(self) -> str:
        return json.dumps({"id": self.id, "campaign": self.campaign, "cents": self.cents})

    @property
    def entry(self) -> str:
        return f"{self.campaign}/{self.id}/{self.cents}"


@dataclass(slots=True)
class Processor:
    account: Account
    outputs: dict[str, str]

    def send(self, clicks: list[Click]) -> None:
        entries = [{"Id": str(n), "MessageBody": click.text} for n, click in enumerate(clicks)]
        url = f"{self.account.node.url}/{self.account.id}/{self.outputs['Queue'].rpartition('/')[2]}"
        assert not self.client("sqs").send_message_batch(QueueUrl=url, Entries=entries).get("Failed")

    def put(self, clicks: list[Click]) -> None:
        records = [{"Data": click.text.encode(), "PartitionKey": click.id} for click in clicks]
        assert self.client("kinesis").put_records(StreamName=self.outputs["Stream"], Records=records)["FailedRecordCount"] == 0

    def ledger(self) -> list[str]:
        """One entry for each click that was charged."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.outputs["Ledger"])
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def wait_for(self, count: int) -> None:
        """Until so many clicks are charged.  The ledger is long, so it is not looked at too often."""
        end = time.monotonic() + PATIENCE_S
        while len(self.ledger()) < count:
            assert time.monotonic() < end, f"{count} charges did not come about in {PATIENCE_S} s"
            time.sleep(0.02 + CLICKS / 10_000)

    def client(self, service: str) -> Any:
        """The node has another port whenever it was started again."""
        return _client(self.account, service, self.account.node.url)


@lru_cache(maxsize=100)
def _client(account: Account, service: str, url: str) -> Any:
    with _MAKING:
        return account.client(service, endpoint_url=url)


def deploy(account: Account) -> Processor:
    cloudformation = account.cloudformation
    cloudformation.create_stack(StackName="clicks", TemplateBody=json.dumps(TEMPLATE), Capabilities=CAPABILITIES)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="clicks", WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    outputs = cloudformation.describe_stacks(StackName="clicks")["Stacks"][0]["Outputs"]
    return Processor(account, {output["OutputKey"]: output["OutputValue"] for output in outputs})


def insist(give: Callable[[list[Click]], None], clicks: list[Click]) -> None:
    """As a client does whose server may be down for a moment: what was not acknowledged is given again."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return give(clicks)
        except (BotoCoreError, ClientError):
            assert time.monotonic() < end, "the node does not come back"
            time.sleep(0.05)


@pytest.mark.parametrize("store_kind", ["sqlite"], indirect=True)
def test_each_click_is_charged_once_through_kills_and_crashes(start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    processor = deploy(node.fresh_account())
    chance = random.Random(7)
    clicks = [Click(f"{n:06d}", f"c{chance.randrange(CAMPAIGNS)}", chance.randrange(1, 99)) for n in range(CLICKS)]
    parts = [clicks[n : n + AT_ONCE] for n in range(0, CLICKS, AT_ONCE)]
    done = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        killing = pool.submit(kill_three_times, node, processor, done)
        given = [pool.submit(insist, processor.put if n % 2 else processor.send, part) for n, part in enumerate(parts)]
        for one in given:
            one.result()
        done.set()
        killing.result()
    processor.wait_for(CLICKS)
    assert sorted(processor.ledger()) == sorted(click.entry for click in clicks)


def kill_three_times(node: RunningNode, processor: Processor, given: threading.Event) -> None:
    """Once early, once in the middle, once near the end of what there is to charge."""
    for share in (0.1, 0.4, 0.8):
        processor.wait_for(int(share * CLICKS))
        node.kill()
        node.start()
    given.wait(PATIENCE_S)
