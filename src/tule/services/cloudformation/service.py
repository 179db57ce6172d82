"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.cloudformation import access, paths
from tule.services.cloudformation.deliveries import deliver
from tule.services.cloudformation.engine import custom, waits
from tule.services.cloudformation.operations import change_sets, exports, inspection, interventions, policies, stacks, templates, types
from tule.services.cloudformation.resources import RESOURCE_TYPES

# Compared with what AWS was recorded to answer; for docs/coverage.md.
RECORDED = frozenset(
    [
        "CreateChangeSet",
        "CreateStack",
        "DeleteChangeSet",
        "DescribeChangeSet",
        "DescribeStackEvents",
        "DescribeStacks",
        "ExecuteChangeSet",
        "GetTemplate",
        "GetTemplateSummary",
        "ListChangeSets",
        "UpdateTerminationProtection",
    ]
)

SERVICE = Service(
    "cloudformation",
    operations_in(stacks, change_sets, inspection, templates, policies, exports, interventions, types),
    needs=access.NEEDS,
    deliver=deliver,
    resource_types=RESOURCE_TYPES,
    pages={paths.RESPONSES: custom.response_page, paths.SIGNALS: waits.signal_page},
    recorded=RECORDED,
)
