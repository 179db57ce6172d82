"""`python .../inside spawner|zygote SETTINGS FD` and `python .../inside probe`: the processes that the node starts."""

import os
import sys


def main():
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    role = sys.argv[1]
    if role == "probe":
        from inside import probe

        probe.run()
        return
    import json
    import socket

    if role == "zygote":
        from inside import zygote as module
    else:
        from inside import spawner as module
    del sys.path[0]
    sock = socket.socket(fileno=int(sys.argv[3]))
    sock.set_inheritable(False)
    module.serve(sock, **json.loads(sys.argv[2]))


main()
