"""Log records of Python functions.  AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""

import logging
import os
import struct
import threading
import time

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


def configure_logging(sink, requests):
    logging.Formatter.converter = time.gmtime
    handler = _Handler(sink)
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_Filter(requests))
    logging.getLogger().addHandler(handler)
