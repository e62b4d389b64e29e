// SPDX-License-Identifier: Apache-2.0
/** The map itself: layers in the site's own metric frame (x east, y north), each renewed only when its data changed. */
import Feature from "ol/Feature";
import OlMap from "ol/Map";
import View from "ol/View";
import ScaleLine from "ol/control/ScaleLine";
import { createEmpty, extend, isEmpty } from "ol/extent";
import type { Extent } from "ol/extent";
import type Geometry from "ol/geom/Geometry";
import LineString from "ol/geom/LineString";
import Point from "ol/geom/Point";
import Polygon from "ol/geom/Polygon";
import ImageLayer from "ol/layer/Image";
import VectorLayer from "ol/layer/Vector";
import Projection from "ol/proj/Projection";
import ImageSource from "ol/source/Image";
import VectorSource from "ol/source/Vector";
import type { StyleLike } from "ol/style/Style";
import type { AlertView, MapUpdate, SiteView, WireBelief, WireTrack } from "../generated/wire";
import { type Robot, isLost } from "../state";
import type { GridPainted, GridWanted } from "./grid-worker";
import { type Position, beliefSpots, ellipse } from "./shapes";
import * as styles from "./styles";
import { ZoneLayer } from "./zone-layer";

const SIGMAS = 2;
const SMALLEST_DOUBT_M = 0.05;
const VELOCITY_AHEAD_S = 2;
const MARGIN_M = 6;
const BELIEF_KEPT_S = 5;
/** What lies about is shown once a rule made an alert of it. */
const THINGS = new Set<string>(["object", "missing object"]);

type LayerName = "beliefs" | "areas" | "perimeter" | "gates" | "marks" | "route" | "trail" | "plan" | "tracks" | "alerts" | "others" | "robots";

export class SiteMap {
  readonly #projection = new Projection({ code: "patrol:map", units: "m", axisOrientation: "enu" });
  readonly #map: OlMap;
  readonly #grid = new ImageLayer<ImageSource>();
  readonly #gridWorker = new Worker(new URL("./grid-worker.ts", import.meta.url), { type: "module" });
  readonly zones: ZoneLayer;
  readonly #layers: Record<LayerName, VectorLayer<VectorSource<Feature<Geometry>>>>;
  #shownGrid: MapUpdate | null = null;
  #gridNumber = 0;
  #shownSite: SiteView | null = null;
  #shown = new Map<LayerName, unknown>();
  /** Until somebody moves the map, it keeps showing the whole site, whatever the window's size. */
  #untouched = true;

