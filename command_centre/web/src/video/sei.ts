// SPDX-License-Identifier: Apache-2.0
/** Finds the robot's metadata inside an H.264 access unit; the counterpart of patrol/sei.py (ITU-T H.264, 7.3.2.3 and D.1.7). */
import type { PictureMetadata } from "../generated/wire";

const UUID = [0x3f, 0x1c, 0x6a, 0x52, 0x9d, 0x0b, 0x4e, 0x47, 0x8a, 0x1e, 0x70, 0xa7, 0x20, 0x1e, 0x5e, 0x1d];
const SEI_NAL_TYPE = 6;
const USER_DATA_UNREGISTERED = 5;

/** The user data under our UUID in an Annex B access unit; null when there is none, or it is cut short. */
export function findSei(accessUnit: Uint8Array): Uint8Array | null {
  for (let begin = afterStartCode(accessUnit, 0); begin >= 0; ) {
    const next = afterStartCode(accessUnit, begin);
    if (((accessUnit[begin] ?? 0) & 0x1f) === SEI_NAL_TYPE) {
      const end = next < 0 ? accessUnit.length : next - 3;
      const found = findUserData(unescape(accessUnit.subarray(begin + 1, end)));
      if (found) return found;
    }
    begin = next;
  }
  return null;
}

/** The metadata of one access unit; null when it has none that can be read. */
export function readMetadata(accessUnit: Uint8Array): PictureMetadata | null {
  const payload = findSei(accessUnit);
  if (!payload) return null;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(payload));
    return isMetadata(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isMetadata(value: unknown): value is PictureMetadata {
  const fields = value as Partial<PictureMetadata> | null;
  return typeof fields === "object" && typeof fields?.stamp_ns === "number" && Array.isArray(fields.boxes);
}

function afterStartCode(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 2 < bytes.length; at++) {
    if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1) return at + 3;
  }
  return -1;
}

function findUserData(rbsp: Uint8Array): Uint8Array | null {
  let at = 0;
  const readNumber = (): number => {
    let value = 0;
    while (at < rbsp.length) {
      const byte = rbsp[at++] ?? 0;
      value += byte;
      if (byte !== 0xff) break;
    }
    return value;
  };
  while (at + 2 < rbsp.length) {
    const type = readNumber();
    const size = readNumber();
    if (at + size > rbsp.length) return null;
    const body = rbsp.subarray(at, at + size);
    if (type === USER_DATA_UNREGISTERED && size >= 16 && UUID.every((byte, index) => body[index] === byte)) {
      return body.subarray(16);
    }
    at += size;
  }
  return null;
}

/** Takes out the bytes that keep start codes from appearing within a unit (7.4.1). */
function unescape(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    out[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return out.subarray(0, length);
}
