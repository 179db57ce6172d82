// What AWS answers when it refuses.
import { parseXml } from "./xml";

export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = code;
  }
}

/** AWS's code and message, from JSON or XML, whichever came. */
export function errorIn(response: Pick<Response, "status" | "statusText" | "headers">, text: string): AwsError {
  const { status } = response;
  if (text.trimStart().startsWith("<")) {
    const root = parseXml(text);
    const error = root.find("Errors/Error") ?? root.find("Error") ?? root;
    return new AwsError(error.at("Code") || response.statusText, error.at("Message"), status);
  }
  const fields = text.startsWith("{") ? JSON.parse(text) : {};
  const code = response.headers.get("x-amzn-errortype") ?? fields.__type ?? fields.code ?? `HTTP ${status}`;
  const name = String(code).split(":")[0]?.split("#").pop() ?? "";
  return new AwsError(name, fields.message ?? fields.Message ?? response.statusText, status);
}
