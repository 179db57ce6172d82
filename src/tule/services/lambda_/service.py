"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.lambda_ import access, caller_rates, code, events, metrics, paths
from tule.services.lambda_.mappings import access as mappings_access
from tule.services.lambda_.mappings.fleet import fleet
from tule.services.lambda_.mappings.resource import EventSourceMappingType
from tule.services.lambda_.operations import MODULES
from tule.services.lambda_.resources import RESOURCE_TYPES
from tule.services.lambda_.running import functions
from tule.services.lambda_.urls import site


def _start(node: Node) -> Sequence[Awaitable[None]]:
    here = functions(node)
    return [here.shipper.run(), here.sweep(), here.prepare(), here.provisioning.keep(), fleet(node).pollers.run()]


async def _reset(node: Node) -> None:
    functions(node).forget()
    fleet(node).pollers.look_again()


_RECORDED = (
    "CreateFunction GetFunction GetFunctionConfiguration UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction Invoke"
    " AddPermission RemovePermission GetPolicy PublishVersion ListVersionsByFunction CreateAlias UpdateAlias TagResource UntagResource"
    " ListTags PutFunctionConcurrency GetFunctionConcurrency DeleteFunctionConcurrency PutFunctionEventInvokeConfig"
    " UpdateFunctionEventInvokeConfig GetFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig ListFunctionEventInvokeConfigs"
    " CreateFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig DeleteFunctionUrlConfig PutProvisionedConcurrencyConfig"
    " GetProvisionedConcurrencyConfig PutFunctionRecursionConfig CreateCodeSigningConfig GetCodeSigningConfig UpdateCodeSigningConfig"
    " DeleteCodeSigningConfig ListCodeSigningConfigs ListFunctionsByCodeSigningConfig PutFunctionCodeSigningConfig"
    " GetFunctionCodeSigningConfig DeleteFunctionCodeSigningConfig GetAccountSettings"
    " CreateEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping ListEventSourceMappings"
)

SERVICE = Service(
    "lambda",
    operations=caller_rates.limited(operations_in(*MODULES)),
    needs={**access.NEEDS, **mappings_access.NEEDS},
    deliver=events.deliver,
    start=_start,
    resource_types=(*RESOURCE_TYPES, EventSourceMappingType()),
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
    sent=metrics.sent,
    pages={paths.DOWNLOADS: code.download, paths.URLS: site.by_path},
    sites={paths.URL_SITE: site.by_host},
)
