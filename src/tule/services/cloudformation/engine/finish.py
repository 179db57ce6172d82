"""The end of an operation: outputs, exports, the last status; and who has to hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.cloudformation import state
from tule.services.cloudformation.engine import slow
from tule.services.cloudformation.engine.run import Run
from tule.services.cloudformation.errors import TemplateError
from tule.services.cloudformation.records import Stack
from tule.services.cloudformation.schemas import schemas
from tule.services.cloudformation.template.evaluate import function_of, resolve, text
from tule.services.cloudformation.template.references import references
from tule.services.cloudformation.template.template import Template
from tule.store.store import Tx

PAUSES = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"})
FREE_ATTRIBUTES = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::CustomResource", "Custom::", "AWS::CloudFormation::WaitCondition")


def check_attributes(run: Run) -> None:
    """Raises TemplateError for a GetAtt in Outputs of what the type's schema does not have, before anything is made."""
    for name, body in (run.template.document.get("Outputs") or {}).items():
        for reference in references(body.get("Value")):
            resource = run.template.resources.get(reference.name)
            if reference.attribute and resource and not has_attribute(resource["Type"], reference.attribute):
                raise TemplateError(
                    f"[Error] /Outputs/{name}/Value/{reference.function}: Resource type {resource['Type']} does not support attribute"
                    f" {{{reference.attribute}}}"
                )


def check_imports(run: Run) -> None:
    """Raises TemplateError when nobody exports what the stack imports."""
    for name in sorted(imports(run.template)):
        if name not in run.template.exports:
            raise TemplateError(f"No export named {name} found")


def has_attribute(type_name: str, attribute: str) -> bool:
    schema = schemas.find(type_name)
    if schema is None or type_name.startswith(FREE_ATTRIBUTES):
        return True
    first = attribute.split(".")[0]
    known = {path.split(".")[0] for path in schemas.read_only(schema)} | set(schema.get("properties", {}))
    return first in known


def outputs(run: Run) -> list[dict[str, Any]]:
    """Raises TemplateError."""
    found = run.template.outputs(run.known)
    for output in found:
        if not isinstance(output["OutputValue"], str):
            raise TemplateError("Template format error: The Value field of every Outputs member must evaluate to a String.")
        if "ExportName" in output:
            output["ExportName"] = text(output["ExportName"])
    return found


def publish(tx: Tx, stack: Stack, found: list[dict[str, Any]], template: Template) -> None:
    """Make the outputs the stack's, and its exports everybody's.  Raises TemplateError when exports are taken or in use."""
    exported = {output["ExportName"]: output["OutputValue"] for output in found if "ExportName" in output}
    present = state.exports(tx, stack.account, stack.region)
    for name in exported:
        if name in present and present[name].stack_id != stack.id:
            raise TemplateError(f"Export with name {name} is already exported by stack {_name_of(present[name].stack_id)}")
    in_use = export_in_use(tx, stack, exported)
    if in_use:
        raise TemplateError(in_use)
    stack.outputs = found
    state.replace_exports(tx, stack, exported)
    state.replace_imports(tx, stack, imports(template))


def export_in_use(tx: Tx, stack: Stack, exported: Mapping[str, str]) -> str | None:
    """Why `exported` may not be all that the stack exports from now on."""
    for name, export in state.exports(tx, stack.account, stack.region).items():
        if export.stack_id == stack.id and exported.get(name) != export.value:
            users = [_name_of(user) for user in state.importers(tx, stack.account, stack.region, name) if user != stack.id]
            if users:
                verb = "updated" if name in exported else "deleted"
                return f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}"
    return None


def _name_of(stack_id: str) -> str:
    return stack_id.split("/")[1]


def imports(template: Template) -> set[str]:
    """Names of the exports that the stack's live resources and outputs import."""
    wanted: list[Any] = [body.get("Properties") for body in template.resources.values()]
    wanted += [body for body in (template.document.get("Outputs") or {}).values() if template.is_wanted(body)]
    return {name for node in wanted for name in _imports(node, template)}


def _imports(node: Any, template: Template) -> set[str]:
    if call := function_of(node):
        function, argument = call
        if function == "Fn::ImportValue":
            name = resolve(argument, template.scope(_Nothing()))
            return {text(name)} if isinstance(name, str) else set()
        return _imports(argument, template)
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return {name for child in children for name in _imports(child, template)}


class _Nothing:
    def __contains__(self, logical_id: object) -> bool:
        return False

    def ref(self, logical_id: str) -> Any:
        return None

    def attribute(self, logical_id: str, name: str) -> Any:
        return None


def end(tx: Tx, stack: Stack, status: str, why: str = "") -> None:
    """The operation is over; a parent that waits for this nested stack is driven."""
    stack.status, stack.status_reason = status, why
    stack.paused = stack.operation if status in PAUSES else None
    stack.operation = None
    state.sweep_templates(tx, stack)
    _tell_parent(tx, stack)


def rolled_back(tx: Tx, stack: Stack) -> None:
    state.replace_exports(tx, stack, {})
    state.replace_imports(tx, stack, ())
    stack.deleted_ms = tx.now_ms
    end(tx, stack, "ROLLBACK_COMPLETE")


def deleted(tx: Tx, stack: Stack) -> None:
    state.replace_exports(tx, stack, {})
    state.replace_imports(tx, stack, ())
    state.free_name(tx, stack)
    for change_set in state.change_sets(tx, stack.id):
        state.delete_change_set(tx, change_set.id)
    stack.deleted_ms = tx.now_ms
    end(tx, stack, "DELETE_COMPLETE")


def _tell_parent(tx: Tx, stack: Stack) -> None:
    if stack.parent_id:
        slow.drive_job(tx, stack.parent_id, stack.account, stack.region)
