/** A transport with nobody behind it: plays one scene, and answers what is done in it as the real one would. */
import {
  type Body,
  type Change,
  type CompareWish,
  type Comparison,
  type DoorView,
  type ExportFormat,
  type Failure,
  type Found,
  type Hits,
  type InviteId,
  LIMITS,
  type LinkQuestion,
  type MemberId,
  type Moderation,
  type Page,
  type PageAt,
  type Pending,
  type Place,
  type Role,
  type RoomChange,
  type RoomId,
  type RoomSettings,
  type RoomView,
  type Target,
  type Update,
} from "../generated/protocol";
import { comparePlaces, later, placeOf } from "../state/window";
import { door, endOf, fingerprint, hosted, message, opening, PASSCODE } from "./cast";
import { ANSWER_MS, FakeNearby, type Scene, wait } from "./fakeNearby";
import { Past } from "./past";
import { scenes } from "./scenes";
import type { Capabilities, Transport } from "./transport";

/** The scene of that name, ready to be played, and the room that it shows. */
export function fakeOf(name: string): { transport: Transport; place: RoomId | null } {
  const scene = (scenes[name] ?? scenes["first-run"])?.();
  if (!scene) throw new Error("every scene is listed");
  return { transport: new Fake(scene), place: scene.place ?? null };
}

export type { Scene } from "./fakeNearby";

/** See the head of this file. */
export class Fake extends FakeNearby implements Transport {
  readonly capabilities: Capabilities;
  #tell: (update: Update) => void = () => {};
  #made = 0;
  readonly past: Past;
  readonly #doors = new Map<RoomId, DoorView>();
  readonly #compares = new Map<RoomId, Comparison | null>();
  readonly #read = new Map<RoomId, Place | null>();

  constructor(scene: Scene) {
    super(scene);
    this.capabilities = scene.capabilities ?? { hosting: true, nearby: true };
    this.past = new Past(scene.view, scene.past);
    for (const { room, read, door } of scene.view.rooms) {
      this.#read.set(room, read);
      if (door) this.#doors.set(room, door);
    }
  }

