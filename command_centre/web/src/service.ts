// SPDX-License-Identifier: Apache-2.0
/** What the page asks of the service. Every refusal becomes a `Refused` with the sentence that the person reads. */
import type { AlertView, AuditEntry, AuditVerdictView, CommandKind, CommandView, Problem, VideoAnswer, VideoOffer, WhoView, WireZone, ZonesView } from "./generated/wire";

export class Refused extends Error {
  constructor(
    readonly status: number,
    because: string,
  ) {
    super(because);
  }
}

export const signIn = (username: string, password: string): Promise<WhoView> =>
  ask("POST", "/api/sign-in", { username, password });

export const signOut = (): Promise<void> => ask("POST", "/api/sign-out");

export const me = (): Promise<WhoView | null> => ask("GET", "/api/me");

export const choosePassword = (current: string, password: string): Promise<void> =>
  ask("POST", "/api/password", { current, password });

/** The newest entries of the audit log, newest first; `before` pages on. */
export const auditEntries = (before: number | null): Promise<AuditEntry[]> =>
  ask("GET", before === null ? "/api/audit" : `/api/audit?before=${before}`);

export const auditVerdict = (): Promise<AuditVerdictView> => ask("GET", "/api/audit/verdict");

export const giveCommand = (robotId: string, kind: CommandKind, missionId = ""): Promise<CommandView> =>
  ask("POST", `/api/robots/${encodeURIComponent(robotId)}/commands`, { kind, mission_id: missionId });

export const zonesOf = (robotId: string): Promise<ZonesView | null> => ask("GET", `/api/robots/${encodeURIComponent(robotId)}/zones`);

export const orderZones = (robotId: string, zones: WireZone[]): Promise<ZonesView> =>
  ask("PUT", `/api/robots/${encodeURIComponent(robotId)}/zones`, { zones });

export const settleAlert = (alertKey: number, how: "acknowledge" | "dismiss", note = ""): Promise<AlertView> =>
  ask("POST", `/api/alerts/${alertKey}/${how}`, { note });

export const offerVideo = (offer: VideoOffer): Promise<VideoAnswer> => ask("POST", "/api/webrtc/offer", offer);

export const pictureAddress = (alertKey: number): string => `/api/alerts/${alertKey}/picture`;

/** The address of a WebSocket of the service. */
export const socketAddress = (path: string): string =>
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;

export const videoAddress = (robotId: string, stream: string): string =>
  socketAddress(`/api/video/${encodeURIComponent(robotId)}/${encodeURIComponent(stream)}`);

async function ask<T>(method: "GET" | "POST" | "PUT", path: string, body?: object): Promise<T> {
  const init: RequestInit = { method, signal: AbortSignal.timeout(10_000) };
  if (body) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Refused(0, "The command centre can not be reached.");
  }
  if (!response.ok) throw new Refused(response.status, await reason(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function reason(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  return problem?.because ?? `The command centre refused it (${response.status}).`;
}
