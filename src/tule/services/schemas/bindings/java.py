"""Java 8 and later, with Jackson: a class for each object, and a marshaller between them and streams.

AWSEvent<Order> event = Marshaller.unmarshalEvent(input, Order.class);
event.getDetail().getInstanceId();
"""

from __future__ import annotations

import json

from tule.services.schemas.bindings.model import EVENT, Class, Field, Model, Type

_TYPES = {"string": "String", "time": "Date", "integer": "Long", "number": "BigDecimal", "boolean": "Boolean", "any": "Object"}
_RESERVED = (
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends final finally float for goto"
    " if implements import instanceof int interface long native new package private protected public return short static strictfp super switch"
    " synchronized this throw throws transient try void volatile while true false null"
)
_KEYWORDS = frozenset(_RESERVED.split())

_CLASS = """package {package};

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Date;
import java.util.List;
import java.util.Objects;

@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public class {declared} implements Serializable {{
{fields}{accessors}
    @Override
    public boolean equals(Object other) {{
        if (this == other) {{
            return true;
        }}
        if (other == null || getClass() != other.getClass()) {{
            return false;
        }}
        {cast}return {equal};
    }}

    @Override
    public int hashCode() {{
        return Objects.hash({names});
    }}
}}
"""

_FIELD = """
    @JsonProperty({json})
    private {type} {name};
"""

_ACCESSORS = """
    public {type} get{pascal}() {{
        return {name};
    }}

    public void set{pascal}({type} {name}) {{
        this.{name} = {name};
    }}
"""

_MARSHALLER = """package {package}.marshaller;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.util.StdDateFormat;
{imports}import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

public class Marshaller {{

    private static final ObjectMapper MAPPER = new ObjectMapper()
            .configure(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS, false)
            .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false)
            .setDateFormat(new StdDateFormat());

    public static void marshal(OutputStream output, Object value) throws IOException {{
        MAPPER.writeValue(output, value);
    }}

    public static <T> T unmarshal(InputStream input, Class<T> type) throws IOException {{
        return MAPPER.readValue(input, type);
    }}
{events}}}
"""

_EVENTS = """
    public static <T> AWSEvent<T> unmarshalEvent(InputStream input, Class<T> type) throws IOException {
        return MAPPER.readValue(input, MAPPER.getTypeFactory().constructParametricType(AWSEvent.class, type));
    }
"""


def files(model: Model) -> dict[str, str]:
    there, package = model.directory, ".".join(model.package)
    found = {f"{there}/{name}.java": _class(package, each) for name, each in model.classes.items()}
    imports = f"import {package}.{EVENT};\n" if model.is_event else ""
    found[f"{there}/marshaller/Marshaller.java"] = _MARSHALLER.format(package=package, imports=imports, events=_EVENTS if model.is_event else "")
    return found


def _class(package: str, each: Class) -> str:
    """An event is generic in its detail."""
    is_event = each.name == EVENT
    types = {found: "T" if is_event and found.name == "detail" else _type(found.type) for found in each.fields}
    parts = [{"json": json.dumps(found.name), "type": types[found], "name": _name(found), "pascal": _pascal(found)} for found in each.fields]
    names = [part["name"] for part in parts]
    declared = f"{each.name}<T>" if is_event else each.name
    return _CLASS.format(
        package=package,
        declared=declared,
        fields="".join(_FIELD.format(**part) for part in parts),
        accessors="".join(_ACCESSORS.format(**part) for part in parts),
        cast=f"{each.name}{'<?>' if is_event else ''} that = ({each.name}{'<?>' if is_event else ''}) other;\n        " if names else "",
        equal="\n                && ".join(f"Objects.equals({name}, that.{name})" for name in names) or "true",
        names=", ".join(names),
    )


def _name(found: Field) -> str:
    name = found.camel
    return f"_{name}" if name in _KEYWORDS or name[0].isdigit() else name


def _pascal(found: Field) -> str:
    """`getClass` is every object's."""
    return f"{found.pascal}_" if found.pascal == "Class" else found.pascal


def _type(found: Type) -> str:
    return f"List<{_type(found.of)}>" if found.of is not None else found.name or _TYPES[found.kind]
