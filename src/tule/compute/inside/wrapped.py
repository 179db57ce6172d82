"""`python wrapped.py`: the Python runtime started by a function's wrapper script, not forked.  Its variables are those the wrapper left."""

import importlib
import os
import socket
import sys


def main():
    package = type(sys)("inside")  # not looked for: the directory above need not be readable
    package.__path__ = [sys.path.pop(0)]
    sys.modules["inside"] = package
    runtime = importlib.import_module("inside.python_runtime")
    sys.path.extend(os.environ.pop("TULE_SDK_PATH").split(":"))
    control = socket.socket(fileno=int(os.environ.pop("TULE_CONTROL_FD")))
    control.set_inheritable(False)
    del os.environ["TULE_WRAPPED"]
    runtime.run(control, wrapped=True)


main()
