"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.schemas import access, discovery
from tule.services.schemas.operations import code_bindings, discoverers, registries, schemas, tags
from tule.services.schemas.resources import RESOURCE_TYPES

SERVICE = Service(
    "schemas",
    operations_in(registries, schemas, discoverers, code_bindings, tags),
    needs=access.NEEDS,
    resource_types=RESOURCE_TYPES,
    sinks={"discoverer": discovery.sink},
)
