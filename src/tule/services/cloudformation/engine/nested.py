"""AWS::CloudFormation::Stack: a stack within a stack.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

from typing import Any

from tule.core.errors import ServiceError
from tule.core.tags import to_list, to_map
from tule.platform.call import Call
from tule.platform.resource_type import Properties, Resource, StackContext
from tule.services.cloudformation import launch, records, state
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.engine.slow import Pending, SlowType
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Stack
from tule.services.cloudformation.template.evaluate import text

NO_UPDATES = "No updates are to be performed."


class NestedStackType(SlowType):
    """Ref is the nested stack's id; GetAtt `Outputs.Name` its outputs."""

    name = "AWS::CloudFormation::Stack"
    always_updates = True

    async def begin_create(self, run: Run, stack: StackContext, properties: Properties) -> Pending:
        name = stack.generated_name(128)
        existing = await run.node.store.read(lambda tx: state.stack(tx, stack.account, stack.region, name))
        if existing is None:
            params = {"StackName": name, **_params(run, stack, properties)}
            if properties.get("TimeoutInMinutes"):
                params["TimeoutInMinutes"] = int(properties["TimeoutInMinutes"])
            try:
                existing_id = await launch.create(_call(stack, "CreateStack"), params, parent=run.stack)
            except ServiceError as error:
                raise TemplateError(error.message) from error
        else:
            existing_id = existing.id
        return Pending(0, {"action": "created"}, existing_id, is_initiated=True)

    async def begin_update(self, run: Run, stack: StackContext, physical_id: str, old: Properties, new: Properties) -> Resource | Pending:
        child = await self._child(run, physical_id)
        going_back = run.operation.phase == "rollback"
        if going_back and child.updated_for != run.operation.id:
            return _resource(child)  # this operation did not reach it
        if child.operation is None:
            former = child.former.template if going_back and child.former else ""
            params = {"StackName": physical_id, **_params(run, stack, new)}
            try:
                await launch.update(_call(stack, "UpdateStack"), params, parent=launch.Parent(run.operation.id, former))
            except ServiceError as error:
                if error.message != NO_UPDATES:
                    raise TemplateError(error.message) from error
                return _resource(child)
        return Pending(0, {"action": "updated"}, physical_id)

    async def begin_delete(self, run: Run, stack: StackContext, physical_id: str, properties: Properties) -> Pending | None:
        child = await self._child(run, physical_id)
        if child.status == "DELETE_COMPLETE":
            return None
        call = _call(stack, "DeleteStack")
        wanted = launch.operation(call, "delete", "unwind", {})
        await run.node.store.write(lambda tx: launch.delete_child(tx, physical_id, wanted))
        return Pending(0, {"action": "deleted"})

    async def look(self, run: Run, record: records.Resource) -> Resource | None:
        assert record.waiting is not None
        child = await self._child(run, record.waiting.get("new_physical_id") or record.physical_id)
        if child.operation is not None:
            return None
        action = record.waiting["action"]
        if action == "deleted":
            if child.status != "DELETE_COMPLETE":
                raise TemplateError(f"Embedded stack {child.id} was not successfully deleted: {child.status_reason}")
        elif child.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise TemplateError(f"Embedded stack {child.id} was not successfully {action}: {await self._why(run, child)}")
        return _resource(child)

    async def _child(self, run: Run, stack_id: str) -> Stack:
        child = await run.node.store.read(lambda tx: state.stack_by_id(tx, stack_id))
        if child is None:
            raise TemplateError(f"Stack with id {stack_id} does not exist")
        return child

    async def _why(self, run: Run, child: Stack) -> str:
        """Who failed first; the stack's own last status has no reason any more."""

        def read(tx: Any) -> str:
            for _, event in reversed(state.events(tx, child.id, 2**62, 1_000)):
                if event["ResourceStatus"].endswith("ROLLBACK_IN_PROGRESS") and event.get("ResourceStatusReason"):
                    return str(event["ResourceStatusReason"]).replace(" Rollback requested by user.", " ")
            return child.status_reason

        return await run.node.store.read(read)


def _resource(child: Stack) -> Resource:
    return Resource(child.id, {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child.outputs})


def _call(stack: StackContext, operation: str) -> Call:
    node = stack.node
    return Call(
        node, node.ids.uuid(), node.clock.now_ms(), stack.principal, stack.account, stack.region, "cloudformation", operation, endpoint=stack.endpoint
    )


def _params(run: Run, stack: StackContext, properties: Properties) -> dict[str, Any]:
    given = properties.get("Parameters") or {}
    definition = run.stack.definition
    params: dict[str, Any] = {
        "TemplateURL": properties["TemplateURL"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": _parameter(value)} for key, value in given.items()],
        "Capabilities": [*definition.capabilities, "CAPABILITY_AUTO_EXPAND"],
        "Tags": to_list({**definition.tags, **to_map(properties.get("Tags"))}),
        "NotificationARNs": properties.get("NotificationARNs") or definition.notification_arns,
    }
    if definition.role_arn:
        params["RoleARN"] = definition.role_arn
    return params


def _parameter(value: Any) -> str:
    return ",".join(text(item) for item in value) if isinstance(value, list) else text(value)
