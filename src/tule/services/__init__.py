"""The AWS services: one tuple, the only registry."""

from __future__ import annotations

from tule.platform.service import Service


def all_services() -> tuple[Service, ...]:
    """Every service of this house.  Imported here and not at the top, so that what only wants one service loads one."""
    from tule.services import cloudformation, iam, lambda_, logs, s3, sts

    return (
        cloudformation.SERVICE,
        iam.SERVICE,
        lambda_.SERVICE,
        logs.SERVICE,
        s3.SERVICE,
        sts.SERVICE,
    )
