// SPDX-License-Identifier: Apache-2.0
/** How each thing on the map is drawn. */
import type { FeatureLike } from "ol/Feature";
import Point from "ol/geom/Point";
import { Circle, Fill, Icon, RegularShape, Stroke, Style, Text } from "ol/style";
import { LABEL_COLOURS } from "../video/overlay";
import * as colours from "./palette";

const label = (text: string, options: { offsetY?: number; colour?: string; bold?: boolean } = {}): Text =>
  new Text({
    text,
    font: options.bold ? `600 ${colours.FONT}` : colours.FONT,
    offsetY: options.offsetY ?? 0,
    fill: new Fill({ color: options.colour ?? colours.TEXT }),
    stroke: new Stroke({ color: colours.TEXT_OUTLINE, width: 3 }),
    overflow: false,
  });

export function areaStyle(feature: FeatureLike): Style {
  const kind = String(feature.get("kind"));
  const purpose = String(feature.get("purpose"));
  const look = colours.AREA_COLOURS[purpose] ?? colours.AREA_COLOURS[kind] ?? { fill: "transparent", line: "#5c6c82" };
  const stroke = new Stroke({ color: look.line, width: kind === "building" ? 1.5 : 1.2, ...(look.dash ? { lineDash: look.dash } : {}) });
  const style = new Style({ fill: new Fill({ color: look.fill }), stroke });
  if (kind === "building" || kind === "zone") style.setText(label(String(feature.get("name"))));
  return style;
}

export const perimeterStyle = [
  new Style({ stroke: new Stroke({ color: "rgba(8,12,17,0.9)", width: 5 }) }),
  new Style({ stroke: new Stroke({ color: colours.PERIMETER, width: 2 }) }),
];

export function gateStyle(feature: FeatureLike): Style {
  return new Style({
    stroke: new Stroke({ color: colours.GATE, width: 5 }),
    text: label(String(feature.get("name")), { offsetY: -12, colour: colours.GATE }),
  });
}

export function markStyle(feature: FeatureLike): Style {
  const name = String(feature.get("name"));
  switch (feature.get("kind")) {
    case "dock":
      return new Style({
        image: new RegularShape({
          points: 4,
          radius: 9,
          angle: Math.PI / 4,
          fill: new Fill({ color: "rgba(90,209,154,0.25)" }),
          stroke: new Stroke({ color: colours.GATE, width: 2 }),
        }),
        text: label(name, { offsetY: 17, colour: colours.GATE }),
      });
    case "waypoint":
      return new Style({
        image: new Circle({
          radius: 4,
          fill: new Fill({ color: WAYPOINT_FILLS[String(feature.get("outcome"))] ?? "rgba(122,162,247,0.25)" }),
          stroke: new Stroke({ color: "#7aa2f7", width: 1.2 }),
        }),
        ...(feature.get("current") ? { text: label(name, { offsetY: -12, colour: "#9dbaff", bold: true }) } : {}),
      });
    default:
      return new Style({
        image: new RegularShape({ points: 3, radius: 6, fill: new Fill({ color: "#8292a5" }), rotation: turn(feature) }),
      });
  }
}

const WAYPOINT_FILLS: Record<string, string> = { reached: "#5ad19a", missed: "#ff5d5d", "pre-empted": "#ffb454" };

export const routeStyle = new Style({ stroke: new Stroke({ color: colours.ROUTE, width: 2, lineDash: [2, 6], lineCap: "round" }) });
export const planStyle = new Style({ stroke: new Stroke({ color: colours.PLAN, width: 2.5 }) });
export const trailStyle = new Style({ stroke: new Stroke({ color: colours.TRAIL, width: 2 }) });

const robotPicture = (colour: string): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="17" fill="${colour}" fill-opacity=".16"/>` +
      `<path d="M33 20 9 31l5-11L9 9z" fill="${colour}" stroke="#081018" stroke-width="2" stroke-linejoin="round"/></svg>`,
  )}`;
const ROBOT_PICTURES = { fresh: robotPicture(colours.ROBOT), lost: robotPicture(colours.ROBOT_LOST) };

export function robotStyle(feature: FeatureLike): Style {
  const kind = feature.get("kind");
  if (kind === "doubt") {
    return new Style({
      fill: new Fill({ color: "rgba(76,194,255,0.14)" }),
      stroke: new Stroke({ color: "rgba(76,194,255,0.6)", width: 1 }),
    });
  }
  return new Style({
    image: new Icon({ src: feature.get("lost") ? ROBOT_PICTURES.lost : ROBOT_PICTURES.fresh, rotation: turn(feature), rotateWithView: true }),
    text: label(String(feature.get("name")), { offsetY: 26, colour: "#d7f0ff", bold: true }),
    zIndex: 10,
  });
}

