"""Log records of Python functions, as lines of text or of JSON.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""

import json
import logging
import os
import struct
import threading
import time
import traceback

MAGIC = b"\xa5\x5a\x00\x03"
RECORD = struct.Struct("!4sI")


class LogSink:
    """Whole records, which may have several lines, on the pipe that also carries stdout and stderr."""

    def __init__(self, fd):
        self._fd = fd
        self._lock = threading.Lock()

    def log(self, text):
        raw = text.encode("utf-8", "backslashreplace")
        data = RECORD.pack(MAGIC, len(raw)) + raw
        with self._lock:
            while data:
                data = data[os.write(self._fd, data) :]


class RequestIds:
    """The invocation that log records belong to."""

    def __init__(self):
        self.current = ""


class _Filter(logging.Filter):
    def __init__(self, requests):
        logging.Filter.__init__(self)
        self._requests = requests

    def filter(self, record):
        record.aws_request_id = self._requests.current
        return True


class _Handler(logging.Handler):
    def __init__(self, sink):
        logging.Handler.__init__(self)
        self._sink = sink

    def emit(self, record):
        self._sink.log(self.format(record))


class _JsonFormatter(logging.Formatter):
    """One object a record; what was given as `extra` is in it."""

    def __init__(self):
        logging.Formatter.__init__(self, datefmt=JSON_TIME)

    def format(self, record):
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        told = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            kind, error, trace = record.exc_info
            told["stackTrace"] = traceback.format_tb(trace)
            told["errorType"] = getattr(kind, "__name__", "NoneType")
            told["errorMessage"] = str(error)
        told["requestId"] = getattr(record, "aws_request_id", None)
        if record.exc_info:
            told["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        for name, value in record.__dict__.items():
            if name not in OF_RECORDS and name not in told:
                told[name] = value
        return json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=False, default=str) + "\n"


JSON_TIME = "%Y-%m-%dT%H:%M:%SZ"
OF_RECORDS = frozenset(logging.makeLogRecord({}).__dict__) - {"taskName"} | {"aws_request_id", "tenant_id"}


def writes_json():
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def configure_logging(sink, requests):
    logging.Formatter.converter = time.gmtime
    handler = _Handler(sink)
    if writes_json():
        handler.setFormatter(_JsonFormatter())
    else:
        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_Filter(requests))
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = {"TRACE": "DEBUG"}.get(level, level)
    if isinstance(logging.getLevelName(level), int):
        root.setLevel(level)
