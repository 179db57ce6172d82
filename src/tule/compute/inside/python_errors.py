"""Error documents and their log records.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html"""

import json
import logging
import time
import traceback

from .python_logging import JSON_TIME, writes_json

NO_BREAK_SPACE = "\u00a0"


class Fault(Exception):
    """What the runtime, not the function, has to say: its type is `Runtime.<something>`."""

    def __init__(self, error_type, message, trace=()):
        Exception.__init__(self, message)
        self.error_type = error_type
        self.message = message
        self.trace = trace


def fault_document(fault, request_id=""):
    return _document(fault.error_type, fault.message, list(fault.trace), request_id)


def error_document(error, request_id="", hidden=0):
    """`hidden` first frames of the traceback are the runtime's own."""
    frames = traceback.extract_tb(error.__traceback__)[hidden:]
    return _document(type(error).__name__, str(error), traceback.format_list(frames), request_id)


def _document(error_type, message, trace, request_id):
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def log_error(document, sink):
    if writes_json():
        head = {"timestamp": time.strftime(JSON_TIME, logging.Formatter.converter(time.time())), "level": "ERROR"}
        head.update(document)
        sink.log(json.dumps(head))
        return
    description = "[ERROR] " + document["errorType"]
    if document["errorMessage"]:
        description += ": " + document["errorMessage"]
    lines = [description, "Traceback (most recent call last):"]
    for element in document["stackTrace"]:
        lines.extend(_indented(line) for line in element.splitlines() or [""])
    sink.log("\n".join(lines))


def _indented(line):
    text = line.lstrip(" ")
    return NO_BREAK_SPACE * (len(line) - len(text)) + text
