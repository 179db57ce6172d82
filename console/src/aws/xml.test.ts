import { expect, test } from "vitest";
import { parseXml } from "./xml";

const BUCKETS = `<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <!-- whose they are -->
  <Owner><ID>me</ID></Owner>
  <Buckets>
    <Bucket><Name>one</Name></Bucket>
    <Bucket><Name>t&amp;w&#111;&#x21;</Name></Bucket>
  </Buckets>
  <Prefix/>
</ListAllMyBucketsResult>`;

test("elements are found by path, lists by the path of their members", () => {
  const root = parseXml(BUCKETS);
  expect(root.name).toBe("ListAllMyBucketsResult");
  expect(root.at("Owner/ID")).toBe("me");
  expect(root.all("Buckets/Bucket").map((bucket) => bucket.at("Name"))).toEqual(["one", "t&wo!"]);
  expect(root.at("Prefix")).toBe("");
  expect(root.at("Nothing/Here")).toBe("");
  expect(root.all("Nothing/Here")).toEqual([]);
});

test("white space belongs to a text, and not to an element around others", () => {
  const root = parseXml("<a>\n  <b> x </b>\n</a>");
  expect(root.at("b")).toBe(" x ");
  expect(root.text).toBe("");
});

test("name spaces and attributes do not matter", () => {
  expect(parseXml("<s:a x=\"1\"><s:b y='2'>z</s:b></s:a>").at("b")).toBe("z");
});

test("character data is taken literally", () => {
  expect(parseXml("<a><![CDATA[<b>&amp;]]></a>").text).toBe("<b>&amp;");
});

test.each(["", "<a>", "<a></b>", "<!DOCTYPE a><a/>", "text", "<a/></a>"])("%j is no XML document", (source) => {
  expect(() => parseXml(source)).toThrow(SyntaxError);
});
