// SPDX-License-Identifier: Apache-2.0
/** The live picture. Never a silent black tile: whatever keeps the picture away is written on it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Robot } from "../state";
import { useNow } from "../store";
import { drawOverlay } from "./overlay";
import { Player } from "./player";
import { veilOf } from "./veil";

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
  const [shownAt, setShownAt] = useState<number | null>(null);
  const [caption, setCaption] = useState("");
  const [trouble, setTrouble] = useState("");
  const now = useNow(250);

  useEffect(() => {
    const player = video.current;
    if (!player) return undefined;
    const playing = new Player(player, robot.robot_id, stream, {
      onPicture(metadata) {
        if (canvas.current) drawOverlay(canvas.current, player, metadata);
        setShownAt(performance.now());
        setCaption(metadata?.caption ?? "");
        setTrouble("");
      },
      onTrouble: setTrouble,
    });
    return () => playing.close();
  }, [robot.robot_id, stream]);

  const ageS = shownAt === null ? null : Math.max(0, now - shownAt) / 1000;
  const state = robot.video.find((each) => each.stream === stream);
  const veil = veilOf({ robot, state, ageS, trouble });
  return (
    <div class={veil?.grey ? "picture stale" : "picture"} data-testid="video-tile" data-state={veil?.kind ?? "live"}>
      <video ref={video} data-testid="video" muted playsInline autoPlay aria-label={`Camera ${stream} of ${robot.name}`} />
      <canvas ref={canvas} class="overlay" aria-hidden="true" />
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
