"""Models are loaded lazily, patched by data, and indexed by a file that is up to date."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

import tule.wire
from tests.wire.clients import MODELS
from tule.core.errors import ServiceError
from tule.wire.models import SERVICES, Models, merged

_SCRIPT = Path(__file__).parents[2] / "scripts" / "generate_wire_index.py"
_DATA = Path(tule.wire.__file__).parent / "data"


def test_the_generated_data_is_that_of_the_installed_models() -> None:
    script = runpy.run_path(str(_SCRIPT))
    assert orjson.loads((_DATA / "index.json").read_bytes()) == orjson.loads(orjson.dumps(script["index"]()))


def test_every_service_can_be_loaded() -> None:
    models = Models()
    for name in SERVICES:
        assert models.service(name).operations


def test_importing_wire_does_not_import_botocore() -> None:
    program = "import sys; from tule.wire.models import Models; Models().operation('s3', 'GetObject'); print('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout == "False\n"


def test_a_codec_is_compiled_once() -> None:
    assert MODELS.operation("s3", "GetObject") is MODELS.operation("s3", "GetObject")


def test_unknown_services_and_operations_are_501() -> None:
    with pytest.raises(ServiceError, match=r"s3\.Fly is not implemented"):
        MODELS.operation("s3", "Fly")
    with pytest.raises(ServiceError) as refused:
        MODELS.service("quantum")
    assert refused.value.status == 501


def test_patches_merge_replace_and_remove() -> None:
    document = {"a": {"b": 1, "c": 2}, "d": [1]}
    assert merged(document, {"a": {"b": None, "e": 3}, "d": [2]}) == {"a": {"c": 2, "e": 3}, "d": [2]}
    assert document == {"a": {"b": 1, "c": 2}, "d": [1]}


def test_codecs_say_what_streams() -> None:
    put, get = MODELS.operation("s3", "PutObject"), MODELS.operation("s3", "GetObject")
    assert (put.service, put.name, put.protocol, put.http_method) == ("s3", "PutObject", "rest-xml", "PUT")
    assert (put.input_stream, put.output_stream) == ("Body", None)
    assert (get.input_stream, get.output_stream) == (None, "Body")
    assert MODELS.operation("s3", "SelectObjectContent").event_output == "Payload"
    assert MODELS.operation("kinesis", "SubscribeToShard").event_output == "EventStream"
    assert MODELS.operation("lambda", "Invoke").input_stream is None
