"""Lambda's operations, named as in the API, by the thing that they work on."""

from tule.services.lambda_.operations import (
    concurrency,
    event_invoke,
    event_source_mappings,
    functions,
    invocations,
    layers,
    permissions,
    provisioned,
    recursion,
    resource_policies,
    runtime_management,
    signing,
    tags,
    urls,
    versions,
)

MODULES = (
    concurrency,
    event_invoke,
    event_source_mappings,
    functions,
    invocations,
    layers,
    permissions,
    provisioned,
    recursion,
    resource_policies,
    runtime_management,
    signing,
    tags,
    urls,
    versions,
)
