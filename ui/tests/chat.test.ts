/** ChatState.apply against each change of the contract: the mirror of View::apply and RoomView::apply. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Change,
  type Item,
  LIMITS,
  type Me,
  type MemberView,
  type RoomChange,
  type RoomView,
} from "../src/generated/protocol";
import { ChatState, type Room } from "../src/state/chat.svelte";
import { Reading } from "../src/state/reading.svelte";

const me: Me = { member: "me", tag: "aaaa", name: "Ada", suggested_name: "ada", version: "1" };
const member = (id: string, more: Partial<MemberView> = {}): MemberView => ({
  member: id,
  name: id,
  tag: "tttt",
  host: false,
  presence: "online",
  ...more,
});
const view = (room: string, more: Partial<RoomView> = {}): RoomView => ({
  room,
  name: room,
  address: "a:1",
  hosting: null,
  link: { state: "online" },
  members: [],
  items: [],
  outbox: [],
  typing: [],
  ...more,
});
let seq = 0;
const message = (author: string, id = `id${seq}`): Item => ({
  item: "event",
  epoch: "e",
  event: { kind: "message", seq: ++seq, at: 1, author, name: author, id, text: "x" },
});

let chat: ChatState;
const tell = (...changes: Change[]) => chat.apply({ update: "changes", changes });
const change = (what: RoomChange, room = "r") => tell({ change: "room", room, ...what });
const room = (): Room => {
  const found = chat.room("r");
  if (!found) throw new Error("room r is open in every test");
  return found;
};

beforeEach(() => {
  chat = new ChatState();
  chat.apply({
    update: "snapshot",
    view: {
      me,
      rooms: [view("r", { members: [member("me"), member("ben")], typing: ["ben"] })],
      recents: [],
    },
  });
});

describe("the window's view", () => {
  test("a snapshot replaces everything", () => {
    chat.apply({
      update: "snapshot",
      view: {
        me: { ...me, name: null },
        rooms: [view("s")],
        recents: [{ room: "x", name: "X", address: "a", joined_at: 1 }],
      },
    });
    expect(chat.me?.name).toBeNull();
    expect(chat.rooms.map(({ room }) => room)).toEqual(["s"]);
    expect(chat.recents).toHaveLength(1);
  });
  test("me and recents", () => {
    tell(
      { change: "me", me: { ...me, name: "Bea" } },
      { change: "recents", recents: [{ room: "x", name: "X", address: "a", joined_at: 1 }] },
    );
    expect(chat.me?.name).toBe("Bea");
    expect(chat.recents[0]?.room).toBe("x");
  });
  test("a room that is opened again replaces the old one and stands last", () => {
    tell(
      { change: "room_opened", room: view("s") },
      { change: "room_opened", room: view("r", { name: "new" }) },
    );
    expect(chat.rooms.map(({ name }) => name)).toEqual(["s", "new"]);
  });
  test("a room that is left is gone, and what is still said of it is ignored", () => {
    tell(
      { change: "room_left", room: "r" },
      { change: "room", room: "r", what: "name", name: "late" },
    );
    expect(chat.rooms).toHaveLength(0);
  });
  test("each question whether to quit is a new one", () => {
    tell({ change: "quit_asked", others: 3 });
    const first = chat.quitAsked;
    tell({ change: "quit_asked", others: 3 });
    expect(first).toEqual({ others: 3 });
    expect(chat.quitAsked).not.toBe(first);
  });
});

describe("a room", () => {
  test("name and hosting", () => {
    change({ what: "name", name: "Renamed" });
    const hosting = { running: true, port: 4470, other_port: false, addresses: [], trouble: null };
    change({ what: "hosting", hosting });
    expect(room()).toMatchObject({ name: "Renamed", hosting });
  });
  test("nobody types over a connection that is gone", () => {
    change({ what: "link", link: { state: "online" } });
    expect(room().typing).toEqual(["ben"]);
    change({ what: "link", link: { state: "waiting", trouble: "lost", retry_at: 5 } });
    expect(room().typing).toEqual([]);
    expect(room().link).toEqual({ state: "waiting", trouble: "lost", retry_at: 5 });
  });
  test("all members anew: nobody types", () => {
    change({ what: "members", members: [member("cleo")] });
    expect(room()).toMatchObject({ typing: [], members: [{ member: "cleo" }] });
  });
  test("a member comes, changes in place, and goes with its typing", () => {
    change({ what: "member", member: member("cleo") });
    change({ what: "member", member: member("ben", { presence: "away" }) });
    expect(room().members.map(({ member, presence }) => `${member} ${presence}`)).toEqual([
      "me online",
      "ben away",
      "cleo online",
    ]);
    change({ what: "member_gone", member: "ben" });
    expect(room().members.map(({ member }) => member)).toEqual(["me", "cleo"]);
    expect(room().typing).toEqual([]);
  });
  test("an own message leaves the outbox when its event arrives", () => {
    change({
      what: "pending",
      pending: { id: "p1", text: "1", at: 1, state: { state: "queued" } },
    });
    change({
      what: "pending",
      pending: { id: "p2", text: "2", at: 1, state: { state: "queued" } },
    });
    change({
      what: "pending",
      pending: { id: "p1", text: "1", at: 1, state: { state: "sending" } },
    });
    expect(room().outbox.map(({ id, state }) => `${id} ${state.state}`)).toEqual([
      "p1 sending",
      "p2 queued",
    ]);
    change({ what: "items", items: [message("me", "p1")] });
    expect(room().outbox.map(({ id }) => id)).toEqual(["p2"]);
    change({ what: "pending_gone", id: "p2" });
    expect(room().outbox).toEqual([]);
  });
  test("who has spoken types no more", () => {
    change({ what: "typing", member: "cleo", active: true });
    change({ what: "items", items: [message("ben")] });
    expect(room().typing).toEqual(["cleo"]);
    change({ what: "typing", member: "cleo", active: false });
    expect(room().typing).toEqual([]);
  });
  test("at most so many items are kept, and each keeps its running number", () => {
    change({
      what: "items",
      items: Array.from({ length: LIMITS.viewItems }, () => message("ben")),
    });
    const tenth = room().items[10];
    change({ what: "items", items: [message("ben"), message("ben")] });
    expect(room().items).toHaveLength(LIMITS.viewItems);
    expect(room().items[10 - room().base]).toBe(tenth);
    expect(room().end).toBe(LIMITS.viewItems + 2);
  });
});

describe("reading", () => {
  const reads = () => new Reading();
  test("what was there at opening counts as read; others' messages after it do not", () => {
    chat.apply({
      update: "snapshot",
      view: { me, rooms: [view("r", { items: [message("ben")] })], recents: [] },
    });
    const reading = reads();
    expect(reading.unread(room())).toBe(0);
    change({ what: "items", items: [message("ben"), message("me"), message("cleo")] });
    expect(reading.unread(room())).toBe(2);
  });
  test("seeing the end reads it; the line stays where reading stopped", () => {
    const reading = reads();
    change({ what: "items", items: [message("ben")] });
    reading.open(room());
    expect(reading.lineOf(room())).toBe(0);
    reading.see(room(), 1_000);
    expect(reading.unread(room())).toBe(0);
    expect(reading.lineOf(room())).toBe(0);
  });
  test("a line that was seen goes with the next message, a fresh one stays", () => {
    const reading = reads();
    change({ what: "items", items: [message("ben")] });
    reading.open(room());
    reading.see(room(), 1_000);
    change({ what: "items", items: [message("ben")] });
    reading.see(room(), 2_000);
    expect(reading.lineOf(room())).toBe(0);
    change({ what: "items", items: [message("ben")] });
    reading.see(room(), 60_000);
    expect(reading.lineOf(room())).toBeNull();
  });
  test("while nobody looks, the line freezes at the first message missed", () => {
    const reading = reads();
    change({ what: "items", items: [message("ben")] });
    reading.see(room(), 1);
    change({ what: "items", items: [message("ben")] });
    reading.miss(room());
    change({ what: "items", items: [message("ben")] });
    reading.miss(room());
    expect(reading.lineOf(room())).toBe(1);
    expect(reading.unread(room())).toBe(2);
  });
  test("a room that is left and joined again starts anew", () => {
    const reading = reads();
    change({ what: "items", items: [message("ben"), message("ben")] });
    reading.see(room(), 1);
    tell({ change: "room_left", room: "r" }, { change: "room_opened", room: view("r") });
    change({ what: "items", items: [message("ben")] });
    expect(reading.unread(room())).toBe(1);
  });
});
