// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { readPacket } from "../src/video/packet";
import samples from "./packet-samples.json";

const bytes = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

for (const sample of samples) {
  it(`reads the packet with stamp ${sample.stamp_ns} as it was written`, () => {
    const packet = readPacket(bytes(sample.message_base64).buffer);
    expect(packet).toEqual({
      stampNs: sample.stamp_ns,
      pts90kHz: sample.pts_90khz,
      isKey: sample.is_key,
      data: bytes(sample.data_base64),
    });
  });
}

it("takes nothing that is cut short, too long, or something else", () => {
  const whole = bytes(samples[0]?.message_base64 ?? "");
  for (let length = 0; length < whole.length; length++) expect(readPacket(whole.slice(0, length).buffer)).toBeNull();
  expect(readPacket(new Uint8Array([...whole, 0]).buffer)).toBeNull();
  const other = whole.slice();
  other[0] = 0;
  expect(readPacket(other.buffer)).toBeNull();
});
