import { expect, test } from "vitest";
import { errorIn } from "./errors";

function answer(status: number, headers: Record<string, string> = {}) {
  return { status, statusText: "Bad Request", headers: new Headers(headers) };
}

test("an error of a JSON service", () => {
  const error = errorIn(answer(400), '{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"gone"}');
  expect([error.code, error.message, error.status]).toEqual(["ResourceNotFoundException", "gone", 400]);
});

test("an error of a REST JSON service names itself in a header", () => {
  const headers = { "x-amzn-errortype": "ResourceNotFoundException:http://internal.amazon.com/coral/" };
  const error = errorIn(answer(404, headers), '{"Type":"User","Message":"no such function"}');
  expect([error.code, error.message]).toEqual(["ResourceNotFoundException", "no such function"]);
});

test("an error of a query service", () => {
  const text =
    "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>who?</Message></Error></ErrorResponse>";
  const error = errorIn(answer(404), text);
  expect([error.code, error.message]).toEqual(["NoSuchEntity", "who?"]);
});

test("an error of S3", () => {
  const error = errorIn(answer(404), "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>");
  expect([error.code, error.message]).toEqual(["NoSuchBucket", "none"]);
});

test("an answer without a body", () => {
  const error = errorIn(answer(400), "");
  expect([error.code, error.message]).toEqual(["HTTP 400", "Bad Request"]);
});
