"""Classes in a programming language for what a schema describes, as an archive.  Pure; one file for each language.

    archive = bindings.archive("Python36", "my.source@Order", document)

Where a package lies follows from the schema's name, as AWS's tools expect it: `my.source@Order` is `schema.my_source.order`.
AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema-code-bindings.html
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from tule.services.schemas.bindings import go, java, python, typescript
from tule.services.schemas.bindings.model import Model, model_of

_DATE = (2019, 12, 2, 0, 0, 0)  # the same source always is the same archive
_LANGUAGES: Mapping[str, Callable[[Model], dict[str, str]]] = {
    "Go1": go.files,
    "Java8": java.files,
    "Python36": python.files,
    "TypeScript3": typescript.files,
}
LANGUAGES = tuple(_LANGUAGES)


def archive(language: str, schema: str, document: Mapping[str, Any]) -> bytes:
    """A zip of the sources.  Raises ValueError for a document that describes no object."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, text in _LANGUAGES[language](model_of(schema, document)).items():
            zipped.writestr(zipfile.ZipInfo(path, _DATE), text)
    return kept.getvalue()
