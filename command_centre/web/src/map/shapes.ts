// SPDX-License-Identifier: Apache-2.0
/** Outlines of uncertainty, in metres. */

export type Position = [number, number];

/** Radius of a spot, in cells. */
const SPOT_CELLS = 1.4;

export interface Spot {
  outline: Position[];
  /** 0..1, the likeliest place 1. */
  strength: number;
}

/** Round spots about the cells of a belief (x, y, probability), which overlap and so look like one soft area. */
export function beliefSpots(cells: readonly (readonly [number, number, number])[], cellM: number): Spot[] {
  const most = cells.reduce((found, [, , mass]) => Math.max(found, mass), 0);
  const variance = ((SPOT_CELLS * cellM) / 2) ** 2;
  return cells.map(([x, y, mass]) => ({
    outline: ellipse([x, y], [variance, 0, variance], 2),
    strength: most > 0 ? Math.sqrt(mass / most) : 0,
  }));
}

/** Outline of the ellipse within which a position with covariance (xx, xy, yy) m² lies, `sigmas` standard deviations out. */
export function ellipse(centre: Position, covariance: readonly [number, number, number], sigmas: number): Position[] {
  const [xx, xy, yy] = covariance;
  const mean = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  const major = sigmas * Math.sqrt(Math.max(mean + spread, 0));
  const minor = sigmas * Math.sqrt(Math.max(mean - spread, 0));
  const turn = 0.5 * Math.atan2(2 * xy, xx - yy);
  const points = 48;
  return Array.from({ length: points + 1 }, (_, index) => {
    const angle = (2 * Math.PI * index) / points;
    const along = major * Math.cos(angle);
    const across = minor * Math.sin(angle);
    return [
      centre[0] + along * Math.cos(turn) - across * Math.sin(turn),
      centre[1] + along * Math.sin(turn) + across * Math.cos(turn),
    ];
  });
}
