"""AWS Lambda.  AWS: https://docs.aws.amazon.com/lambda/latest/api/welcome.html

Functions from .zip archives: layers, configuration, resource policies, versions and aliases, concurrency reserved and provisioned,
invocation with and without waiting, streamed answers, function URLs, durable executions, event source mappings.  Not built, and
answered 501 by name: container images, capacity providers and what belongs to them, tenant isolation, customer-managed runtimes,
event source mappings of Kafka, MQ and DocumentDB.
Known to differ: a function is active as soon as CreateFunction has answered, and never becomes inactive; VpcConfig is kept but joins
no network; file systems are kept but not mounted, and KMSKeyArn encrypts nothing; signatures of code are not looked at; runtimes are
those of the host, whatever the runtime management says; X-Ray samples all of an active function's traces.  Layers of accounts that
are not on this installation (the public ones of AWS and others) are kept in the configuration and left out when the function runs,
which its log and its StateReason say, or refused with `strict_runtimes`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.lambda_ import access, code, events, state
from tule.services.lambda_.durable import state as durable
from tule.services.lambda_.mappings import access as mappings_access
from tule.services.lambda_.mappings.fleet import fleet
from tule.services.lambda_.mappings.resource import EventSourceMappingType
from tule.services.lambda_.operations import MODULES
from tule.services.lambda_.resources import RESOURCE_TYPES
from tule.services.lambda_.running import functions
from tule.services.lambda_.urls import site
from tule.services.lambda_.urls.configs import PATH, SITE


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
    operations=operations_in(*MODULES),
    needs={**access.NEEDS, **mappings_access.NEEDS},
    schema=state.SCHEMA + durable.SCHEMA,
    deliver=events.deliver,
    start=_start,
    resource_types=(*RESOURCE_TYPES, EventSourceMappingType()),
    reset=_reset,
    recorded=frozenset(_RECORDED.split()),
    pages={code.DOWNLOADS: code.download, PATH: site.by_path},
    sites={SITE: site.by_host},
)
