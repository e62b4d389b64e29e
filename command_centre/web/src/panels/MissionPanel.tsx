// SPDX-License-Identifier: Apache-2.0
import type { Robot } from "../state";
import { MODE_WORDS, duration, figure } from "../words";

export function MissionPanel({ robot, lost }: { robot: Robot; lost: boolean }) {
  const telemetry = robot.telemetry;
  const progress = telemetry?.progress ?? null;
  const mode = telemetry?.mode ?? "unknown";
  return (
    <section class={lost ? "panel mission lost" : "panel mission"} aria-label="Mission">
      <div class="mode-row">
        <span class={`mode mode-${mode}`} data-testid="mode" data-mode={mode}>
          {MODE_WORDS[mode] ?? "State unknown"}
        </span>
        <p class="why" data-testid="why">
          {telemetry?.why || "The robot has not told what it is doing."}
        </p>
      </div>
      <dl class="figures">
        <Figure name="Speed" testId="speed" value={telemetry ? figure(telemetry.speed_mps) : "–"} unit="m/s" raw={telemetry?.speed_mps} />
        <Figure
          name="Battery"
          testId="battery"
          value={telemetry ? `${Math.round(telemetry.charge * 100)}` : "–"}
          unit="%"
          warn={telemetry !== null && telemetry.charge < 0.25}
        />
        <Figure name="Lap" testId="lap" value={progress ? `${progress.lap + 1}` : "–"} />
        <Figure name="Leg" testId="leg" value={progress ? `${Math.min(progress.leg + 1, progress.legs)} / ${progress.legs}` : "–"} />
        <Figure name="Time left" testId="time-left" value={progress ? duration(progress.time_left_s) : "–"} />
      </dl>
      <progress
        class="progress"
        data-testid="progress"
        max={1}
        value={progress?.fraction ?? 0}
        aria-label="Share of the mission that is done"
      />
      {telemetry && telemetry.facts.length > 0 && (
        <ul class="facts" aria-label="What is wrong">
          {telemetry.facts.map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface FigureProps {
  name: string;
  testId: string;
  value: string;
  unit?: string;
  raw?: number | undefined;
  warn?: boolean;
}

function Figure({ name, testId, value, unit, raw, warn }: FigureProps) {
  return (
    <div class={warn ? "figure warn" : "figure"}>
      <dt>{name}</dt>
      <dd data-testid={testId} data-value={raw}>
        {value}
        {unit && <small> {unit}</small>}
      </dd>
    </div>
  );
}
