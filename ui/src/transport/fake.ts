/** A transport with nobody behind it: plays one scene, and answers what is done in it as the real one would. */
import {
  type Body,
  type Change,
  type ExportFormat,
  type Failure,
  type FailureCode,
  type Found,
  type Hits,
  type Item,
  LIMITS,
  type Page,
  type PageAt,
  type Pending,
  type Place,
  type Retention,
  type RoomChange,
  type RoomId,
  type Update,
  type View,
} from "../generated/protocol";
import { comparePlaces, later, placeOf } from "../state/window";
import { endOf, hosted, message, opening } from "./cast";
import { Past } from "./past";
import { scenes } from "./scenes";
import type { Transport } from "./transport";

/** What a scene begins with and how the world around it answers. */
export interface Scene {
  readonly view: View;
  /** The room that is shown at first. */
  readonly place?: RoomId;
  /** What `lookUp` finds, or why it fails. */
  readonly found?: Found | FailureCode;
  /** The whole history of rooms that have more of it than the view shows. */
  readonly past?: Readonly<Record<RoomId, readonly Item[]>>;
  /** What happens by itself, once the snapshot is on the screen. */
  readonly soon?: readonly Change[];
  /** What goes on happening. */
  readonly ticks?: { readonly every: number; readonly change: (n: number) => Change };
  /** Nothing answers at all: not even the snapshot comes. */
  readonly silent?: boolean;
  readonly broken?: Failure;
}

/** How long the made-up host takes to answer: long enough to see every state. */
const ANSWER_MS = 250;

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The scene of that name, ready to be played, and the room that it shows. */
export function fakeOf(name: string): { transport: Transport; place: RoomId | null } {
  const scene = (scenes[name] ?? scenes["first-run"])?.();
  if (!scene) throw new Error("every scene is listed");
  return { transport: new Fake(scene), place: scene.place ?? null };
}