  /** Tells the window something, and how much is unread after it. */
  tell(...changes: Change[]): void {
    const told: Change[] = [];
    for (const change of changes) {
      told.push(change);
      if (change.change === "nearby") this.around.take(change.nearby);
      if (change.change === "room_opened")
        this.past.open(change.room.room, change.room.name, change.room.items);
      if (change.change === "room" && change.what === "compare")
        this.#compares.set(change.room, change.compare);
      if (change.change !== "room" || change.what !== "items") continue;
      this.past.append(change.room, change.items);
      told.push({ change: "room", room: change.room, ...this.#unread(change.room) });
    }
    this.#tell({ update: "changes", changes: told });
  }

  async subscribe(onUpdate: (update: Update) => void): Promise<() => void> {
    if (this.scene.broken) throw this.scene.broken;
    this.#tell = onUpdate;
    if (!this.scene.silent) this.#tell({ update: "snapshot", view: this.scene.view });
    if (this.scene.soon) setTimeout((changes) => this.tell(...changes), ANSWER_MS, this.scene.soon);
    const { ticks } = this.scene;
    let n = 0;
    const timer = ticks && setInterval(() => this.tell(ticks.change(++n)), ticks.every);
    return () => {
      clearInterval(timer);
      this.#tell = () => {};
    };
  }

  async setName(name: string): Promise<void> {
    this.call("setName", name);
    this.refuseUnless(name.trim() !== "", "empty");
    this.refuseUnless([...name].length <= 40, "too_long");
    this.tell({ change: "me", me: { ...this.scene.view.me, name: name.trim() } });
  }

  async hostRoom(name: string, settings: RoomSettings, passcode: string | null): Promise<RoomId> {
    this.call("hostRoom", name, settings, passcode);
    await wait(ANSWER_MS);
    this.refuseUnless(name.trim() !== "", "empty");
    this.refuseUnless(passcode === null || passcode.trim().length >= 6, "too_short");
    const room = hosted(`made${++this.#made}`, name.trim(), this.scene.view.me, settings);
    room.door = door(passcode === null ? {} : { passcode: passcode as never });
    this.#doors.set(room.room, room.door);
    this.tell({ change: "room_opened", room });
    return room.room;
  }

  async stopHosting(room: RoomId): Promise<void> {
    this.call("stopHosting", room);
    await this.#hosting(room, false);
  }

  async resumeHosting(room: RoomId): Promise<void> {
    this.call("resumeHosting", room);
    await this.#hosting(room, true);
  }

  async lookUp(text: string): Promise<Found> {
    this.call("lookUp", text);
    this.refuseUnless(text.trim() !== "", "not_an_address");
    await wait(ANSWER_MS);
    const found = this.scene.found ?? "nobody_answers";
    if (typeof found === "string")
      throw { code: found, message: "as the scene says" } satisfies Failure;
    return found;
  }

  async join(address: string, room: RoomId, name: string): Promise<void> {
    this.call("join", address, room, name);
    this.tell({ change: "room_opened", room: opening(room, name, address) });
    setTimeout(() => this.#room(room, { what: "link", link: { state: "online" } }), 3 * ANSWER_MS);
  }

  async leave(room: RoomId, keep: boolean): Promise<void> {
    this.call("leave", room, keep);
    const known = this.scene.view.rooms.find((open) => open.room === room);
    this.tell({ change: "room_left", room });
    if (!known || known.hosting) return;
    const { name, address, security } = known;
    const recent = { room, name, address, joined_at: Date.now(), ...security };
    this.tell({
      change: "recents",
      recents: [{ ...recent, kept: keep }, ...this.scene.view.recents],
    });
  }

  async page(room: RoomId, at: PageAt): Promise<Page> {
    this.call("page", room, at);
    return this.past.page(room, at);
  }

  async read(room: RoomId, place: Place): Promise<void> {
    this.call("read", room, place);
    this.#read.set(room, later(this.#read.get(room) ?? null, place));
    this.#room(room, this.#unread(room));
  }

  async unreadFrom(room: RoomId, place: Place): Promise<void> {
    this.call("unreadFrom", room, place);
    const before = this.past.items(room).filter((item) => {
      const other = placeOf(item);
      return other !== null && comparePlaces(other, place) < 0;
    });
    this.#read.set(room, endOf(before) ?? { log: 0, seq: 0 });
    this.#room(room, this.#unread(room));
  }

  async saveDraft(room: RoomId, text: string): Promise<void> {
    this.call("saveDraft", room, text);
  }

  async setPrefs(prefs: string): Promise<void> {
    this.call("setPrefs", prefs);
  }

  async search(room: RoomId | null, query: string, before: number | null): Promise<Hits> {
    this.call("search", room, query, before);
    return this.past.search(room, query, before);
  }

  async exportRoom(room: RoomId, format: ExportFormat): Promise<string> {
    this.call("exportRoom", room, format);
    await wait(ANSWER_MS);
    const name = this.scene.view.rooms.find((open) => open.room === room)?.name ?? "room";
    return `/home/ada/Downloads/ChatSpot ${name} 2026-03-07.${format === "html" ? "html" : "jsonl"}`;
  }

  async setSettings(room: RoomId, settings: RoomSettings): Promise<void> {
    this.call("setSettings", room, settings);
    await wait(ANSWER_MS);
    this.#room(room, { what: "settings", settings });
    this.#commit(room, { kind: "settings", id: `set${++this.#made}`, settings });
  }

  async redial(room: RoomId): Promise<void> {
    this.call("redial", room);
    this.#room(room, { what: "link", link: { state: "connecting" } });
    await wait(3 * ANSWER_MS);
    this.#room(room, { what: "link", link: { state: "online" } });
  }

  async send(room: RoomId, text: string): Promise<void> {
    this.call("send", room, text);
    const pending: Pending = {
      ...message(`sent${++this.#made}`, text),
      at: Date.now(),
      state: { state: "sending" },
    };
    this.#room(room, { what: "pending", pending });
    setTimeout(() => this.#commit(room, pending.submission), ANSWER_MS);
  }

  async retry(room: RoomId, id: string): Promise<void> {
    this.call("retry", room, id);
    const pending = this.scene.view.rooms
      .find((open) => open.room === room)
      ?.outbox.find((sent) => sent.id === id);
    if (!pending) return;
    this.#room(room, { what: "pending", pending: { ...pending, state: { state: "sending" } } });
    setTimeout(() => this.#commit(room, pending.submission), 3 * ANSWER_MS);
  }

  async discard(room: RoomId, id: string): Promise<boolean> {
    this.call("discard", room, id);
    this.#room(room, { what: "pending_gone", id });
    return true;
  }

  async typing(room: RoomId, active: boolean): Promise<void> {
    this.call("typing", room, active);
  }

  async forgetRecent(room: RoomId): Promise<void> {
    this.call("forgetRecent", room);
    this.tell({
      change: "recents",
      recents: this.scene.view.recents.filter((recent) => recent.room !== room),
    });
  }

  async copyText(text: string): Promise<void> {
    this.call("copyText", text);
  }

  async suggestPasscode(): Promise<string> {
    this.call("suggestPasscode");
    return this.#made++ === 0 ? PASSCODE : `harbour-violet-ladder-${this.#made}`;
  }

  async passcode(room: RoomId, text: string): Promise<void> {
    this.call("passcode", room, text);
    this.#room(room, { what: "link", link: { state: "connecting" } });
    await wait(ANSWER_MS);
    const link =
      text === PASSCODE
        ? { state: "online" as const }
        : { state: "passcode" as const, wrong: true };
    this.#room(room, { what: "link", link });
  }

  async readLink(text: string): Promise<LinkQuestion> {
    this.call("readLink", text);
    this.refuseUnless(text.length > 24 && /chatspot:|key:/i.test(text), "bad_link");
    return {
      link: text,
      room: "linked",
      name: "Choir practice",
      fingerprint: fingerprint("linked"),
      addresses: ["192.168.1.23:4470", "choir.example.org"],
      invite: true,
      known: false,
    };
  }

  async joinLink(link: string): Promise<RoomId> {
    this.call("joinLink", link);
    await wait(ANSWER_MS);
    await this.join("192.168.1.23:4470", "linked", "Choir practice");
    return "linked";
  }

  async moderate(room: RoomId, member: MemberId, action: Moderation): Promise<void> {
    this.call("moderate", room, member, action);
    const known = this.#known(room)?.members.find((other) => other.member === member);
    this.#commit(room, { kind: "moderated", id: `mod${++this.#made}`, member, action });
    if (action === "unban")
      this.#door(room, (old) => ({
        banned: old.banned.filter((other) => other.member !== member),
      }));
    else if (action === "kick" || action === "ban")
      this.#room(room, { what: "member_gone", member });
    else if (known)
      this.#room(room, { what: "member", member: { ...known, muted: action === "mute" } });
  }

  async setRole(room: RoomId, member: MemberId, role: Role): Promise<void> {
    this.call("setRole", room, member, role);
    const known = this.#known(room)?.members.find((other) => other.member === member);
    this.#commit(room, { kind: "role", id: `role${++this.#made}`, member, role });
    if (known) this.#room(room, { what: "member", member: { ...known, role } });
  }

  async deleteMessage(room: RoomId, target: Target): Promise<void> {
    this.call("deleteMessage", room, target);
    this.#commit(room, { kind: "deleted", id: `del${++this.#made}`, target });
  }

  async setPasscode(room: RoomId, text: string): Promise<void> {
    this.call("setPasscode", room, text);
    await wait(ANSWER_MS);
    this.refuseUnless(text.trim().length >= 6, "too_short");
    this.#door(room, () => ({ passcode: text as never }));
  }

  async makeInvite(
    room: RoomId,
    role: Role,
    uses: number | null,
    seconds: number | null,
  ): Promise<string> {
    this.call("makeInvite", room, role, uses, seconds);
    await wait(ANSWER_MS);
    const id = `invite${++this.#made}`;
    const made = {
      id,
      token: id,
      role,
      made_by: this.scene.view.me.member,
      made_at: Date.now(),
      expires_at: seconds === null ? null : Date.now() + seconds * 1_000,
      uses_left: uses,
      used: 0,
    };
    this.#door(room, (old) => ({ invites: [...old.invites, made] }));
    return this.inviteLink(room, id);
  }

  async inviteLink(room: RoomId, invite: InviteId | null): Promise<string> {
    this.call("inviteLink", room, invite);
    return `chatspot://join/AQEAIJ2${invite ?? ""}hYx0m5T9kPq3vWz7RbLcD1eFgHuJ4sNoXtYiKa${"Qw8".repeat(24)}`;
  }

  async revokeInvite(room: RoomId, invite: InviteId): Promise<void> {
    this.call("revokeInvite", room, invite);
    this.#door(room, (old) => ({ invites: old.invites.filter(({ id }) => id !== invite) }));
  }

  async answerKnock(room: RoomId, member: MemberId, admit: boolean): Promise<void> {
    this.call("answerKnock", room, member, admit);
    this.#door(room, (old) => ({ knocks: old.knocks.filter((other) => other.member !== member) }));
  }

  async compare(room: RoomId, wish: CompareWish): Promise<void> {
    this.call("compare", room, wish);
    const before = this.#compares.get(room) ?? this.#known(room)?.compare;
    const asked = wish.wish === "ask" ? wish.member : before?.member;
    const member = this.#known(room)?.members.find((other) => other.member === asked);
    const stages = { ask: "waiting", accept: "waiting", match: "matched" } as const;
    const next =
      wish.wish === "differ" ? "broken" : wish.wish === "stop" ? null : stages[wish.wish];
    const compare: Comparison | null =
      next && member ? { member: member.member, name: member.name, stage: { stage: next } } : null;
    this.#room(room, { what: "compare", compare });
  }

  async openLink(href: string): Promise<void> {
    this.call("openLink", href);
    this.refuseUnless(/^(https?|mailto):/.test(href), "unsafe_link");
  }

  async exportIdentity(passphrase: string): Promise<string> {
    this.call("exportIdentity", passphrase);
    await wait(ANSWER_MS);
    return "/home/ada/Downloads/ChatSpot identity of Ada.txt";
  }

  async importIdentity(text: string, passphrase: string): Promise<void> {
    this.call("importIdentity", text, passphrase);
    await wait(ANSWER_MS);
    this.refuseUnless(text.startsWith("chatspot"), "not_an_identity");
    this.refuseUnless(passphrase !== "wrong", "wrong_passphrase");
  }

  async restart(): Promise<void> {
    this.call("restart");
  }

  async painted(): Promise<void> {
    this.call("painted");
  }

  async quit(): Promise<void> {
    this.call("quit");
  }

  async stay(): Promise<void> {
    this.call("stay");
  }

  #known(room: RoomId): RoomView | undefined {
    return this.scene.view.rooms.find((open) => open.room === room);
  }

  #door(room: RoomId, change: (old: DoorView) => Partial<DoorView>): void {
    const old = this.#doors.get(room);
    if (!old) return;
    const now = { ...old, ...change(old) };
    this.#doors.set(room, now);
    this.#room(room, { what: "door", door: now });
  }

  #room(room: RoomId, change: RoomChange): void {
    this.tell({ change: "room", room, ...change });
  }

  #unread(room: RoomId): RoomChange {
    const read = this.#read.get(room) ?? null;
    const unread = this.past.unread(room, read, this.scene.view.me.member);
    return { what: "read", read, unread: Math.min(unread, LIMITS.unreadCounted) };
  }

  #commit(room: RoomId, body: Body): void {
    const { member, name } = this.scene.view.me;
    const end = endOf(this.past.items(room)) ?? { log: 1, seq: 0 };
    const event = {
      seq: end.seq + 1,
      at: Date.now(),
      author: member,
      name: name ?? "",
      ...body,
    };
    const item = { item: "event", log: end.log, event, proof: "author", rich: null } as const;
    this.#room(room, { what: "items", items: [item] });
  }

  async #hosting(room: RoomId, running: boolean): Promise<void> {
    const hosting = this.scene.view.rooms.find((open) => open.room === room)?.hosting;
    if (!hosting) return;
    this.#room(room, { what: "hosting", hosting: { ...hosting, running } });
    this.#room(room, {
      what: "link",
      link: running ? { state: "online" } : { state: "closed", trouble: "stopped" },
    });
  }
}
