"""A headless Chromium spoken to by its debugging pipe (Chrome DevTools Protocol), with nothing to install beside it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MS = 20_000

# Resolves once the condition holds, as soon as the page sees it.
_UNTIL = """
new Promise((resolve, reject) => {
  const started = performance.now();
  const look = async () => {
    const found = await (async () => { %s })();
    if (found) resolve(found === true ? true : String(found));
    else if (performance.now() - started > %d) reject(new Error("waited in vain for: " + %s + " on: " + document.body.innerText));
    else setTimeout(look, 10);
  };
  look();
})
"""


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page.  `faults` collects what a developer would see in red: exceptions, blocked resources."""

    def __init__(self, program: str, profile: Path) -> None:
        self.faults: list[str] = []
        self._ids = itertools.count(1)
        self._session = ""
        self._loaded = 0
        self._downloads = profile
        self._download: dict[str, str] = {}
        from_us, self._to = os.pipe()
        self._from, to_us = os.pipe()
        flags = (
            f"--headless=new --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir='{profile}'"
        )
        command = f"exec '{program}' {flags} about:blank 3<&{from_us} 4>&{to_us}"
        self._process = subprocess.Popen(["bash", "-c", command], pass_fds=(from_us, to_us), stderr=subprocess.DEVNULL)
        os.close(from_us)
        os.close(to_us)
        self._reader = os.fdopen(self._from, "rb")

    def __enter__(self) -> Browser:
        try:
            self._attach()
        except AssertionError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait(30)
        self._reader.close()
        os.close(self._to)

    def open(self, url: str) -> None:
        loads = self._loaded
        self._call("Page.navigate", url=url)
        while self._loaded == loads:
            self._hear()

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        answer = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"].get("exception", {}).get("description", answer["exceptionDetails"]))
        return answer["result"].get("value")

    def until(self, condition: str) -> Any:
        """Wait for a JavaScript expression to hold."""
        return self.run(_UNTIL % (f"return {condition};", WAIT_MS, json.dumps(condition)))

    def sees(self, text: str) -> None:
        self.until(f"document.body.innerText.includes({json.dumps(text)})")

    def press(self, text: str) -> None:
        """Click the link or button with this text, once there is one."""
        wanted = json.dumps(text)
        of = "[...document.querySelectorAll('a, button, summary')]"
        self.until(f"(e => e && (e.click(), true))({of}.find(e => e.innerText.trim() === {wanted} || e.ariaLabel === {wanted}))")

    def type_into(self, selector: str, text: str) -> None:
        """Replace what stands in a field, as by keyboard."""
        self.until(f"(e => e && (e.focus(), e.select(), true))(document.querySelector({json.dumps(selector)}))")
        self._call("Input.insertText", text=text)

    def key(self, name: str, code: int, modifiers: int = 0) -> None:
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, modifiers=modifiers)

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        """The size of the window and whether the person prefers light or dark."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def allow_downloads(self, directory: Path) -> None:
        self._downloads = directory
        self._call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(directory), eventsEnabled=True)

    def downloaded(self) -> Path:
        """The file of the latest download, once it is complete."""
        while self._download.get("state") != "completed":
            self._hear()
        return self._downloads / self._download.pop("name")

    def choose_file(self, selector: str, path: Path) -> None:
        document = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def agree(self) -> None:
        """Answer every `confirm` from now on with yes."""
        self.run("window.confirm = () => true")

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _attach(self) -> None:
        target = next(t for t in self._call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": self._session} if self._session else {})
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == number:
                if "error" in heard:
                    raise AssertionError(f"{method}: {heard['error']['message']}")
                return heard["result"]

    def _hear(self) -> dict[str, Any]:
        heard = json.loads(self._message())
        params = heard.get("params", {})
        match heard.get("method"):
            case "Page.loadEventFired":
                self._loaded += 1
            case "Runtime.exceptionThrown":
                self.faults.append(params["exceptionDetails"].get("exception", {}).get("description", str(params)))
            case "Browser.downloadWillBegin":
                self._download = {"name": params["suggestedFilename"]}
            case "Browser.downloadProgress":
                self._download["state"] = params["state"]
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.faults.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        return heard

    def _message(self) -> bytes:
        pieces = bytearray()
        while (byte := self._reader.read(1)) != b"\0":
            if not byte:
                raise AssertionError("the browser went away")
            pieces += byte
        return bytes(pieces)
