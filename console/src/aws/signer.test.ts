import { expect, test } from "vitest";
import { encode, presignedQuery, type Signable, sha256, signedHeaders } from "./signer";

// The credentials, the time and the answers of AWS's public Signature Version 4 test suite.
const SUITE = { key: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token: "" };
const AT = new Date("2015-08-30T12:36:00Z");
const SCOPE = { region: "us-east-1", service: "service", at: AT };

async function vector(change: Partial<Signable>): Promise<string> {
  const bare = {
    method: "GET",
    host: "example.amazonaws.com",
    path: "/",
    query: [],
    headers: {},
    bodyHash: await sha256(""),
  };
  const headers = await signedHeaders({ ...bare, ...change }, SUITE, SCOPE);
  return headers.authorization?.split("Signature=")[1] ?? "";
}

test("get-vanilla", async () => {
  expect(await vector({})).toBe("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
});

test("get-vanilla-query-order-key-case", async () => {
  const query: [string, string][] = [
    ["Param2", "value2"],
    ["Param1", "value1"],
  ];
  expect(await vector({ query })).toBe("b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
});

test("post-x-www-form-urlencoded", async () => {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const signature = await vector({ method: "POST", headers, bodyHash: await sha256("Param1=value1") });
  expect(signature).toBe("ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
});

test("get-header-value-trim", async () => {
  const headers = { "my-header1": " value1", "my-header2": ' "a   b   c"' };
  expect(await vector({ headers })).toBe("acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
});

test("a pre-signed URL of the S3 documentation", async () => {
  const credentials = { key: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token: "" };
  const scope = { region: "us-east-1", service: "s3", at: new Date("2013-05-24T00:00:00Z") };
  const query = await presignedQuery(
    {
      method: "GET",
      host: "examplebucket.s3.amazonaws.com",
      path: "/test.txt",
      query: [],
      headers: {},
      bodyHash: "UNSIGNED-PAYLOAD",
    },
    credentials,
    scope,
    86_400,
  );
  expect(query).toContain("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request");
  expect(query).toMatch(/X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404$/);
});

test("a session token is signed and sent", async () => {
  const request = { method: "GET", host: "h", path: "/", query: [], headers: {}, bodyHash: await sha256("") };
  const headers = await signedHeaders(request, { ...SUITE, token: "session" }, SCOPE);
  expect(headers["x-amz-security-token"]).toBe("session");
  expect(headers.authorization).toContain("SignedHeaders=host;x-amz-date;x-amz-security-token,");
});

test("everything but unreserved characters is encoded", () => {
  expect(encode("aZ9-._~ !'()*+/ä")).toBe("aZ9-._~%20%21%27%28%29%2A%2B%2F%C3%A4");
});