  constructor(target: HTMLElement, onAlert: (alertKey: number) => void) {
    this.#layers = {
      areas: layer(styles.areaStyle, true),
      perimeter: layer(styles.perimeterStyle),
      gates: layer(styles.gateStyle),
      beliefs: layer(styles.beliefStyle),
      route: layer(styles.routeStyle),
      trail: layer(styles.trailStyle),
      plan: layer(styles.planStyle),
      marks: layer(styles.markStyle),
      alerts: layer(styles.alertStyle),
      tracks: layer(styles.trackStyle),
      others: layer(styles.robotStyle),
      robots: layer(styles.robotStyle),
    };
    this.#map = new OlMap({
      target,
      layers: [this.#grid, ...Object.values(this.#layers)],
      view: new View({ projection: this.#projection, center: [0, 0], resolution: 0.2, minResolution: 0.005, maxResolution: 10 }),
      controls: [new ScaleLine({ units: "metric" })],
    });
    this.zones = new ZoneLayer(this.#map);
    this.#gridWorker.onmessage = ({ data }: MessageEvent<GridPainted>) => this.#placeGrid(data);
    this.#map.on("pointerdrag", () => {
      this.#untouched = false;
    });
    target.addEventListener("wheel", () => (this.#untouched = false), { passive: true });
    this.#map.on("change:size", () => {
      if (this.#untouched) this.showAll();
    });
    this.#map.on("click", ({ pixel }) => {
      if (this.zones.isDrawing) return;
      const key: unknown = this.#map.forEachFeatureAtPixel(pixel, (feature) => feature.get("alertKey"), {
        layerFilter: (each) => each === this.#layers.alerts,
        hitTolerance: 6,
      });
      if (typeof key === "number") onAlert(key);
    });
  }

  close(): void {
    this.zones.stop();
    this.#gridWorker.terminate();
    this.#map.setTarget(undefined);
    this.#map.dispose();
  }

  /** Show the robot's site, grid, route, tracks and pose. `lost`: the pose is old. */
  show(robot: Robot, alerts: readonly AlertView[], lost: boolean): void {
    this.#showSite(robot);
    this.#showGrid(robot.map);
    this.#renew("route", robot.route?.route_m, (points) => lines(points));
    this.#renew("plan", robot.route?.plan_m, (points) => lines(points));
    this.#renew("trail", robot.trail_m, (points) => lines(points));
    this.#renew("tracks", robot.telemetry?.tracks, (tracks) => (lost ? [] : tracks.filter(({ label }) => !THINGS.has(label)).flatMap(trackFeatures)));
    this.#renew("beliefs", shownBeliefs(robot, lost), (beliefs) => beliefs.flatMap(beliefFeatures));
    this.#renew("alerts", alerts, (each) => each.filter((alert) => alert.state !== "dismissed").flatMap(alertFeatures));
    this.#renew("robots", `${robot.telemetry?.stamp_ns} ${lost}`, () => robotFeatures(robot, lost));
  }

  /** Show where the other robots are, whose sites are taken to have the same datum. */
  showOthers(others: readonly Robot[], nowMs: number): void {
    const here = others.filter((each) => each.site?.site_id === this.#shownSite?.site_id);
    this.#fill("others", here.flatMap((each) => robotFeatures(each, isLost(each, nowMs))));
  }

  /** Turn the view to the whole site, or to everything drawn where there is no site. */
  showAll(): void {
    const extent: Extent = createEmpty();
    for (const each of Object.values(this.#layers)) extend(extent, each.getSource()?.getExtent() ?? createEmpty());
    if (isEmpty(extent)) return;
    const room = [extent[0]! - MARGIN_M, extent[1]! - MARGIN_M, extent[2]! + MARGIN_M, extent[3]! + MARGIN_M];
    this.#untouched = true;
    this.#map.getView().fit(room, { padding: [56, 16, 40, 16] });
  }

  centreOn(position: Position, options: { closer?: boolean } = {}): void {
    this.#untouched = false;
    const view = this.#map.getView();
    const resolution = view.getResolution() ?? 0.2;
    view.animate({ center: position, resolution: options.closer ? Math.min(resolution, 0.06) : resolution, duration: 180 });
  }

  zoom(factor: number): void {
    this.#untouched = false;
    const view = this.#map.getView();
    view.animate({ resolution: (view.getResolution() ?? 0.2) / factor, duration: 150 });
  }

  #showSite(robot: Robot): void {
    const marksKey = `${robot.outcomes.length} ${robot.telemetry?.progress?.waypoint_id}`;
    const site = robot.site;
    if (site) this.#renew("marks", `${site.site_id} ${marksKey}`, () => markFeatures(site, robot));
    if (site === this.#shownSite) return;
    this.#shownSite = site;
    this.#fill("areas", site ? site.areas.map((area) => feature(new Polygon(area.rings_m), { ...area })) : []);
    this.#fill("perimeter", site ? [feature(new Polygon(site.perimeter_m), {})] : []);
    this.#fill("gates", site ? site.gates.map((gate) => feature(new LineString(gate.line_m), { name: gate.name })) : []);
    this.showAll();
  }

  #showGrid(map: MapUpdate | null): void {
    if (map === this.#shownGrid) return;
    this.#shownGrid = map;
    if (!map) {
      this.#grid.setSource(null);
      return;
    }
    this.#gridNumber += 1;
    const wanted: GridWanted = { number: this.#gridNumber, pngBase64: map.png_base64 };
    this.#gridWorker.postMessage(wanted);
  }

  #placeGrid({ number, picture }: GridPainted): void {
    const map = this.#shownGrid;
    if (!map || number !== this.#gridNumber) return;
    const [x, y] = map.origin_m;
    const extent = [x, y, x + map.width * map.resolution_m, y + map.height * map.resolution_m];
    const loader = () => Promise.resolve({ image: picture, extent, resolution: map.resolution_m, pixelRatio: 1 });
    this.#grid.setSource(new ImageSource({ loader, projection: this.#projection, interpolate: false }));
  }

  #renew<T>(name: LayerName, data: T | undefined, features: (data: T) => Feature<Geometry>[]): void {
    if (this.#shown.has(name) && this.#shown.get(name) === data) return;
    this.#shown.set(name, data);
    this.#fill(name, data === undefined ? [] : features(data));
  }

  #fill(name: LayerName, features: Feature<Geometry>[]): void {
    const source = this.#layers[name].getSource();
    source?.clear(true);
    source?.addFeatures(features);
  }
}

function layer(style: StyleLike, declutter = false): VectorLayer<VectorSource<Feature<Geometry>>> {
  return new VectorLayer({ source: new VectorSource<Feature<Geometry>>(), style, declutter, updateWhileInteracting: true, updateWhileAnimating: true });
}

function feature(geometry: Geometry, properties: Record<string, unknown>): Feature<Geometry> {
  const made = new Feature<Geometry>(geometry);
  made.setProperties(properties, true);
  return made;
}

function lines(points: readonly Position[]): Feature<Geometry>[] {
  return points.length > 1 ? [feature(new LineString([...points]), {})] : [];
}

function markFeatures(site: SiteView, robot: Robot): Feature<Geometry>[] {
  const lap = robot.outcomes[robot.outcomes.length - 1]?.lap;
  const became = new Map(robot.outcomes.filter((each) => each.lap === lap).map((each) => [each.waypoint_id, each.outcome]));
  return site.marks.map((mark) =>
    feature(new Point([mark.pose.x_m, mark.pose.y_m]), {
      kind: mark.kind,
      name: mark.name,
      yawRad: mark.pose.yaw_rad - Math.PI / 2,
      outcome: became.get(mark.mark_id),
      current: robot.telemetry?.progress?.waypoint_id === mark.mark_id,
    }),
  );
}

const NOBODY: readonly WireBelief[] = [];

/** Beliefs are sent about once a second; old ones are of no use to anybody. */
function shownBeliefs(robot: Robot, lost: boolean): readonly WireBelief[] {
  const now = robot.telemetry?.stamp_ns;
  if (lost || !robot.beliefs || now === undefined || (now - robot.beliefs.stamp_ns) / 1e9 > BELIEF_KEPT_S) return NOBODY;
  return robot.beliefs.beliefs;
}

function beliefFeatures(belief: WireBelief): Feature<Geometry>[] {
  const spots = beliefSpots(belief.cells, belief.cell_m);
  const places = spots.map(({ outline, strength }) => feature(new Polygon([outline]), { label: belief.label, strength }));
  const likeliest = belief.cells[0];
  if (!likeliest) return places;
  const text = `${belief.label} ${belief.track_id}, out of sight ${Math.round(belief.age_s)} s`;
  return [...places, feature(new Point([likeliest[0], likeliest[1]]), { label: belief.label, text })];
}

function trackFeatures(track: WireTrack): Feature<Geometry>[] {
  if (!track.position_m) return [];
  const properties = { label: track.label, trackId: track.track_id, state: track.state };
  const [x, y] = track.position_m;
  const features = [feature(new Point([x, y]), properties)];
  if (track.covariance_m2) {
    features.unshift(feature(new Polygon([ellipse([x, y], track.covariance_m2, SIGMAS)]), properties));
  }
  if (track.velocity_mps && Math.hypot(...track.velocity_mps) > 0.1) {
    const ahead: Position = [x + track.velocity_mps[0] * VELOCITY_AHEAD_S, y + track.velocity_mps[1] * VELOCITY_AHEAD_S];
    features.push(feature(new LineString([[x, y], ahead]), { ...properties, kind: "velocity" }));
  }
  return features;
}

/** An alert's mark; under it, where its place is uncertain, where it may be: for a sound a long ellipse in its direction. */
function alertFeatures(alert: AlertView): Feature<Geometry>[] {
  const properties = { alertKey: alert.alert_key, state: alert.state };
  const mark = feature(new Point([...alert.position_m]), properties);
  if (!alert.position_uncertain) return [mark];
  return [feature(new Polygon([ellipse([...alert.position_m], alert.covariance_m2, SIGMAS)]), properties), mark];
}

function robotFeatures(robot: Robot, lost: boolean): Feature<Geometry>[] {
  const telemetry = robot.telemetry;
  if (!telemetry?.pose) return [];
  const here: Position = [telemetry.pose.x_m, telemetry.pose.y_m];
  const variance = Math.max(telemetry.position_std_m, SMALLEST_DOUBT_M) ** 2;
  return [
    feature(new Polygon([ellipse(here, [variance, 0, variance], SIGMAS)]), { kind: "doubt" }),
    feature(new Point(here), { kind: "robot", name: robot.name, yawRad: telemetry.pose.yaw_rad, lost }),
  ];
}
