"""TypeScript 3 and later: a class for each object, and a marshaller between them and what `JSON` reads.

const event = Marshaller.unmarshal<AWSEvent>(input, AWSEvent);
event.detail.instance_id
"""

from __future__ import annotations

import json
import re

from tule.services.schemas.bindings.model import Class, Field, Model, Type

_TYPES = {"string": "string", "time": "Date", "integer": "number", "number": "number", "boolean": "boolean", "any": "any"}

_CLASS = """{imports}export class {name} {{
{fields}
    static getAttributeTypeMap(): Array<{{ name: string; baseName: string; type: any; isList: number }}> {{
        return [{entries}
        ];
    }}
}}
"""

_MARSHALLER = """export class Marshaller {
    /** What JSON.stringify takes, with the names that the event has. */
    public static marshal(value: any): any {
        if (value === undefined || value === null) {
            return value;
        }
        if (Array.isArray(value)) {
            return value.map((each) => Marshaller.marshal(each));
        }
        if (value instanceof Date) {
            return value.toISOString();
        }
        const described = value.constructor && value.constructor.getAttributeTypeMap;
        if (!described) {
            return value;
        }
        const found: any = {};
        for (const attribute of value.constructor.getAttributeTypeMap()) {
            if (value[attribute.name] !== undefined) {
                found[attribute.baseName] = Marshaller.marshal(value[attribute.name]);
            }
        }
        return found;
    }

    /** An object of the class, from what JSON.parse gives. */
    public static unmarshal<T>(data: any, type: { new (): T }): T {
        const found: any = new type();
        for (const attribute of (type as any).getAttributeTypeMap()) {
            if (data[attribute.baseName] !== undefined) {
                found[attribute.name] = Marshaller.value(data[attribute.baseName], attribute.type, attribute.isList);
            }
        }
        return found as T;
    }

    private static value(data: any, type: any, isList: number): any {
        if (data === null) {
            return data;
        }
        if (isList > 0) {
            return data.map((each: any) => Marshaller.value(each, type, isList - 1));
        }
        if (type === Date) {
            return new Date(data);
        }
        return type && type.getAttributeTypeMap ? Marshaller.unmarshal(data, type) : data;
    }
}
"""


def files(model: Model) -> dict[str, str]:
    there = model.directory
    found = {f"{there}/{name}.ts": _class(each) for name, each in model.classes.items()}
    return {**found, f"{there}/marshaller/Marshaller.ts": _MARSHALLER}


def _class(each: Class) -> str:
    used = sorted({name for found in each.fields if (name := _innermost(found.type).name) and name != each.name})
    imports = "".join(f"import {{ {name} }} from './{name}';\n" for name in used)
    fields = "".join(f"    {_name(found)}?: {_type(found.type)};\n" for found in each.fields)
    return _CLASS.format(name=each.name, imports=imports and imports + "\n", fields=fields, entries="".join(map(_entry, each.fields)))


def _entry(found: Field) -> str:
    inner = _innermost(found.type)
    described = "Date" if inner.kind == "time" else inner.name or "undefined"
    return f"\n            {{ name: '{_name(found)}', baseName: {json.dumps(found.name)}, type: {described}, isList: {_depth(found.type)} }},"


def _name(found: Field) -> str:
    name = re.sub(r"[^0-9A-Za-z_$]", "_", found.name) or "_"
    return f"_{name}" if name[0].isdigit() else name


def _type(found: Type) -> str:
    return f"Array<{_type(found.of)}>" if found.of is not None else found.name or _TYPES[found.kind]


def _innermost(found: Type) -> Type:
    return found if found.of is None else _innermost(found.of)


def _depth(found: Type) -> int:
    return 0 if found.of is None else 1 + _depth(found.of)
