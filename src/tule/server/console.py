"""The web console's built files under `/_console/`, and a browser's way there from `/`.

The console is a page that calls the same AWS APIs as every client, signed in the browser; nothing here but files.  A request
is answered by looking its name up among the files that are there, so that no path can lead elsewhere.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

import tule
from tule.server.hosts import NOTHING, meaning
from tule.wire.http import Request, Response

PREFIX = "/_console"
BUILT = Path(tule.__file__).with_name("console") / "assets"
_HASHED = "static/"  # the build puts a hash of the content into the names of these

_ALWAYS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml"}

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tule</title>
<h1>The console is not built</h1>
<p>Tule itself is running. To build its console, install <a href="https://nodejs.org/">Node.js</a> 18 or newer with npm, and run
<code>make install</code> (or <code>scripts/build_console</code>) in the directory of Tule's sources. Then load this page again.</p>
"""


class Console:
    """Serves what `npm run build` wrote to `directory`; looks anew each time, so that a build is seen at once."""

    def __init__(self, directory: Path = BUILT) -> None:
        self._directory = directory

    def answer(self, request: Request) -> Response:
        """Any path without a file is a place inside the console: its one page finds it out."""
        if request.method not in ("GET", "HEAD"):
            return _page(405, "<!doctype html><title>405</title><p>The console only answers GET and HEAD.</p>", {"allow": "GET, HEAD"})
        if request.path == PREFIX:
            return Response(308, {"location": PREFIX + "/", "content-length": "0"})
        if not request.path.startswith(PREFIX + "/"):
            return _page(404, "<!doctype html><title>404</title><p>There is nothing here.</p>")
        return self._file(request, request.path.removeprefix(PREFIX + "/"))

    def _file(self, request: Request, name: str) -> Response:
        files = {path.relative_to(self._directory).as_posix(): path for path in self._directory.rglob("*") if path.is_file()}
        if "index.html" not in files:
            return _page(503, _NOT_BUILT)
        if name.startswith(_HASHED) and name not in files:
            return _page(404, "<!doctype html><title>404</title><p>There is no such file; load the console again.</p>")
        path = files.get(name, files["index.html"])
        content = path.read_bytes()
        headers = {
            "content-type": _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "content-length": str(len(content)),
            "cache-control": "public, max-age=31536000, immutable" if name.startswith(_HASHED) else "no-cache",
        }
        return Response(200, headers | _ALWAYS, content if request.method == "GET" else b"")


def wants_console(request: Request) -> bool:
    """Whether this is a person's browser at `/`: it asks for HTML, signs nothing, and names neither a bucket nor a service by host."""
    return (
        request.method in ("GET", "HEAD")
        and request.path == "/"
        and not request.query
        and "text/html" in request.headers.get("accept", "")
        and "authorization" not in request.headers
        and "x-amz-target" not in request.headers
        and meaning(request.host) == NOTHING
    )


def to_console() -> Response:
    return Response(302, {"location": PREFIX + "/", "vary": "accept", "cache-control": "no-store", "content-length": "0"})


def _page(status: int, html: str, headers: dict[str, str] | None = None) -> Response:
    body = html.encode()
    own = {"content-type": "text/html; charset=utf-8", "content-length": str(len(body)), "cache-control": "no-store"}
    return Response(status, own | _ALWAYS | (headers or {}), body)
