"""The Python runtime of an instance: loads the handler, then answers events over its control socket.

What the function sees (context, error documents, log lines, JSON) is as AWS's own runtime interface client gives it.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html, python-exceptions.html, python-logging.html
"""

import importlib
import io
import json
import os
import random
import resource
import sys
import time
import traceback

from . import frames
from .python_context import LambdaContext
from .python_errors import Fault, error_document, fault_document, log_error
from .python_json import parse, serialize
from .python_logging import LogSink, RequestIds, configure_logging

SDK = frozenset(["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"])


def run(control, wrapped=False):
    """`wrapped`: the variables are there already.

    Never returns; ends as Python ends: SystemExit by its code, what else is raised with its traceback.
    """
    try:
        serve(control, wrapped)
        status = 0
    except SystemExit as request:
        status = request.code if isinstance(request.code, int) else 0 if request.code is None else 1
        if status == 1 and not isinstance(request.code, int):
            sys.stderr.write("%s\n" % request.code)
    except BaseException:
        traceback.print_exc()
        status = 1
    _flush()
    os._exit(status & 0xFF)


def serve(control, wrapped):
    """The life of an instance: one INIT frame, then events until the node is gone."""
    kind, head, _ = frames.read(control)
    if kind != frames.INIT:
        return
    _enter(dict(os.environ) if wrapped else head["environment"], head["path"])
    sink = LogSink(1)
    requests = RequestIds()
    configure_logging(sink, requests)
    handler, failure = _load(os.environ["_HANDLER"])
    if failure is not None:
        log_error(failure, sink)
        control.sendall(frames.pack(frames.FAILED, _usage(), json.dumps(failure).encode()))
        os._exit(1)
    control.sendall(frames.pack(frames.READY, _usage()))
    while True:
        kind, head, body = frames.read(control)
        if kind != frames.EVENT:
            return
        requests.current = head["id"]
        kind, answer = _answer(handler, head, body, sink)
        _flush()
        control.sendall(frames.pack(kind, _usage(), answer))


def _enter(environment, path):
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path + [entry for entry in sys.path if entry not in path]
    sys.argv[:] = ["/var/runtime/bootstrap.py"]
    _forget_own_modules()
    _forget_shadowed_sdk()
    main = type(sys)("__main__")
    main.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = main
    random.seed()
    time.tzset()
    os.chdir(environment["LAMBDA_TASK_ROOT"])
    sys.stdout = sys.__stdout__ = _text_stream(1)
    sys.stderr = sys.__stderr__ = _text_stream(2)


def _forget_own_modules():
    """Their names are the function's to use.  Found by the package, as a walk over all modules would write to all their memory."""
    package = sys.modules.pop(__name__.partition(".")[0])
    for name in [name for name, value in vars(package).items() if isinstance(value, type(sys))]:
        sys.modules.pop("%s.%s" % (package.__name__, name), None)


def _forget_shadowed_sdk():
    """What was loaded ahead of the SDK is not what the function gets when it brings a part of it itself, in its package or a layer."""
    if any(_comes_from_elsewhere(name) for name in SDK if name in sys.modules):
        for name in [name for name in sys.modules if name.partition(".")[0] in SDK]:
            del sys.modules[name]


def _comes_from_elsewhere(name):
    """Whether the search path has another package of the name before the one that is loaded."""
    loaded = os.path.dirname(sys.modules[name].__file__ or "")
    for entry in sys.path:
        place = os.path.join(entry, name)
        if place == loaded or entry == loaded:
            return False
        if os.path.isdir(place) or os.path.isfile(place + ".py"):
            return True
    return False


def _text_stream(fd):
    """Every write goes out at once, as on AWS."""
    return io.TextIOWrapper(io.FileIO(fd, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True)


def _load(name):
    """(handler, None), or (None, the error document of what stands in the way)."""
    try:
        return _handler(name), None
    except Fault as fault:
        return None, fault_document(fault)
    except Exception as error:  # whatever the module raises while it is imported
        return None, error_document(error, hidden=2)


def _handler(name):
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error)) from error
    except SyntaxError as error:
        place = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, error), place)
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name)) from None


def _answer(handler, head, body, sink):
    try:
        for name, value in head.get("environment", {}).items():
            os.environ[name] = value
        if head.get("trace"):
            os.environ["_X_AMZN_TRACE_ID"] = head["trace"]
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        context = LambdaContext(head)
        return frames.ANSWER, _marshal(handler(_unmarshal(body), context))
    except Fault as fault:
        document = fault_document(fault, head["id"])
    except Exception as error:
        document = error_document(error, head["id"], hidden=1)
    log_error(document, sink)
    return frames.FAULT, json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _unmarshal(body):
    try:
        return parse(body)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error


def _marshal(result):
    try:
        return serialize(result)
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue


def _usage():
    return {"rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
