// SPDX-License-Identifier: Apache-2.0
/** What keeps a picture from being live, in words. */
import type { VideoState } from "../generated/wire";
import type { Robot } from "../state";

const STALE_AFTER_S = 1.5;

export interface Veil {
  kind: "covered" | "dead" | "offline" | "stale" | "starting";
  grey: boolean;
  title: string;
  detail: string;
}

interface Facts {
  robot: Robot;
  state: VideoState | undefined;
  ageS: number | null;
  trouble: string;
}

/** What keeps the picture away, the most telling cause first; null while it is live. */
export function veilOf({ robot, state, ageS, trouble }: Facts): Veil | null {
  const since = ageS === null ? "No picture yet" : `No picture for ${ageS.toFixed(0)} s`;
  const isStale = ageS === null || ageS > STALE_AFTER_S;
  if (robot.link.status === "offline") {
    return { kind: "offline", grey: true, title: since, detail: robot.link.because };
  }
  if (state?.state === "covered") {
    return { kind: "covered", grey: true, title: "Picture covered", detail: state.because };
  }
  if (state?.state === "dead") {
    return { kind: "dead", grey: true, title: since, detail: state.because || "The camera gives no pictures." };
  }
  if (!isStale) return null;
  if (ageS === null && !trouble) return { kind: "starting", grey: true, title: "Connecting to the camera", detail: "" };
  return { kind: "stale", grey: true, title: since, detail: trouble };
}
