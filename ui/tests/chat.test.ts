/** ChatState.apply against each change of the contract: the mirror of View::apply and RoomView::apply. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  type Change,
  type Item,
  LIMITS,
  type Me,
  type MemberView,
  type Pending,
  type Place,
  type RoomChange,
  type RoomView,
} from "../src/generated/protocol";
import { ChatState, type Room } from "../src/state/chat.svelte";
import { Reading } from "../src/state/reading.svelte";
import { door, message as pendingOf, present, rules } from "../src/transport/cast";

const me: Me = {
  member: "me",
  tag: "aaaa",
  name: "Ada",
  suggested_name: "ada",
  version: "1",
  fingerprint: "aaaa bbbb",
  kept: "file",
};
const member = (id: string, more: Partial<MemberView> = {}): MemberView => ({
  ...present({ member: id, name: id }),
  tag: "tttt",
  ...more,
});
const view = (room: string, more: Partial<RoomView> = {}): RoomView => ({
  room,
  name: room,
  address: "a:1",
  hosting: null,
  link: { state: "online" },
  settings: null,
  members: [],
  items: [],
  older: false,
  filling: false,
  read: null,
  unread: 0,
  draft: "",
  outbox: [],
  typing: [],
  security: { fingerprint: "aaaa", verified: "no", offered: null },
  door: null,
  compare: null,
  slow_until: null,
  ...more,
});
const recent = {
  room: "x",
  name: "X",
  address: "a",
  joined_at: 1,
  kept: true,
  fingerprint: "cccc",
  verified: "no",
} as const;
let seq = 0;
const message = (author: string, id = `id${seq}`): Item => ({
  item: "event",
  log: 1,
  event: { kind: "message", seq: ++seq, at: 1, author, name: author, id, text: "x" },
  proof: "author",
  rich: null,
});

const pending = (id: string, state: "queued" | "sending"): Pending => ({
  ...pendingOf(id, id),
  at: 1,
  state: { state },
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
      prefs: "",
      recovered: null,
      nearby: { search: "off", rooms: [], scan: null },
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
        recents: [recent],
        prefs: "{}",
        recovered: "anew",
        nearby: { search: "off", rooms: [], scan: null },
      },
    });
    expect(chat).toMatchObject({ prefs: "{}", recovered: "anew" });
    expect(chat.me?.name).toBeNull();
    expect(chat.rooms.map(({ room }) => room)).toEqual(["s"]);
    expect(chat.recents).toHaveLength(1);
  });
  test("me and recents", () => {
    tell(
      { change: "me", me: { ...me, name: "Bea" } },
      { change: "recents", recents: [recent] },
      { change: "prefs", prefs: '{"theme":"dark"}' },
    );
    expect(chat.me?.name).toBe("Bea");
    expect(chat.recents[0]?.room).toBe("x");
    expect(chat.prefs).toBe('{"theme":"dark"}');
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
  test("each link that is opened is a new question, one that leads nowhere as well", () => {
    tell({ change: "link_asked", question: null });
    const first = chat.linkAsked;
    tell({ change: "link_asked", question: null });
    expect(first).toEqual({ question: null });
    expect(chat.linkAsked).not.toBe(first);
  });
});

describe("a room", () => {
  test("name and hosting", () => {
    change({ what: "name", name: "Renamed" });
    const hosting = {
      running: true,
      port: 4470,
      other_port: false,
      addresses: [],
      trouble: null,
      recovered: null,
    };
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
      pending: pending("p1", "queued"),
    });
    change({
      what: "pending",
      pending: pending("p2", "queued"),
    });
    change({
      what: "pending",
      pending: pending("p1", "sending"),
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
  test("another event than a message leaves the outbox as well, and ends no typing", () => {
    const target = { author: "x", id: "y" };
    change({ what: "pending", pending: pending("p1", "queued") });
    const edited = { kind: "edited", seq: ++seq, at: 1, author: "ben", name: "ben" } as const;
    change({
      what: "items",
      items: [
        {
          item: "event",
          log: 1,
          event: { ...edited, id: "p1", target, text: "z" },
          proof: "author",
          rich: null,
        },
      ],
    });
    expect(room().outbox).toEqual([]);
    expect(room().typing).toEqual(["ben"]);
  });
  test("at most so many items are kept, and then there are older ones", () => {
    change({
      what: "items",
      items: Array.from({ length: LIMITS.viewItems }, () => message("ben")),
    });
    expect(room()).toMatchObject({ older: false });
    const third = room().items[2];
    change({ what: "items", items: [message("ben"), message("ben")] });
    expect(room().items).toHaveLength(LIMITS.viewItems);
    expect(room().items[0]).toBe(third);
    expect(room()).toMatchObject({ older: true, newest: { log: 1, seq } });
  });
  test("rules, drafts, and how far it was read", () => {
    const settings = rules({ keep: "nothing" });
    change({ what: "settings", settings });
    change({ what: "draft", text: "hm" });
    change({ what: "read", read: { log: 1, seq: 7 }, unread: 3 });
    expect(room()).toMatchObject({ settings, draft: "hm", read: { log: 1, seq: 7 }, unread: 3 });
  });
  test("how safe it is, its door, a comparison, and a pause", () => {
    const security = { fingerprint: "bbbb", verified: "compared", offered: null } as const;
    const compare = { member: "ben", name: "Ben", stage: { stage: "asked" } } as const;
    change({ what: "security", security });
    change({ what: "door", door: door({ wrong: 2 }) });
    change({ what: "compare", compare });
    change({ what: "slow", until: 9 });
    expect(room()).toMatchObject({ security, compare, door: { wrong: 2 }, slowUntil: 9 });
    change({ what: "compare", compare: null });
    change({ what: "slow", until: null });
    expect(room()).toMatchObject({ compare: null, slowUntil: null });
  });
  test("the door is nobody's to keep over a connection that is gone", () => {
    change({ what: "door", door: door() });
    change({ what: "link", link: { state: "online" } });
    expect(room().door).not.toBeNull();
    change({ what: "link", link: { state: "knocking" } });
    expect(room().door).toBeNull();
  });
  test("older history that came in is never forgotten again", () => {
    change({ what: "filled", older: true, filling: true });
    expect(room()).toMatchObject({ older: true, filling: true });
    change({ what: "filled", older: false, filling: false });
    expect(room()).toMatchObject({ older: true, filling: false });
  });
  test("what is left after a cut is all there is", () => {
    change({ what: "items", items: [message("ben"), message("ben"), message("ben")] });
    const left = room().items.slice(2);
    change({ what: "cut", items: [...left], older: false });
    expect(room()).toMatchObject({ items: left, older: false, cuts: 0 });
    change({ what: "cut", items: [...left], older: true });
    expect(room()).toMatchObject({ items: left, older: true, cuts: 1 });
  });
});

describe("reading", () => {
  const calls: (readonly [string, Place])[] = [];
  let answer: () => Promise<void>;
  beforeEach(() => {
    calls.length = 0;
    answer = async () => {};
  });
  const reads = () =>
    new Reading({
      read: (_, place) => {
        calls.push(["read", place]);
        return answer();
      },
      unreadFrom: async (_, place) => {
        calls.push(["unreadFrom", place]);
      },
    });
  /** A message of somebody else comes in, and the other side counts it. */
  const says = (unread: number) => {
    change({ what: "items", items: [message("ben")] });
    change({ what: "read", read: room().read, unread });
  };
  const here = () => ({ log: 1, seq });

  test("the count is the other side's, until everything was seen here", async () => {
    const reading = reads();
    says(1);
    says(2);
    expect(reading.unread(room())).toBe(2);
    reading.see(room(), 1_000);
    expect(reading.unread(room())).toBe(0);
    expect(calls).toEqual([["read", here()]]);
    await new Promise((turn) => setTimeout(turn));
    change({ what: "read", read: here(), unread: 0 });
    reading.see(room(), 1_000);
    expect(calls).toHaveLength(1);
  });
  test("one call at a time, and the newest place wins", async () => {
    const reading = reads();
    let done = () => {};
    answer = () => new Promise((resolve) => (done = resolve));
    for (let n = 1; n <= 4; n++) {
      says(n);
      reading.see(room(), n);
    }
    const last = here();
    expect(calls).toHaveLength(1);
    done();
    await new Promise((turn) => setTimeout(turn));
    expect(calls.slice(1)).toEqual([["read", last]]);
  });
  test("a call that fails is made again with the next message", async () => {
    const reading = reads();
    answer = () => Promise.reject(new Error("disk"));
    says(1);
    reading.see(room(), 1);
    await new Promise((turn) => setTimeout(turn));
    says(2);
    reading.see(room(), 2);
    expect(calls).toHaveLength(2);
  });
  test("the line stands where reading stopped, and stays while that is read", () => {
    const reading = reads();
    change({ what: "items", items: [message("ben")] });
    const read = here();
    change({ what: "read", read, unread: 0 });
    says(1);
    reading.open(room());
    expect(reading.lineOf(room())).toEqual(read);
    reading.see(room(), 1_000);
    expect(reading.lineOf(room())).toEqual(read);
  });
  test("a line that was seen goes with the next message, a fresh one stays", () => {
    const reading = reads();
    change({ what: "read", read: { log: 1, seq: 0 }, unread: 0 });
    says(1);
    reading.open(room());
    reading.see(room(), 1_000);
    says(1);
    reading.see(room(), 2_000);
    expect(reading.lineOf(room())).not.toBeNull();
    says(1);
    reading.see(room(), 60_000);
    expect(reading.lineOf(room())).toBeNull();
  });
  test("while nobody looks, the line freezes at the first message missed", () => {
    const reading = reads();
    says(1);
    reading.see(room(), 1);
    const seen = here();
    says(1);
    reading.miss(room());
    says(2);
    reading.miss(room());
    expect(reading.lineOf(room())).toEqual(seen);
    expect(reading.unread(room())).toBe(2);
  });
  test("marked unread by hand it stays so, even in view, until somebody comes back", async () => {
    const reading = reads();
    says(1);
    const first = here();
    says(2);
    reading.see(room(), 1);
    await reading.markUnread(room(), first);
    expect(calls.at(-1)).toEqual(["unreadFrom", first]);
    change({ what: "read", read: { log: 1, seq: first.seq - 1 }, unread: 2 });
    reading.see(room(), 2);
    expect(reading.unread(room())).toBe(2);
    expect(reading.lineOf(room())).toEqual({ log: 1, seq: first.seq - 1 });
    expect(calls.filter(([call]) => call === "read")).toHaveLength(1);
    reading.open(room());
    reading.see(room(), 3);
    expect(calls.filter(([call]) => call === "read")).toHaveLength(2);
  });
  test("a room that is left and joined again starts with what the other side knows", () => {
    const reading = reads();
    says(1);
    reading.see(room(), 1);
    tell(
      { change: "room_left", room: "r" },
      { change: "room_opened", room: view("r", { items: [message("ben")], unread: 5 }) },
    );
    expect(reading.unread(room())).toBe(5);
  });
});
