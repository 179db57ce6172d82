"""The AWS services: one tuple of rooms, the only registry."""

from __future__ import annotations

from tule.platform.service import Room, Service


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
        _loaded(kms.SERVICE),
        lambda_.ROOM,
        logs.ROOM,
        pipes.ROOM,
        _loaded(s3.SERVICE),
        _loaded(s3.CONTROL),
        scheduler.ROOM,
        schemas.ROOM,
        sns.ROOM,
        sqs.ROOM,
        sts.ROOM,
    )


def _loaded(service: Service) -> Room:
    return Room(
        service.name,
        lambda: service,
        service.schema,
        service.telemetry_schema,
        tuple(service.pages),
        tuple(service.sites),
        service.preflight is not None,
    )
