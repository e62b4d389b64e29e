// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { paint } from "../src/map/grid-picture";
import { beliefSpots, ellipse } from "../src/map/shapes";
import { compassDegrees, duration, figure, nameAndUnit } from "../src/words";

it("draws the ellipse of a covariance along its axes", () => {
  const points = ellipse([10, 20], [4, 0, 1], 2);
  expect(Math.max(...points.map(([x]) => x))).toBeCloseTo(14, 5);
  expect(Math.max(...points.map(([, y]) => y))).toBeCloseTo(22, 2);
});

it("turns the ellipse with the correlation", () => {
  const [x, y] = ellipse([0, 0], [2, 1, 2], 1)[0] ?? [0, 0];
  expect(x).toBeCloseTo(y, 6);
  expect(Math.hypot(x, y)).toBeCloseTo(Math.sqrt(3), 6);
});

it("makes overlapping spots of a belief, the likeliest the strongest", () => {
  const spots = beliefSpots(
    [
      [4, 2, 0.4],
      [6, 2, 0.1],
    ],
    2,
  );
  expect(spots.map(({ strength }) => strength)).toEqual([1, 0.5]);
  const reach = Math.max(...(spots[0]?.outline ?? []).map(([x]) => x)) - 4;
  expect(reach).toBeGreaterThan(2);
  expect(reach).toBeLessThan(4);
  expect(beliefSpots([], 1)).toEqual([]);
});

it("leaves unknown cells clear and shows walls", () => {
  const pixels = new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255, 128, 128, 128, 255]);
  paint(pixels);
  expect([pixels[3], pixels[7], pixels[11]]).toEqual([70, 235, 0]);
});

it("puts figures into words", () => {
  expect([duration(4.21), duration(75), duration(3720), duration(Number.NaN)]).toEqual(["4.2 s", "1 min 15 s", "1 h 2 min", "–"]);
  expect([9.97, 59.6, 119.7, 779.8, 3599.6, 7199].map(duration)).toEqual(["10 s", "1 min 0 s", "2 min 0 s", "13 min 0 s", "1 h 0 min", "2 h 0 min"]);
  expect([compassDegrees(Math.PI / 2), compassDegrees(0), compassDegrees(-Math.PI)]).toEqual([0, 90, 270]);
  expect(nameAndUnit("dwell_s")).toEqual(["dwell", "s"]);
  expect(nameAndUnit("score")).toEqual(["score", ""]);
  expect([figure(2.345), figure(23.45), figure(234.5)]).toEqual(["2.35", "23.4", "235"]);
});