export function trackStyle(feature: FeatureLike): Style {
  const colour = LABEL_COLOURS[String(feature.get("label"))] ?? "#d7dee7";
  const faint = feature.get("state") === "confirmed" ? "66" : "33";
  if (!(feature.getGeometry() instanceof Point)) {
    const isVelocity = feature.get("kind") === "velocity";
    return new Style({
      ...(isVelocity ? {} : { fill: new Fill({ color: `${colour}22` }) }),
      stroke: new Stroke({ color: isVelocity ? colour : `${colour}aa`, width: isVelocity ? 2 : 1 }),
    });
  }
  return new Style({
    image: new Circle({ radius: 6, fill: new Fill({ color: `${colour}${faint}` }), stroke: new Stroke({ color: colour, width: 2 }) }),
    text: label(`${feature.get("label")} ${feature.get("trackId")}`, { offsetY: -14, colour, bold: true }),
  });
}

export function beliefStyle(feature: FeatureLike): Style {
  const colour = LABEL_COLOURS[String(feature.get("label"))] ?? "#d7dee7";
  if (feature.getGeometry() instanceof Point) return new Style({ text: label(String(feature.get("text")), { colour, offsetY: -10 }) });
  const opacity = Math.round(36 * Number(feature.get("strength")));
  return new Style({ fill: new Fill({ color: `${colour}${opacity.toString(16).padStart(2, "0")}` }) });
}

/** An arrow along +x. */
const ONE_WAY_PICTURE = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" width="44" height="44"><path d="M4 19h22v-8l14 11-14 11v-8H4z" ` +
    `fill="${colours.ZONE_COLOURS["one way"]}" stroke="#081018" stroke-width="1.5" stroke-linejoin="round"/></svg>`,
)}`;

/** Zones ordered at run time: drawn through once they are in force, dashed until then. */
export function zoneStyle(feature: FeatureLike): Style {
  const colour = colours.ZONE_COLOURS[String(feature.get("kind"))] ?? colours.TEXT;
  const state = String(feature.get("state"));
  if (feature.getGeometry() instanceof Point) {
    return new Style({
      image: new Icon({ src: ONE_WAY_PICTURE, rotation: turn(feature), rotateWithView: true }),
    });
  }
  const holds = state === "in force" || state === "removed";
  const text = label(`${feature.get("name")}\n${feature.get("asks")}`, { colour, bold: true, offsetY: -18 });
  text.setOverflow(true);
  return new Style({
    fill: new Fill({ color: `${colour}${holds ? "38" : "1c"}` }),
    stroke: new Stroke({ color: colour, width: 2, ...(state === "in force" ? {} : { lineDash: [6, 6] }) }),
    text,
  });
}

export const penStyle = new Style({
  fill: new Fill({ color: "rgba(255,255,255,0.10)" }),
  stroke: new Stroke({ color: "#fff", width: 2, lineDash: [4, 4] }),
  image: new Circle({ radius: 5, fill: new Fill({ color: "#fff" }) }),
});

export function alertStyle(feature: FeatureLike): Style {
  const fresh = feature.get("state") === "new";
  if (!(feature.getGeometry() instanceof Point)) {
    return new Style({
      fill: new Fill({ color: "rgba(255,93,93,0.07)" }),
      stroke: new Stroke({ color: colours.ALERT, width: fresh ? 1.5 : 0.75, lineDash: [6, 4] }),
    });
  }
  return new Style({
    image: new RegularShape({
      points: 3,
      radius: fresh ? 13 : 9,
      displacement: [0, 3],
      fill: new Fill({ color: fresh ? colours.ALERT : "rgba(255,93,93,0.25)" }),
      stroke: new Stroke({ color: fresh ? "#fff" : colours.ALERT, width: 1.5 }),
    }),
    text: new Text({
      text: "!",
      font: "700 12px system-ui, 'DejaVu Sans', sans-serif",
      offsetY: -1,
      fill: new Fill({ color: fresh ? "#fff" : "#ffb0b0" }),
    }),
    zIndex: 5,
  });
}

function turn(feature: FeatureLike): number {
  return -Number(feature.get("yawRad"));
}