/** See the head of this file. */
export class Fake implements Transport {
  readonly capabilities = { hosting: true };
  /** Every call, for tests. */
  readonly calls: (readonly unknown[])[] = [];
  readonly #scene: Scene;
  #tell: (update: Update) => void = () => {};
  #made = 0;
  readonly past: Past;
  readonly #read = new Map<RoomId, Place | null>();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.past = new Past(scene.view, scene.past);
    for (const { room, read } of scene.view.rooms) this.#read.set(room, read);
  }

  /** Tells the window something, and how much is unread after it. */
  tell(...changes: Change[]): void {
    const told: Change[] = [];
    for (const change of changes) {
      told.push(change);
      if (change.change === "room_opened")
        this.past.open(change.room.room, change.room.name, change.room.items);
      if (change.change !== "room" || change.what !== "items") continue;
      this.past.append(change.room, change.items);
      told.push({ change: "room", room: change.room, ...this.#unread(change.room) });
    }
    this.#tell({ update: "changes", changes: told });
  }

  async subscribe(onUpdate: (update: Update) => void): Promise<() => void> {
    if (this.#scene.broken) throw this.#scene.broken;
    this.#tell = onUpdate;
    if (!this.#scene.silent) this.#tell({ update: "snapshot", view: this.#scene.view });
    if (this.#scene.soon)
      setTimeout((changes) => this.tell(...changes), ANSWER_MS, this.#scene.soon);
    const { ticks } = this.#scene;
    let n = 0;
    const timer = ticks && setInterval(() => this.tell(ticks.change(++n)), ticks.every);
    return () => {
      clearInterval(timer);
      this.#tell = () => {};
    };
  }

  async setName(name: string): Promise<void> {
    this.#call("setName", name);
    this.#refuseUnless(name.trim() !== "", "empty");
    this.#refuseUnless([...name].length <= 40, "too_long");
    this.tell({ change: "me", me: { ...this.#scene.view.me, name: name.trim() } });
  }

  async hostRoom(name: string, retention: Retention): Promise<RoomId> {
    this.#call("hostRoom", name, retention);
    await wait(ANSWER_MS);
    this.#refuseUnless(name.trim() !== "", "empty");
    const room = hosted(`made${++this.#made}`, name.trim(), this.#scene.view.me, retention);
    this.tell({ change: "room_opened", room });
    return room.room;
  }

  async stopHosting(room: RoomId): Promise<void> {
    this.#call("stopHosting", room);
    await this.#hosting(room, false);
  }

  async resumeHosting(room: RoomId): Promise<void> {
    this.#call("resumeHosting", room);
    await this.#hosting(room, true);
  }

  async lookUp(text: string): Promise<Found> {
    this.#call("lookUp", text);
    this.#refuseUnless(text.trim() !== "", "not_an_address");
    await wait(ANSWER_MS);
    const found = this.#scene.found ?? "nobody_answers";
    if (typeof found === "string")
      throw { code: found, message: "as the scene says" } satisfies Failure;
    return found;
  }

  async join(address: string, room: RoomId, name: string): Promise<void> {
    this.#call("join", address, room, name);
    this.tell({ change: "room_opened", room: opening(room, name, address) });
    setTimeout(() => this.#room(room, { what: "link", link: { state: "online" } }), 3 * ANSWER_MS);
  }

  async leave(room: RoomId, keep: boolean): Promise<void> {
    this.#call("leave", room, keep);
    const known = this.#scene.view.rooms.find((open) => open.room === room);
    this.tell({ change: "room_left", room });
    if (!known || known.hosting) return;
    const recent = { room, name: known.name, address: known.address, joined_at: Date.now() };
    this.tell({
      change: "recents",
      recents: [{ ...recent, kept: keep }, ...this.#scene.view.recents],
    });
  }

  async page(room: RoomId, at: PageAt): Promise<Page> {
    this.#call("page", room, at);
    return this.past.page(room, at);
  }

  async read(room: RoomId, place: Place): Promise<void> {
    this.#call("read", room, place);
    this.#read.set(room, later(this.#read.get(room) ?? null, place));
    this.#room(room, this.#unread(room));
  }

  async unreadFrom(room: RoomId, place: Place): Promise<void> {
    this.#call("unreadFrom", room, place);
    const before = this.past.items(room).filter((item) => {
      const other = placeOf(item);
      return other !== null && comparePlaces(other, place) < 0;
    });
    this.#read.set(room, endOf(before) ?? { log: 0, seq: 0 });
    this.#room(room, this.#unread(room));
  }

  async saveDraft(room: RoomId, text: string): Promise<void> {
    this.#call("saveDraft", room, text);
  }

  async setPrefs(prefs: string): Promise<void> {
    this.#call("setPrefs", prefs);
  }

  async search(room: RoomId | null, query: string, before: number | null): Promise<Hits> {
    this.#call("search", room, query, before);
    return this.past.search(room, query, before);
  }

  async exportRoom(room: RoomId, format: ExportFormat): Promise<string> {
    this.#call("exportRoom", room, format);
    await wait(ANSWER_MS);
    const name = this.#scene.view.rooms.find((open) => open.room === room)?.name ?? "room";
    return `/home/ada/Downloads/ChatSpot ${name} 2026-03-07.${format === "html" ? "html" : "jsonl"}`;
  }

  async setRetention(room: RoomId, retention: Retention): Promise<void> {
    this.#call("setRetention", room, retention);
    await wait(ANSWER_MS);
    const settings = { retention };
    this.#room(room, { what: "settings", settings });
    this.#commit(room, { kind: "settings", id: `set${++this.#made}`, settings });
  }

  async redial(room: RoomId): Promise<void> {
    this.#call("redial", room);
    this.#room(room, { what: "link", link: { state: "connecting" } });
    await wait(3 * ANSWER_MS);
    this.#room(room, { what: "link", link: { state: "online" } });
  }

  async send(room: RoomId, text: string): Promise<void> {
    this.#call("send", room, text);
    const pending: Pending = {
      ...message(`sent${++this.#made}`, text),
      at: Date.now(),
      state: { state: "sending" },
    };
    this.#room(room, { what: "pending", pending });
    setTimeout(() => this.#commit(room, pending.submission), ANSWER_MS);
  }

  async retry(room: RoomId, id: string): Promise<void> {
    this.#call("retry", room, id);
    const pending = this.#scene.view.rooms
      .find((open) => open.room === room)
      ?.outbox.find((sent) => sent.id === id);
    if (!pending) return;
    this.#room(room, { what: "pending", pending: { ...pending, state: { state: "sending" } } });
    setTimeout(() => this.#commit(room, pending.submission), 3 * ANSWER_MS);
  }

  async discard(room: RoomId, id: string): Promise<boolean> {
    this.#call("discard", room, id);
    this.#room(room, { what: "pending_gone", id });
    return true;
  }

  async typing(room: RoomId, active: boolean): Promise<void> {
    this.#call("typing", room, active);
  }

  async forgetRecent(room: RoomId): Promise<void> {
    this.#call("forgetRecent", room);
    this.tell({
      change: "recents",
      recents: this.#scene.view.recents.filter((recent) => recent.room !== room),
    });
  }

  async copyText(text: string): Promise<void> {
    this.#call("copyText", text);
  }

  async painted(): Promise<void> {
    this.#call("painted");
  }

  async quit(): Promise<void> {
    this.#call("quit");
  }

  async stay(): Promise<void> {
    this.#call("stay");
  }

  #call(...call: readonly unknown[]): void {
    this.calls.push(call);
  }

  #refuseUnless(good: boolean, code: FailureCode): void {
    if (!good) throw { code, message: "as the real one would" } satisfies Failure;
  }

  #room(room: RoomId, change: RoomChange): void {
    this.tell({ change: "room", room, ...change });
  }

  #unread(room: RoomId): RoomChange {
    const read = this.#read.get(room) ?? null;
    const unread = this.past.unread(room, read, this.#scene.view.me.member);
    return { what: "read", read, unread: Math.min(unread, LIMITS.unreadCounted) };
  }

  #commit(room: RoomId, body: Body): void {
    const { member, name } = this.#scene.view.me;
    const end = endOf(this.past.items(room)) ?? { log: 1, seq: 0 };
    const event = {
      seq: end.seq + 1,
      at: Date.now(),
      author: member,
      name: name ?? "",
      ...body,
    };
    this.#room(room, { what: "items", items: [{ item: "event", log: end.log, event }] });
  }

  async #hosting(room: RoomId, running: boolean): Promise<void> {
    const hosting = this.#scene.view.rooms.find((open) => open.room === room)?.hosting;
    if (!hosting) return;
    this.#room(room, { what: "hosting", hosting: { ...hosting, running } });
    this.#room(room, {
      what: "link",
      link: running ? { state: "online" } : { state: "closed", trouble: "stopped" },
    });
  }
}
