// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import type { AlertView } from "../generated/wire";
import { pictureAddress, settleAlert } from "../service";
import { reduce } from "../state";
import { store } from "../store";
import { figure, nameAndUnit, timeOfDay } from "../words";

interface Props {
  alerts: readonly AlertView[];
  mayAct: boolean;
  selected: number | null;
  onSelect: (alert: AlertView | null) => void;
}

export function AlertsPanel({ alerts, mayAct, selected, onSelect }: Props) {
  const fresh = alerts.filter((alert) => alert.state === "new").length;
  return (
    <section class="panel alerts" aria-label="Alerts">
      <header class="panel-head">
        <h2>Alerts</h2>
        <span class={fresh ? "count fresh" : "count"} data-testid="alert-count" aria-live="polite">
          {fresh ? `${fresh} new` : "none new"}
        </span>
      </header>
      <ul class="alert-list" data-testid="alert-list">
        {alerts.length === 0 && <li class="empty">Nothing has been noticed.</li>}
        {alerts.map((alert) => (
          <AlertItem
            key={alert.alert_key}
            alert={alert}
            beside={sameIncident(alerts, alert)}
            mayAct={mayAct}
            open={alert.alert_key === selected || (selected === null && alert === alerts[0] && alert.state === "new")}
            onSelect={onSelect}
          />
        ))}
      </ul>
    </section>
  );
}

/** How many other alerts are about the same intruder of the same robot. */
function sameIncident(alerts: readonly AlertView[], alert: AlertView): number {
  if (!alert.incident_id) return 0;
  return alerts.filter((other) => other !== alert && other.robot_id === alert.robot_id && other.incident_id === alert.incident_id).length;
}

interface ItemProps {
  alert: AlertView;
  beside: number;
  mayAct: boolean;
  open: boolean;
  onSelect: (alert: AlertView | null) => void;
}

function AlertItem({ alert, beside, mayAct, open, onSelect }: ItemProps) {
  const [problem, setProblem] = useState("");
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) item.current?.scrollIntoView({ block: "nearest" });
  }, [open]);

  const settle = async (how: "acknowledge" | "dismiss"): Promise<void> => {
    try {
      const settled = await settleAlert(alert.alert_key, how);
      store.update((now) => reduce(now, { type: "alert", alert: settled }, performance.now(), Date.now()));
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const last = alert.actions[alert.actions.length - 1];
  return (
    <li ref={item} class={`alert ${alert.severity} ${alert.state.replace(" ", "-")}`} data-testid="alert-item" data-state={alert.state}>
      <div class="alert-main">
        {alert.has_picture && (
          <button type="button" class="thumb" aria-label="Show this alert on the map" onClick={() => onSelect(alert)}>
            <img src={pictureAddress(alert.alert_key)} alt={`What the camera saw: ${alert.label}`} loading="lazy" />
          </button>
        )}
        <div class="alert-text">
          <p class="alert-line">
            <span class="severity">{alert.severity}</span>
            <time>{timeOfDay(alert.received_ns)}</time>
            <span class="zone">{alert.zone_id}</span>
          </p>
          <p class="sentence" data-testid="alert-reason">
            {alert.reason.sentence}
          </p>
          <p class="place">
            {alert.label} {alert.track_id} at {alert.position_m[0].toFixed(1)}, {alert.position_m[1].toFixed(1)} m
            {beside > 0 && (
              <span class="incident" data-testid="alert-incident" data-incident={alert.incident_id}>
                {" "}
                · one incident with {beside} other alert{beside > 1 ? "s" : ""}
              </span>
            )}
            {alert.position_uncertain && <span class="warn"> · position uncertain</span>}
          </p>
        </div>
      </div>
      <div class="alert-foot">
        <button type="button" class="quiet" aria-expanded={open} onClick={() => onSelect(open ? null : alert)}>
          {open ? "Less" : "Why, and where"}
        </button>
        <span class="spacer" />
        {last && (
          <span class="done">
            {last.action} by {last.by}, {timeOfDay(last.at_ns)}
          </span>
        )}
        {alert.state === "new" && (
          <button
            type="button"
            class="primary small"
            data-testid="alert-ack"
            disabled={!mayAct}
            title={mayAct ? undefined : "Only an operator acknowledges alerts."}
            onClick={() => void settle("acknowledge")}
          >
            Acknowledge
          </button>
        )}
        {alert.state !== "dismissed" && (
          <button
            type="button"
            class="quiet"
            data-testid="alert-dismiss"
            disabled={!mayAct}
            title={mayAct ? undefined : "Only an operator dismisses alerts."}
            onClick={() => void settle("dismiss")}
          >
            Dismiss
          </button>
        )}
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {open && <Reason alert={alert} />}
    </li>
  );
}

function Reason({ alert }: { alert: AlertView }) {
  return (
    <div class="reason" data-testid="alert-detail">
      <table>
        <caption>Rule “{alert.reason.rule}”: every test that it made</caption>
        <thead>
          <tr>
            <th scope="col">Test</th>
            <th scope="col">Measured</th>
            <th scope="col">Limit</th>
          </tr>
        </thead>
        <tbody>
          {alert.reason.thresholds.map((threshold) => {
            const [name, unit] = nameAndUnit(threshold.name);
            return (
              <tr key={threshold.name}>
                <th scope="row">{name}</th>
                <td>
                  {figure(threshold.measured)} {unit}
                </td>
                <td>
                  {threshold.holds_when} {figure(threshold.limit)} {unit}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p class="nearest" data-testid="alert-nearest">
        <b>It would have stayed silent if</b> {alert.reason.nearest_change}
      </p>
    </div>
  );
}
