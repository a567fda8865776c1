/** What the window asks of whatever holds the connections, and what it is told. Nothing here knows how. */
import type {
  Checkup,
  ClientId,
  CompareWish,
  Discovery,
  ExportFormat,
  Failure,
  Found,
  Handout,
  Hits,
  InviteId,
  LinkQuestion,
  MemberId,
  Moderation,
  Page,
  PageAt,
  PictureFormat,
  Place,
  Role,
  RoomId,
  RoomSettings,
  Target,
  Update,
} from "../generated/protocol";

/** What a platform has. The window shows nothing that is missing. */
export interface Capabilities {
  /** Whether rooms can be hosted from here. */
  readonly hosting: boolean;
  /** Whether rooms nearby can be found from here. */
  readonly nearby: boolean;
}

/** Every call rejects with a {@link Failure} and nothing else. */
export interface Transport {
  readonly capabilities: Capabilities;
  /** One snapshot, then changes, until the returned function is called. */
  subscribe(onUpdate: (update: Update) => void): Promise<() => void>;
  /** Told once, after the first frame is on the screen. */
  painted(): Promise<void>;
  setName(name: string): Promise<void>;
  /** Without a passcode a new room gets one of generated words. */
  hostRoom(name: string, settings: RoomSettings, passcode: string | null): Promise<RoomId>;
  /** Four words that nobody has used. */
  suggestPasscode(): Promise<string>;
  stopHosting(room: RoomId): Promise<void>;
  resumeHosting(room: RoomId): Promise<void>;
  lookUp(text: string): Promise<Found>;
  join(address: string, room: RoomId, name: string): Promise<void>;
  /** The list of rooms nearby came into view, or left it: the network is asked only while somebody looks. */
  lookNearby(active: boolean): Promise<void>;
  /** Kept over restarts. */
  setDiscovery(discovery: Discovery): Promise<void>;
  /** Tries the addresses of the own network one after the other; `view.nearby.scan` tells how far it is. */
  scan(): Promise<void>;
  stopScan(): Promise<void>;
  /** Joins a room of `view.nearby` at whichever of its addresses proves to be it. */
  joinNearby(room: RoomId): Promise<void>;
  /** Looks why rooms are not found; takes up to 15 s. */
  checkUp(): Promise<Checkup>;
  /** An invite link in every form that can be handed out. Asks nobody. */
  handOut(link: string): Promise<Handout>;
  /** Writes a link's QR code to a file, and tells where. */
  saveQr(link: string, format: PictureFormat): Promise<string>;
  /** Puts a link's QR code into the clipboard as a picture. */
  copyQr(link: string): Promise<void>;
  /** What an invite link says. Asks nobody. */
  readLink(text: string): Promise<LinkQuestion>;
  joinLink(link: string): Promise<RoomId>;
  /** The answer to {@link LinkState} `passcode`. */
  passcode(room: RoomId, text: string): Promise<void>;
  /** With `keep`, this computer keeps its copy of what was said. */
  leave(room: RoomId, keep: boolean): Promise<void>;
  redial(room: RoomId): Promise<void>;
  send(room: RoomId, text: string): Promise<void>;
  retry(room: RoomId, id: ClientId): Promise<void>;
  /** False when it is on its way or was sent already. */
  discard(room: RoomId, id: ClientId): Promise<boolean>;
  typing(room: RoomId, active: boolean): Promise<void>;
  /** Reads a part of the history that is on this computer. */
  page(room: RoomId, at: PageAt): Promise<Page>;
  /** Everything up to this place was seen. */
  read(room: RoomId, place: Place): Promise<void>;
  /** This place and all after it count as unread. */
  unreadFrom(room: RoomId, place: Place): Promise<void>;
  saveDraft(room: RoomId, text: string): Promise<void>;
  /** Keeps what the window wants kept of its own. */
  setPrefs(prefs: string): Promise<void>;
  /** Searches one room, or all with null; `before` is what the last answer gave for older hits. */
  search(room: RoomId | null, query: string, before: number | null): Promise<Hits>;
  /** Writes a room's history to a file, and tells where. */
  exportRoom(room: RoomId, format: ExportFormat): Promise<string>;
  setSettings(room: RoomId, settings: RoomSettings): Promise<void>;
  moderate(room: RoomId, member: MemberId, action: Moderation): Promise<void>;
  setRole(room: RoomId, member: MemberId, role: Role): Promise<void>;
  deleteMessage(room: RoomId, target: Target): Promise<void>;
  setPasscode(room: RoomId, text: string): Promise<void>;
  /** Gives the link; `uses` and `seconds` with null have no end. */
  makeInvite(
    room: RoomId,
    role: Role,
    uses: number | null,
    seconds: number | null,
  ): Promise<string>;
  /** The link of an invite that was made before; with null, one that only leads there. */
  inviteLink(room: RoomId, invite: InviteId | null): Promise<string>;
  revokeInvite(room: RoomId, invite: InviteId): Promise<void>;
  answerKnock(room: RoomId, member: MemberId, admit: boolean): Promise<void>;
  compare(room: RoomId, wish: CompareWish): Promise<void>;
  /** Has the system open a link of a message. */
  openLink(href: string): Promise<void>;
  /** Writes this installation's identity to a file, and tells where. */
  exportIdentity(passphrase: string): Promise<string>;
  /** Takes over the identity in a file's text, and starts the app again. */
  importIdentity(text: string, passphrase: string): Promise<void>;
  restart(): Promise<void>;
  /** Takes a room off the list, and deletes what this computer kept of it. */
  forgetRecent(room: RoomId): Promise<void>;
  copyText(text: string): Promise<void>;
  quit(): Promise<void>;
  /** The answer to `quit_asked` that is not `quit`. */
  stay(): Promise<void>;
}

/** Whatever was thrown, as a failure: a defect on the way is `internal`, with what it said for the log. */
export function asFailure(thrown: unknown): Failure {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown)
    return thrown as Failure;
  return { code: "internal", message: String(thrown) };
}
