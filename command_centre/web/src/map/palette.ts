// SPDX-License-Identifier: Apache-2.0
/** Colours of the map. */

export const AREA_COLOURS: Record<string, { fill: string; line: string; dash?: number[] }> = {
  building: { fill: "rgba(92,108,130,0.55)", line: "#8091a7" },
  floor: { fill: "rgba(92,108,130,0.15)", line: "#5c6c82" },
  keep_out: { fill: "rgba(255,93,93,0.10)", line: "rgba(255,93,93,0.65)", dash: [6, 5] },
  slow: { fill: "rgba(255,180,84,0.07)", line: "rgba(255,180,84,0.45)", dash: [3, 5] },
  privacy: { fill: "rgba(195,155,255,0.10)", line: "rgba(195,155,255,0.5)", dash: [2, 4] },
  zone: { fill: "rgba(76,194,255,0.05)", line: "rgba(76,194,255,0.35)", dash: [8, 5] },
  restricted: { fill: "rgba(255,93,93,0.07)", line: "rgba(255,120,120,0.55)", dash: [8, 5] },
  sterile: { fill: "rgba(255,180,84,0.08)", line: "rgba(255,180,84,0.55)", dash: [8, 5] },
};
/** Zones ordered at run time; six digits, so that an opacity can follow. */
export const ZONE_COLOURS: Record<string, string> = { "keep out": "#ff5d5d", slow: "#ffb454", "one way": "#9d8cff" };
export const PERIMETER = "#d7dee7";
export const GATE = "#5ad19a";
export const ROUTE = "rgba(122,162,247,0.55)";
export const PLAN = "#35e0c2";
export const TRAIL = "rgba(76,194,255,0.75)";
export const ROBOT = "#4cc2ff";
export const ROBOT_LOST = "#8292a5";
export const ALERT = "#ff5d5d";
export const TEXT = "#aab6c5";
export const TEXT_OUTLINE = "rgba(8,12,17,0.85)";
export const FONT = "12px system-ui, 'DejaVu Sans', sans-serif";
