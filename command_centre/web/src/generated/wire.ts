// SPDX-License-Identifier: Apache-2.0 (made from wire.schema.json by: npm run wire)

export type CommandKind =
  "start" | "pause" | "resume" | "abort" | "dock" | "teleop" | "estop" | "estop_arm_reset" | "estop_reset";
export type Mode = "idle" | "patrolling" | "paused" | "held" | "docking" | "docked" | "teleop" | "estopped";
export type ToBrowser =
  | Snapshot
  | RobotChanged
  | LinkChanged
  | TelemetryChanged
  | MapChanged
  | RouteChanged
  | BeliefsChanged
  | VideoChanged
  | OutcomeAdded
  | AlertChanged
  | CommandChanged
  | Pulse;

/**
 * Made by command_centre/api/schema.py from the service's own models.
 */
export interface Wire {
  AlertAction?: AlertAction;
  AlertChanged?: AlertChanged;
  AlertNote?: AlertNote;
  AlertView?: AlertView;
  AuditEntry?: AuditEntry;
  AuditVerdictView?: AuditVerdictView;
  BeliefUpdate?: BeliefUpdate;
  BeliefsChanged?: BeliefsChanged;
  CommandChanged?: CommandChanged;
  CommandKind?: CommandKind;
  CommandRequest?: CommandRequest;
  CommandView?: CommandView;
  LinkChanged?: LinkChanged;
  LinkView?: LinkView;
  MapChanged?: MapChanged;
  MapUpdate?: MapUpdate;
  Mode?: Mode;
  NewPassword?: NewPassword;
  OutcomeAdded?: OutcomeAdded;
  OutcomeReported?: OutcomeReported;
  PictureBox?: PictureBox;
  PictureMetadata?: PictureMetadata;
  Problem?: Problem;
  Pulse?: Pulse;
  RobotChanged?: RobotChanged;
  RobotView?: RobotView;
  RouteChanged?: RouteChanged;
  RouteUpdate?: RouteUpdate;
  SignInRequest?: SignInRequest;
  SiteArea?: SiteArea;
  SiteGate?: SiteGate;
  SiteMark?: SiteMark;
  SiteView?: SiteView;
  Snapshot?: Snapshot;
  Telemetry?: Telemetry;
  TelemetryChanged?: TelemetryChanged;
  ToBrowser?: ToBrowser;
  VideoAnswer?: VideoAnswer;
  VideoChanged?: VideoChanged;
  VideoOffer?: VideoOffer;
  VideoState?: VideoState;
  WhoView?: WhoView;
  WireBelief?: WireBelief;
  WirePose?: WirePose;
  WireProgress?: WireProgress;
  WireReason?: WireReason;
  WireThreshold?: WireThreshold;
  WireTrack?: WireTrack;
  WireZone?: WireZone;
  WireZoneMass?: WireZoneMass;
  ZonesRequest?: ZonesRequest;
  ZonesView?: ZonesView;
}
export interface AlertAction {
  action: "acknowledged" | "dismissed";
  by: string;
  at_ns: number;
  note: string;
}
export interface AlertChanged {
  type: "alert";
  alert: AlertView;
}
/**
 * An alert and what became of it.
 */
