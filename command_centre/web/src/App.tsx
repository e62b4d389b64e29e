// SPDX-License-Identifier: Apache-2.0
import { useCallback, useState } from "preact/hooks";
import { bannerText } from "./banner";
import type { AlertView } from "./generated/wire";
import { MapPanel } from "./map/MapPanel";
import { AlertsPanel } from "./panels/AlertsPanel";
import { Controls } from "./panels/Controls";
import { FleetPanel } from "./panels/FleetPanel";
import { MissionPanel } from "./panels/MissionPanel";
import { PasswordDialog } from "./panels/PasswordDialog";
import { RecordDialog } from "./panels/RecordDialog";
import { SignIn } from "./panels/SignIn";
import { TopBar } from "./panels/TopBar";
import { type Robot, type State, isLost, selectedRobot } from "./state";
import { store, useNow, useStore } from "./store";
import { VideoPanel } from "./video/VideoPanel";

export function App() {
  const state = useStore();
  if (state.phase === "starting") return <main class="starting">Connecting to the command centre …</main>;
  if (state.phase === "signed out") return <SignIn notice={state.notice} />;
  return <ControlRoom state={state} />;
}

function ControlRoom({ state }: { state: State }) {
  const [choosing, setChoosing] = useState(false);
  const [reading, setReading] = useState(false);
  const [selected, setSelected] = useState<number | null>(null);
  const [focus, setFocus] = useState<AlertView | null>(null);
  const now = useNow(500);
  const robot = selectedRobot(state);
  const select = useCallback((alert: AlertView | null) => {
    setSelected(alert?.alert_key ?? null);
    setFocus(alert);
  }, []);
  const selectOnMap = useCallback((key: number) => {
    setSelected(key);
    setFocus(store.state.alerts.find((alert) => alert.alert_key === key) ?? null);
  }, []);
  const mine = state.alerts.filter((alert) => alert.robot_id === robot?.robot_id);
  const lost = !state.connected || isLost(robot, now);
  return (
    <div class="room">
      <TopBar state={state} robot={robot} onPassword={() => setChoosing(true)} onRecord={() => setReading(true)} />
      <Banner state={state} robot={robot} now={now} />
      {robot ? (
        <main class="deck">
          <MapPanel
            robot={robot}
            others={state.robots.filter((each) => each !== robot)}
            now={now}
            alerts={mine}
            lost={lost}
            focus={focus}
            zonesOrder={state.commands.find((command) => command.kind === "zones" && command.robot_id === robot.robot_id)}
            mayOrder={state.who?.role === "operator"}
            onAlert={selectOnMap}
          />
          <div class="side">
            {state.robots.length > 1 && <FleetPanel state={state} robot={robot} now={now} />}
            <VideoPanel robot={robot} />
            <MissionPanel robot={robot} lost={lost} />
            <Controls state={state} robot={robot} />
            <AlertsPanel alerts={mine} mayAct={state.who?.role === "operator"} selected={selected} onSelect={select} />
          </div>
        </main>
      ) : (
        <main class="starting">No robot has been admitted to this command centre.</main>
      )}
      {choosing && <PasswordDialog oneTime={state.who?.one_time ?? false} onClose={() => setChoosing(false)} />}
      {reading && <RecordDialog onClose={() => setReading(false)} />}
    </div>
  );
}

/** Says across the screen that what is shown is not live any more. */
function Banner({ state, robot, now }: { state: State; robot: Robot | null; now: number }) {
  const text = bannerText(state, robot, now);
  return (
    <div class={text ? "banner shown" : "banner"} role="alert" data-testid="banner">
      {text}
    </div>
  );
}
