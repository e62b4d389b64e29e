// SPDX-License-Identifier: Apache-2.0
/** One access unit as the service passes it on over the WebSocket; the counterpart of VideoPacket in patrol/wire.py. */

export interface VideoPacket {
  stampNs: number;
  pts90kHz: number;
  isKey: boolean;
  /** H.264 in Annex B form. */
  data: Uint8Array<ArrayBuffer>;
}

const HEADER_BYTES = 24;
const MAGIC = 0x5056;

/** The packet in one binary message; null when it is not one whole packet. */
export function readPacket(message: ArrayBuffer): VideoPacket | null {
  if (message.byteLength < HEADER_BYTES) return null;
  const header = new DataView(message, 0, HEADER_BYTES);
  if (header.getUint16(0) !== MAGIC || header.getUint32(20) !== message.byteLength - HEADER_BYTES) return null;
  return {
    isKey: header.getUint8(3) !== 0,
    stampNs: Number(header.getBigInt64(4)),
    pts90kHz: Number(header.getBigInt64(12)),
    data: new Uint8Array(message, HEADER_BYTES),
  };
}