export interface AlertView {
  alert_key: number;
  robot_id: string;
  alert_id: string;
  state: "new" | "acknowledged" | "dismissed";
  received_ns: number;
  stamp_ns: number;
  severity: string;
  reason: WireReason;
  zone_id: string;
  track_id: number;
  label: string;
  /**
   * @minItems 2
   * @maxItems 2
   */
  position_m: [number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  covariance_m2: [number, number, number];
  position_uncertain: boolean;
  has_picture: boolean;
  incident_id: string;
  path_m: [number, number][];
  actions: AlertAction[];
}
export interface WireReason {
  rule: string;
  sentence: string;
  thresholds: WireThreshold[];
  nearest_change: string;
}
export interface WireThreshold {
  name: string;
  measured: number;
  limit: number;
  holds_when: string;
}
export interface AlertNote {
  note?: string;
}
export interface AuditEntry {
  sequence: number;
  at_ns: number;
  actor: string;
  action: string;
  subject: string;
  detail: string;
  entry_hash: string;
}
export interface AuditVerdictView {
  intact: boolean;
  entries: number;
  first_broken: number | null;
  because: string;
}
/**
 * Everybody who is out of sight, about once a second; empty once nobody is any more.
 */
export interface BeliefUpdate {
  type: "beliefs";
  stamp_ns: number;
  /**
   * @maxItems 64
   */
  beliefs: WireBelief[];
}
/**
 * Where somebody out of sight may be: ``cells`` are x, y of the middle and probability of squares of ``cell_m``, the
 * likeliest first. ``contact`` 0..1 is how much of it the looks since then have left standing.
 */
export interface WireBelief {
  track_id: number;
  label: string;
  last_seen_ns: number;
  age_s: number;
  cell_m: number;
  /**
   * @maxItems 1000
   */
  cells: [number, number, number][];
  zones: WireZoneMass[];
  contact: number;
}
export interface WireZoneMass {
  zone_id: string;
  mass: number;
}
export interface BeliefsChanged {
  type: "beliefs";
  robot_id: string;
  beliefs: BeliefUpdate;
}
export interface CommandChanged {
  type: "command";
  command: CommandView;
}
export interface CommandView {
  command_id: string;
  robot_id: string;
  kind: string;
  mission_id: string;
  issued_by: string;
  issued_ns: number;
  state: "sent" | "accepted" | "refused" | "no answer";
  because: string;
}
export interface CommandRequest {
  kind: CommandKind;
  mission_id?: string;
}
export interface LinkChanged {
  type: "link";
  robot_id: string;
  link: LinkView;
}
/**
 * How the robot's link is: ``silent`` means connected without fresh telemetry. ``because`` says why it is not online.
 */
export interface LinkView {
  status: "online" | "silent" | "offline";
  because: string;
  /**
   * age of the newest telemetry when this was sent
   */
  telemetry_age_s: number | null;
}
export interface MapChanged {
  type: "map";
  robot_id: string;
  map: MapUpdate;
}
/**
 * The occupancy grid as a PNG (base64; a grey byte per cell: 255 free, 0 occupied, 128 unknown; top row: highest y).
 */
export interface MapUpdate {
  type: "map";
  stamp_ns: number;
  resolution_m: number;
  /**
   * @minItems 2
   * @maxItems 2
   */
  origin_m: [number, number];
  width: number;
  height: number;
  png_base64: string;
}
/**
 * ``current`` is the password that was chosen before; nobody is asked for a one-time password again.
 */
export interface NewPassword {
  current?: string;
  password: string;
}
export interface OutcomeAdded {
  type: "outcome";
  robot_id: string;
  outcome: OutcomeReported;
}
/**
 * What became of one waypoint.
 */
export interface OutcomeReported {
  type: "outcome";
  sequence: number;
  lap: number;
  leg: number;
  waypoint_id: string;
  outcome: string;
  because: string;
  started_ns: number;
  ended_ns: number;
}
/**
 * One track in this picture. ``box_px``: left, top, right, bottom in pixels of the coded picture.
 */
export interface PictureBox {
  track_id: number;
  label: string;
  /**
   * @minItems 4
   * @maxItems 4
   */
  box_px: [number, number, number, number];
  score: number;
  state: string;
}
/**
 * What travels with one picture: when it was taken (robot's clock), the boxes in it, and a caption for people.
 */
export interface PictureMetadata {
  stamp_ns: number;
  boxes: PictureBox[];
  caption: string;
}
/**
 * Every refusal has this shape.
 */
export interface Problem {
  because: string;
}
/**
 * Once a second, so that the page knows that the service lives even while no robot speaks.
 */
export interface Pulse {
  type: "pulse";
  now_ns: number;
}
/**
 * A robot said hello: everything about it anew.
 */
export interface RobotChanged {
  type: "robot";
  robot: RobotView;
}
/**
 * Everything the page shows of one robot.
 */
export interface RobotView {
  robot_id: string;
  name: string;
  link: LinkView;
  missions: string[];
  site: SiteView | null;
  site_fault: string;
  telemetry: Telemetry | null;
  map: MapUpdate | null;
  route: RouteUpdate | null;
  beliefs: BeliefUpdate | null;
  video: VideoState[];
  trail_m: [number, number][];
  outcomes: OutcomeReported[];
}
/**
 * The site in metres in map (x east, y north).
 */
export interface SiteView {
  site_id: string;
  name: string;
  perimeter_m: [number, number][][];
  areas: SiteArea[];
  gates: SiteGate[];
  marks: SiteMark[];
}
/**
 * A polygon of the site in map: its outer ring first, then holes.
 */
export interface SiteArea {
  area_id: string;
  kind: "building" | "zone" | "keep_out" | "slow" | "privacy" | "floor";
  name: string;
  purpose: string;
  rings_m: [number, number][][];
}
export interface SiteGate {
  gate_id: string;
  name: string;
  line_m: [number, number][];
}
export interface SiteMark {
  mark_id: string;
  kind: "dock" | "waypoint" | "camera";
  name: string;
  pose: WirePose;
}
export interface WirePose {
  x_m: number;
  y_m: number;
  yaw_rad: number;
}
/**
 * Five times a second. ``ages_s`` is the age of each sensor's newest data; ``fact`` lists what is wrong, in words.
 */
export interface Telemetry {
  type: "telemetry";
  stamp_ns: number;
  sent_ns: number;
  mode: string;
  why: string;
  pose: WirePose | null;
  position_std_m: number;
  doubt: string;
  speed_mps: number;
  commanded_mps: number;
  charge: number;
  progress: WireProgress | null;
  tracks: WireTrack[];
  ages_s: {
    [k: string]: number;
  };
  facts: string[];
}
export interface WireProgress {
  mission_id: string;
  lap: number;
  leg: number;
  legs: number;
  waypoint_id: string;
  fraction: number;
  time_left_s: number;
}
/**
 * One track on the map and in the picture (``box_px``: left, top, right, bottom).
 */
export interface WireTrack {
  track_id: number;
  label: string;
  state: string;
  score: number;
  position_m: [number, number] | null;
  velocity_mps: [number, number] | null;
  /**
   * xx, xy, yy
   */
  covariance_m2: [number, number, number] | null;
  box_px: [number, number, number, number] | null;
}
/**
 * The route of the mission, and the path planned to the next waypoint.
 */
export interface RouteUpdate {
  type: "route";
  stamp_ns: number;
  route_m: [number, number][];
  plan_m: [number, number][];
}
/**
 * Sent on every change: ``live``, ``covered`` (the anonymiser failed: picture hidden) or ``dead`` (no pictures come).
 */
export interface VideoState {
  type: "video_state";
  stream: string;
  state: "live" | "covered" | "dead";
  because: string;
  width_px: number;
  height_px: number;
}
export interface RouteChanged {
  type: "route";
  robot_id: string;
  route: RouteUpdate;
}
export interface SignInRequest {
  username: string;
  password: string;
}
export interface Snapshot {
  type: "snapshot";
  who: WhoView;
  now_ns: number;
  robots: RobotView[];
  alerts: AlertView[];
  commands: CommandView[];
}
/**
 * Who is signed in. ``one_time``: their password has been used up, and they should choose one.
 */
export interface WhoView {
  name: string;
  role: "viewer" | "operator";
  one_time: boolean;
}
export interface TelemetryChanged {
  type: "telemetry";
  robot_id: string;
  telemetry: Telemetry;
}
export interface VideoChanged {
  type: "video";
  robot_id: string;
  video: VideoState;
}
export interface VideoAnswer {
  sdp: string;
}
/**
 * A WebRTC offer with all of its candidates, for one stream of one robot.
 */
export interface VideoOffer {
  robot_id: string;
  stream?: string;
  sdp: string;
}
/**
 * A zone that holds until it is changed again; see ``patrol.zone_orders.RunTimeZone``.
 */
export interface WireZone {
  zone_id: string;
  kind: "keep out" | "slow" | "one way";
  /**
   * @minItems 3
   * @maxItems 200
   */
  corners_m: [[number, number], [number, number], [number, number], ...[number, number][]];
  limit_mps: number | null;
  heading_rad: number | null;
  when_inside: "leave" | "hold";
}
/**
 * All zones that shall hold on a robot from now on, besides those of its site file; none takes them all away.
 */
export interface ZonesRequest {
  /**
   * @maxItems 100
   */
  zones: WireZone[];
}
/**
 * The zones that were last ordered for a robot, and what it answered: ``accepted`` is its acknowledgement that they are in
 * force, and ``because`` then says what it does where it stands in one. ``in_force`` are those that it last acknowledged.
 */
export interface ZonesView {
  robot_id: string;
  revision: number;
  zones: WireZone[];
  issued_by: string;
  state: "sent" | "accepted" | "refused" | "no answer";
  because: string;
  in_force: WireZone[];
}
