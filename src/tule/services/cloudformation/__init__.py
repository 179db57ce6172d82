"""CloudFormation, with SAM.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.cloudformation import paths
from tule.services.cloudformation.state import SCHEMA


def _load() -> Service:
    from tule.services.cloudformation.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("cloudformation", _load, schema=SCHEMA, pages=(paths.RESPONSES, paths.SIGNALS))
