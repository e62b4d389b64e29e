// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { findSei, readMetadata } from "../src/video/sei";
import samples from "./sei-samples.json";

/** `samples`: access units made by patrol/sei.py, with what they carry; a Python test keeps the file true. */
const bytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

describe("SEI", () => {
  it.each(samples)("$name", ({ access_unit_base64, payload_base64 }) => {
    const found = findSei(bytes(access_unit_base64));
    expect(found && Array.from(found)).toEqual(payload_base64 === null ? null : Array.from(bytes(payload_base64)));
  });

  it("yields the metadata that the robot wrote", () => {
    const sample = samples.find(({ name }) => name === "metadata");
    const metadata = readMetadata(bytes(sample?.access_unit_base64 ?? ""));
    expect(metadata?.boxes).toEqual([{ track_id: 7, label: "person", box_px: [10, 20.5, 60, 180], score: 0.9, state: "confirmed" }]);
    expect(metadata?.caption).toBe("leg 3, Straße");
  });

  it("takes what is no metadata for none", () => {
    const sample = samples.find(({ name }) => name === "zeros");
    expect(readMetadata(bytes(sample?.access_unit_base64 ?? ""))).toBeNull();
    expect(readMetadata(new Uint8Array())).toBeNull();
  });
});
