"""The AWS services: one tuple of rooms, the only registry."""

from __future__ import annotations

from tule.platform.service import Room


def all_rooms() -> tuple[Room, ...]:
    """Every service of this house."""
    from tule.services import (
        cloudformation,
        cloudwatch,
        dynamodb,
        events,
        firehose,
        iam,
        kinesis,
        kms,
        lambda_,
        logs,
        pipes,
        s3,
        scheduler,
        schemas,
        sns,
        sqs,
        sts,
    )

    return (
        cloudformation.ROOM,
        cloudwatch.ROOM,
        dynamodb.ROOM,
        dynamodb.STREAMS_ROOM,
        events.ROOM,
        firehose.ROOM,
        iam.ROOM,
        kinesis.ROOM,
        kms.ROOM,
        lambda_.ROOM,
        logs.ROOM,
        pipes.ROOM,
        s3.ROOM,
        s3.CONTROL_ROOM,
        scheduler.ROOM,
        schemas.ROOM,
        sns.ROOM,
        sqs.ROOM,
        sts.ROOM,
    )
