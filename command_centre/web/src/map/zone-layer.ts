// SPDX-License-Identifier: Apache-2.0
/** Run-time zones on the map, and the pen that draws a new one. */
import Feature from "ol/Feature";
import type OlMap from "ol/Map";
import type Geometry from "ol/geom/Geometry";
import Point from "ol/geom/Point";
import Polygon from "ol/geom/Polygon";
import DoubleClickZoom from "ol/interaction/DoubleClickZoom";
import Draw from "ol/interaction/Draw";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { type Drawn, asks } from "../zones";
import type { Position } from "./shapes";
import { penStyle, zoneStyle } from "./styles";

export class ZoneLayer {
  readonly layer = new VectorLayer({ source: new VectorSource<Feature<Geometry>>(), style: zoneStyle });
  readonly #map: OlMap;
  #pen: Draw | null = null;
  #shown = "";

  constructor(map: OlMap) {
    this.#map = map;
    map.addLayer(this.layer);
  }

  show(zones: readonly Drawn[]): void {
    const text = JSON.stringify(zones);
    if (text === this.#shown) return;
    this.#shown = text;
    const source = this.layer.getSource();
    source?.clear(true);
    source?.addFeatures(zones.flatMap(zoneFeatures));
  }

  get isDrawing(): boolean {
    return this.#pen !== null;
  }

  /** Hand out the pen: clicks set corners, a double click or Enter ends the outline, Escape puts the pen away. */
  draw(done: (corners: Position[] | null) => void): void {
    this.stop();
    const pen = new Draw({ type: "Polygon", style: penStyle });
    this.#pen = pen;
    this.#zoomsOnDoubleClick(false);
    this.#map.addInteraction(pen);
    const finish = (corners: Position[] | null): void => {
      this.stop();
      done(corners);
    };
    pen.on("drawend", ({ feature }) => {
      const ring = (feature.getGeometry() as Polygon).getCoordinates()[0] ?? [];
      setTimeout(() => finish(ring.slice(0, -1) as Position[]));
    });
    this.#onKey = (event) => {
      if (event.key === "Enter") pen.finishDrawing();
      else if (event.key === "Escape" && !event.shiftKey) finish(null);
    };
    window.addEventListener("keydown", this.#onKey);
  }

  /** Put the pen away. */
  stop(): void {
    if (!this.#pen) return;
    this.#map.removeInteraction(this.#pen);
    this.#pen = null;
    window.removeEventListener("keydown", this.#onKey);
    this.#zoomsOnDoubleClick(true);
  }

  #onKey: (event: KeyboardEvent) => void = () => undefined;

  #zoomsOnDoubleClick(active: boolean): void {
    for (const each of this.#map.getInteractions().getArray()) if (each instanceof DoubleClickZoom) each.setActive(active);
  }
}

function zoneFeatures({ zone, state }: Drawn): Feature<Geometry>[] {
  const outline = new Polygon([[...zone.corners_m, zone.corners_m[0]!]]);
  const properties = { kind: zone.kind, state, name: zone.zone_id, asks: asks(zone) };
  const features: Feature<Geometry>[] = [new Feature({ geometry: outline, ...properties })];
  if (zone.heading_rad !== null) {
    features.push(new Feature({ geometry: outline.getInteriorPoint() as Point, ...properties, yawRad: zone.heading_rad }));
  }
  return features;
}
