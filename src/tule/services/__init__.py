"""The AWS services: one tuple, the only registry."""

from __future__ import annotations

from tule.platform.service import Service


def all_services() -> tuple[Service, ...]:
    """Every service of this house.  Imported here and not at the top, so that what only wants one service loads one."""
    from tule.services import cloudformation, events, firehose, iam, kinesis, lambda_, logs, pipes, s3, scheduler, sns, sqs, sts

    return (
        cloudformation.SERVICE,
        events.SERVICE,
        firehose.SERVICE,
        iam.SERVICE,
        kinesis.SERVICE,
        lambda_.SERVICE,
        logs.SERVICE,
        pipes.SERVICE,
        s3.SERVICE,
        scheduler.SERVICE,
        sns.SERVICE,
        sqs.SERVICE,
        sts.SERVICE,
    )
