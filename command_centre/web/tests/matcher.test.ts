// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import type { PictureMetadata } from "../src/generated/wire";
import { Matcher } from "../src/video/matcher";

const metadata = (stamp_ns: number): PictureMetadata => ({ stamp_ns, boxes: [], caption: "" });

it("gives each picture its own metadata and forgets what the decoder skipped", () => {
  const matcher = new Matcher();
  for (const at of range(1, 5)) matcher.put({ timestamp: at * 9000, metadata: metadata(at) });
  expect(matcher.take(9000)?.stamp_ns).toBe(1);
  expect(matcher.take(4 * 9000)?.stamp_ns).toBe(4);
  expect(matcher.take(2 * 9000)).toBeNull();
  expect(matcher.take(5 * 9000)?.stamp_ns).toBe(5);
});

it("never draws another picture's boxes", () => {
  const matcher = new Matcher();
  matcher.put({ timestamp: 1, metadata: metadata(1) });
  expect(matcher.take(2)).toBeNull();
});

it("is bounded", () => {
  const matcher = new Matcher();
  for (const at of range(1, 1000)) matcher.put({ timestamp: at, metadata: metadata(at) });
  expect(matcher.take(1)).toBeNull();
  matcher.put({ timestamp: 1001, metadata: metadata(1001) });
  expect(matcher.take(1001)?.stamp_ns).toBe(1001);
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
