"""`python .../inside spawner|zygote ... FD`: the processes that the node starts."""

import importlib
import json
import os
import socket
import sys


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(here)
    role, settings, fd = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    module = importlib.import_module("inside." + role)
    importlib.import_module("inside.python_runtime" if role == "zygote" else "inside.skeleton")
    del sys.path[0]
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)
    try:
        module.serve(sock, **settings)
    except KeyboardInterrupt:
        os._exit(0)


main()
