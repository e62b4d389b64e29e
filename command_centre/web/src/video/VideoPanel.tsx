// SPDX-License-Identifier: Apache-2.0
/** The live picture. Never a silent black tile: whatever keeps the picture away is written on it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Robot } from "../state";
import { videoAddress } from "../service";
import { useNow } from "../store";
import { Choice } from "./choice";
import { drawOverlay } from "./overlay";
import { Player } from "./player";
import type { Carrier } from "./transport";
import { veilOf } from "./veil";
import { WebRtcTransport } from "./webrtc";
import { WebSocketTransport } from "./websocket";

/** What one tile learns about the network serves the next one. */
const CHOICE = new Choice({ webrtc: WebRtcTransport.isSupported, websocket: WebSocketTransport.isSupported });

export function VideoPanel({ robot }: { robot: Robot }) {
  const streams = robot.video.length ? robot.video.map((each) => each.stream) : ["camera"];
  const [wanted, setWanted] = useState("camera");
  const stream = streams.includes(wanted) ? wanted : (streams[0] ?? "camera");
  return (
    <section class="panel video-panel" aria-label="Live video">
      <header class="panel-head">
        <h2>Live video</h2>
        <div class="tabs" role="tablist" aria-label="Camera">
          {streams.map((each) => (
            <button
              key={each}
              type="button"
              role="tab"
              aria-selected={each === stream}
              class={each === stream ? "tab on" : "tab"}
              onClick={() => setWanted(each)}
            >
              {each}
            </button>
          ))}
        </div>
      </header>
      <Picture key={`${robot.robot_id}/${stream}`} robot={robot} stream={stream} />
    </section>
  );
}

function Picture({ robot, stream }: { robot: Robot; stream: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const [shownAt, setShownAt] = useState<number | null>(null);
  const [carrier, setCarrier] = useState<Carrier>("webrtc");
  const [isPainted, setPainted] = useState(false);
  const [caption, setCaption] = useState("");
  const [trouble, setTrouble] = useState("");
  const now = useNow(250);

  useEffect(() => {
    const [player, painted] = [video.current, canvas.current];
    if (!player || !painted) return undefined;
    const playing = new Player(
      (by, events) =>
        by === "webrtc"
          ? new WebRtcTransport(player, painted, { robot_id: robot.robot_id, stream }, events)
          : new WebSocketTransport(painted, videoAddress(robot.robot_id, stream), events),
      CHOICE,
      {
        onPicture(picture, by) {
          if (overlay.current) drawOverlay(overlay.current, picture);
          setCarrier(by);
          setPainted(picture.surface === painted);
          setShownAt(performance.now());
          setCaption(picture.metadata?.caption ?? "");
          setTrouble("");
        },
        onTrouble: setTrouble,
      },
    );
    window.addEventListener("pagehide", playing.close);
    return () => {
      window.removeEventListener("pagehide", playing.close);
      playing.close();
    };
  }, [robot.robot_id, stream]);

  const ageS = shownAt === null ? null : Math.max(0, now - shownAt) / 1000;
  const state = robot.video.find((each) => each.stream === stream);
  const veil = veilOf({ robot, state, ageS, trouble });
  return (
    <div class={veil?.grey ? "picture stale" : "picture"} data-testid="video-tile" data-state={veil?.kind ?? "live"} data-carrier={carrier}
      data-surface={isPainted ? "canvas" : "video"}>
      <video
        ref={video}
        data-testid="video"
        muted
        playsInline
        autoPlay
        aria-label={`Camera ${stream} of ${robot.name}`}
        aria-hidden={isPainted}
      />
      <canvas
        ref={canvas}
        class={isPainted ? "painted" : "painted unused"}
        data-testid="painted-video"
        role="img"
        aria-label={`Camera ${stream} of ${robot.name}`}
        aria-hidden={!isPainted}
      />
      <canvas ref={overlay} class="overlay" aria-hidden="true" />
      {!veil && <span class="live-mark">LIVE</span>}
      {!veil && caption && <p class="caption">{caption}</p>}
      {veil && (
        <div class={`veil ${veil.kind}`} role="status" data-testid="video-veil">
          <strong>{veil.title}</strong>
          {veil.detail && <span>{veil.detail}</span>}
        </div>
      )}
    </div>
  );
}
