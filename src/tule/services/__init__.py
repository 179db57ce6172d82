"""The AWS services: one tuple, the only registry."""

from __future__ import annotations

from tule.platform.service import Service


def all_services() -> tuple[Service, ...]:
    """Every service of this house.  Imported here and not at the top, so that what only wants one service loads one."""
    from tule.services import (
        cloudformation,
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
        cloudformation.SERVICE,
        dynamodb.SERVICE,
        dynamodb.STREAMS,
        events.SERVICE,
        firehose.SERVICE,
        iam.SERVICE,
        kinesis.SERVICE,
        kms.SERVICE,
        lambda_.SERVICE,
        logs.SERVICE,
        pipes.SERVICE,
        s3.SERVICE,
        s3.CONTROL,
        scheduler.SERVICE,
        schemas.SERVICE,
        sns.SERVICE,
        sqs.SERVICE,
        sts.SERVICE,
    )
