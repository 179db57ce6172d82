"""Code that stands in a template becomes a package: `index.py` or `index.js`, with the helper module that AWS adds.

AWS: CloudFormation user guide, AWS::Lambda::Function Code, ZipFile; cfn-response module.  The helper is our own text with
the documented interface: `send(event, context, status, data, physical id, no echo, reason)`.
"""

from __future__ import annotations

import io
import zipfile

_PYTHON_HELPER = """\
import json
import urllib.request

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    body = json.dumps({
        "Status": responseStatus,
        "Reason": reason or "See the details in CloudWatch Log Stream: {}".format(context.log_stream_name),
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"content-type": ""})
    try:
        with urllib.request.urlopen(request) as response:
            print("Status code:", response.status)
    except Exception as error:
        print("send(..) failed executing http.request(..):", error)
"""

_NODE_HELPER = """\
exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";
exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({
      Status: responseStatus,
      Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData,
    });
    const url = new URL(event.ResponseURL);
    const request = require(url.protocol === "http:" ? "http" : "https").request(
      url,
      { method: "PUT", headers: { "content-type": "", "content-length": Buffer.byteLength(body) } },
      (response) => {
        console.log("Status code: " + response.statusCode);
        response.resume();
        context.done();
        resolve();
      });
    request.on("error", (error) => {
      console.log("send(..) failed executing https.request(..): " + error);
      context.done();
      reject(error);
    });
    request.end(body);
  });
};
"""

_FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the same text is the same package


def package(text: str, runtime: str) -> bytes:
    """The zip of `text` as the module `index`."""
    python = runtime.startswith("python")
    files = {"index.py" if python else "index.js": text}
    if python and "cfnresponse" in text:
        files["cfnresponse.py"] = _PYTHON_HELPER
    if not python and "cfn-response" in text:
        files["node_modules/cfn-response.js"] = _NODE_HELPER
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _FIXED_DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
