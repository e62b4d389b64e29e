// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { detailWords } from "../src/words";

describe("the detail of an entry of the audit log", () => {
  it("is told in words, without what is empty", () => {
    expect(detailWords('{"alert_key":3,"note":"","by":"olga"}')).toBe("alert key: 3, by: olga");
  });
  it("is shown as it is where somebody has tampered with it", () => {
    for (const spoilt of ["{", "", "null", "7"]) expect(detailWords(spoilt)).toBe(spoilt);
  });
});
