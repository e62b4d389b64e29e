// SPDX-License-Identifier: Apache-2.0
/** Outlines of uncertainty, in metres. */

export type Position = [number, number];

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
