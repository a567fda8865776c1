/** Who may come in, who is who, and what is safe, as the window shows and asks it. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type { LinkState, RoomView } from "../src/generated/protocol";
import { gateOf } from "../src/state/gate";
import { moderates } from "../src/state/rank";
import { linkIn } from "../src/state/trust";
import { choir, fingerprint, found, key, PASSCODE, rules } from "../src/transport/cast";
import { failure, trouble, trust } from "../src/words";
import { open, settle } from "./desk";

type Window = Awaited<ReturnType<typeof open>>;
const calls = ({ fake }: Window, name: string) =>
  fake.calls.filter(([call]) => call === name).map(([, ...args]) => args);
const click = async ({ screen }: Window, id: string, at = 0) => {
  await fireEvent.click(screen.getAllByTestId(id)[at] as Element);
  await settle();
};
const type = async ({ screen }: Window, id: string, value: string) => {
  await fireEvent.input(screen.getByTestId(id), { target: { value } });
  await settle();
};
const texts = ({ screen }: Window, id: string) =>
  screen.queryAllByTestId(id).map(({ textContent }) => textContent?.trim() ?? "");
const link = (here: Window, state: LinkState) =>
  here.tell({ change: "room", room: here.place, what: "link", link: state });

describe("hosting", () => {
  const hosting = async () => {
    const here = await open("start-empty");
    await click(here, "door-host");
    return here;
  };
  test("asks for a passcode of four words unless told otherwise, and other words at a click", async () => {
    const here = await hosting();
    const field = () => here.screen.getByTestId<HTMLInputElement>("passcode-field").value;
    expect(field()).toBe(PASSCODE);
    await click(here, "passcode-another");
    expect(field()).not.toBe(PASSCODE);
    await type(here, "passcode-field", "our own words");
    await click(here, "host-go");
    await waitFor(() =>
      expect(calls(here, "hostRoom")).toEqual([["Ada's room", rules(), "our own words"]]),
    );
  });
  test("in another way in, no passcode goes with it", async () => {
    const here = await hosting();
    await click(here, "admission-knock");
    expect(here.screen.queryByTestId("passcode-field")).toBeNull();
    await click(here, "host-go");
    const settings = rules(undefined, { admission: "knock" });
    await waitFor(() => expect(calls(here, "hostRoom")).toEqual([["Ada's room", settings, null]]));
  });
  test("a passcode that is too short is said so next to it, not to the name", async () => {
    const here = await hosting();
    await type(here, "passcode-field", "abc");
    await click(here, "host-go");
    await waitFor(() =>
      expect(texts(here, "passcode-error")[0]).toContain(failure("too_short").what),
    );
    expect(here.screen.queryByTestId("host-error")).toBeNull();
  });
});

describe("the door", () => {
  const atDoor = async (scene = "door") => {
    const here = await open(scene);
    await click(here, "room-menu");
    await click(here, "door");
    return here;
  };
  test("the header counts who waits, and opens it", async () => {
    const here = await open("knocks");
    expect(texts(here, "knocks-waiting")).toEqual(["2"]);
    await click(here, "knocks-waiting");
    await click(here, "knock-admit", 1);
    await click(here, "knock-refuse");
    expect(calls(here, "answerKnock")).toEqual([
      [here.place, key("long"), true],
      [here.place, key("Goran"), false],
    ]);
    expect(here.screen.queryByTestId("knocks-waiting")).toBeNull();
  });
  test("two changes in a row do not undo each other", async () => {
    const here = await atDoor();
    await click(here, "lock");
    await fireEvent.change(here.screen.getByTestId("slow"), { target: { value: "60" } });
    expect(calls(here, "setSettings").at(-1)).toEqual([
      here.place,
      rules(undefined, { locked: true, slow: 60 }),
    ]);
  });
  test("a moderator is told how people come in, and changes the rest", async () => {
    const here = await atDoor("door-moderator");
    expect(texts(here, "admission-told")[0]).toContain(trust.admissions.knock.name);
    expect(here.screen.queryByTestId("admission-open")).toBeNull();
    expect(here.screen.queryByTestId("passcode-change")).toBeNull();
    expect(here.screen.getByTestId("lock")).toBeTruthy();
  });
  test("an invite is made as chosen, its link shown, and revoked only after a question", async () => {
    const here = await atDoor();
    await fireEvent.change(here.screen.getByTestId("invite-role"), { target: { value: "guest" } });
    await fireEvent.change(here.screen.getByTestId("invite-uses"), { target: { value: "1" } });
    await fireEvent.change(here.screen.getByTestId("invite-life"), { target: { value: "" } });
    await click(here, "invite-make");
    await waitFor(() => expect(texts(here, "invite-link")[0]).toMatch(/^chatspot:\/\/join\//));
    expect(calls(here, "makeInvite")).toEqual([[here.place, "guest", 1, null]]);
    await click(here, "invite-revoke");
    expect(calls(here, "revokeInvite")).toEqual([]);
    await click(here, "confirm");
    expect(calls(here, "revokeInvite")).toEqual([[here.place, "i1"]]);
  });
  test("many wrong attempts are said to be more than typing errors", async () => {
    expect(texts(await atDoor(), "door-wrong")[0]).toBe(trust.door.manyWrong(41));
  });
  test("nobody else is shown one", async () => {
    const here = await open("unverified");
    await click(here, "room-menu");
    expect(here.screen.queryByTestId("door")).toBeNull();
  });
});

describe("coming in", () => {
  test("an invite is asked about before anything is sent", async () => {
    const here = await open("link-asked", { soon: [] });
    const question = {
      link: "chatspot://join/x",
      room: "linked",
      name: "Circle",
      fingerprint: "aaaa bbbb",
      addresses: ["h:1", "h:2"],
      invite: true,
      known: false,
    };
    await here.tell({ change: "link_asked", question });
    expect(texts(here, "link-fingerprint")).toEqual(["aaaa bbbb"]);
    expect(texts(here, "link-address")).toEqual(["h:1", "h:2"]);
    await click(here, "link-stay");
    expect(calls(here, "joinLink")).toEqual([]);
    expect(here.screen.queryByTestId("link-go")).toBeNull();
    await here.tell({ change: "link_asked", question });
    await click(here, "link-go");
    expect(calls(here, "joinLink")).toEqual([["chatspot://join/x"]]);
    await waitFor(() => expect(here.screen.queryByTestId("link-go")).toBeNull());
  });
  test("a damaged link is said to be one", async () => {
    const here = await open("link-damaged", { soon: [] });
    await here.tell({ change: "link_asked", question: null });
    expect(texts(here, "link-bad")[0]).toContain(failure("bad_link").what);
  });
  test.each([
    ["192.168.1.5", null],
    ["chatspot://join/abc", "chatspot://join/abc"],
    ["Join us:\n CHATSPOT://join/abc\nBye", "CHATSPOT://join/abc"],
  ])("an invite is found in %j", (text, expected) => expect(linkIn(text)).toBe(expected));
  test("an invite in the address field is read, not dialled", async () => {
    const here = await open("start-empty");
    await click(here, "door-join");
    await type(here, "join-address", "  chatspot://join/AQEAIJ2hYx0m5T9 ");
    await click(here, "join-go");
    expect(calls(here, "readLink")).toEqual([["chatspot://join/AQEAIJ2hYx0m5T9"]]);
    expect(calls(here, "lookUp")).toEqual([]);
    expect(here.screen.getByTestId("link-go")).toBeTruthy();
  });
  test("a wrong passcode is said to be one, and what was typed is still there, selected", async () => {
    const here = await open("passcode");
    await type(here, "passcode", "copper lantern");
    await click(here, "passcode-go");
    expect(calls(here, "passcode")).toEqual([[here.place, "copper lantern"]]);
    await waitFor(() => expect(texts(here, "passcode-wrong")).toHaveLength(1));
    const field = here.screen.getByTestId<HTMLInputElement>("passcode");
    expect(field.value).toBe("copper lantern");
    expect([field.selectionStart, field.selectionEnd]).toEqual([0, 14]);
    expect(document.activeElement).toBe(field);
  });
  test.each<[LinkState, string | undefined]>([
    [{ state: "closed", trouble: "locked" }, "again"],
    [{ state: "closed", trouble: "invite_needed" }, "invite"],
    [{ state: "closed", trouble: "bad_invite" }, "invite"],
    [{ state: "closed", trouble: "banned" }, "nothing"],
    [{ state: "closed", trouble: "host_closed" }, undefined],
    [{ state: "waiting", trouble: "slow_down", retry_at: 0 }, undefined],
  ])("what helps against %j", (state, next) => {
    const gate = gateOf(state);
    expect(gate?.gate === "refused" ? gate.next : undefined).toBe(next);
  });
  test("who was in the room reads on, and is told instead of writing", async () => {
    const here = await open("banned");
    expect(here.screen.getByTestId("gate").textContent).toContain(trouble("banned").what);
    expect(here.screen.queryByTestId("composer")).toBeNull();
    expect(here.screen.queryByTestId("redial")).toBeNull();
    expect(texts(here, "message")).not.toEqual([]);
    await link(here, { state: "online" });
    expect(here.screen.getByTestId("composer")).toBeTruthy();
  });
  test("whoever knocks can go away again", async () => {
    const here = await open("knocking");
    await click(here, "knock-cancel");
    expect(calls(here, "leave")).toEqual([[here.place, true]]);
  });
});

describe("f83 a changed key", () => {
  const buttons = (within: Element) => [...within.querySelectorAll("button")];
  test.each<[string, LinkState]>([
    ["closed", { state: "closed", trouble: "key_changed" }],
    ["waiting", { state: "waiting", trouble: "key_changed", retry_at: 0 }],
  ])("blocks the page with both fingerprints and no way on (%s)", async (_, state) => {
    const here = await open("key-changed");
    await link(here, state);
    expect(texts(here, "key-known")).toEqual([fingerprint("Choir practice")]);
    expect(texts(here, "key-offered")).toEqual([fingerprint("somebody else")]);
    for (const id of ["composer", "timeline", "redial"])
      expect(here.screen.queryByTestId(id)).toBeNull();
    for (const button of buttons(here.screen.getByTestId("gate"))) await fireEvent.click(button);
    const did = here.fake.calls.map(([call]) => call);
    expect(did.filter((call) => call !== "painted" && call !== "copyText")).not.toContain("redial");
    expect(did).not.toContain("join");
    expect(did).not.toContain("forgetRecent");
  });
  test("blocks joining by address as well", async () => {
    const known = { known: "key_changed", room: "old", fingerprint: "aaaa" } as const;
    const here = await open("start-empty", {
      found: { address: "h:1", rooms: [found("r", "R", 1, { known, fingerprint: "bbbb" })] },
    });
    await click(here, "door-join");
    await type(here, "join-address", "h:1");
    await click(here, "join-go");
    await waitFor(() => expect(texts(here, "key-known")).toEqual(["aaaa"]));
    expect(texts(here, "key-offered")).toEqual(["bbbb"]);
    for (const button of buttons(document.querySelector("dialog") as Element))
      await fireEvent.click(button);
    expect(calls(here, "join")).toEqual([]);
  });
  test("the old key is forgotten in the settings only, after a question", async () => {
    const here = await open("start-with-recents");
    await click(here, "settings");
    await click(here, "settings-rooms");
    expect(texts(here, "known-fingerprint")[0]).toBe(fingerprint("Print room"));
    await click(here, "known-forget");
    expect(calls(here, "forgetRecent")).toEqual([]);
    await click(here, "confirm");
    expect(calls(here, "forgetRecent")).toEqual([[key("print")]]);
  });
});

describe("how safe a room is", () => {
  test.each([
    ["unverified", "no", trust.badge.unverified],
    ["room", "hosted", trust.badge.verified],
  ] as const)("%s: a word in the header, more behind it", async (scene, verified, word) => {
    const here = await open(scene);
    expect(texts(here, "security-badge")).toEqual([word]);
    await click(here, "security-badge");
    const state = here.screen.getByTestId("security-state");
    expect(state.textContent).toContain(trust.security.state[verified]);
    expect(here.screen.getByTestId("security-who").textContent).toContain(trust.security.reads);
    expect(Boolean(here.screen.queryByTestId("compare-host"))).toBe(verified === "no");
  });
  test("codes are asked for, shown, and answered", async () => {
    const here = await open("unverified");
    await click(here, "security-badge");
    await click(here, "compare-host");
    expect(calls(here, "compare")).toEqual([[here.place, { wish: "ask", member: key("Farah") }]]);
    const show = (compare: RoomView["compare"]) =>
      here.tell({ change: "room", room: here.place, what: "compare", compare });
    const who = { member: key("Farah"), name: "Farah" };
    const emoji = [..."🦊🍄⚓🎸⛺🚀"].map((picture, at) => ({ emoji: picture, name: `N${at}` }));
    await show({ ...who, stage: { stage: "codes", emoji, digits: "482 019 773" } });
    expect(texts(here, "compare-digits")).toEqual(["482 019 773"]);
    expect(texts(here, "compare-emoji")[0]).toMatch(/N0.*N5/);
    expect(document.body.textContent).toContain(trust.compare.lead);
    await click(here, "compare-match");
    await click(here, "compare-close");
    await show({ ...who, stage: { stage: "codes", emoji, digits: "1" } });
    await click(here, "compare-differ");
    await show({ ...who, stage: { stage: "broken" } });
    expect(texts(here, "compare-broken")[0]).toBe(trust.compare.brokenLead("Farah"));
    expect(calls(here, "compare").map(([, wish]) => (wish as { wish: string }).wish)).toEqual([
      "ask",
      "match",
      "stop",
      "differ",
    ]);
  });
  test("whoever asks takes no keys from under the fingers, from whatever room", async () => {
    const here = await open("room");
    const compare = { member: key("Farah"), name: "Farah", stage: { stage: "asked" } } as const;
    here.screen.getByTestId("composer").focus();
    await here.tell({ change: "room", room: choir().room, what: "compare", compare });
    expect(document.activeElement).toBe(here.screen.getByTestId("composer"));
    await click(here, "compare-accept");
    expect(calls(here, "compare")).toEqual([[choir().room, { wish: "accept" }]]);
    expect(here.ui.place).toBe(choir().room);
  });
});

describe("members", () => {
  const about = async (scene: string, name: string) => {
    const here = await open(scene);
    here.ui.dialog = { dialog: "member", room: here.place, member: key(name), name };
    await settle();
    return here;
  };
  const offered = ({ screen }: Window) =>
    ["mute", "unmute", "make-moderator", "make-member", "hand-over", "kick", "ban"].filter((id) =>
      screen.queryByTestId(id),
    );
  test.each([
    [
      "the owner about a moderator",
      "room",
      "Ben",
      ["mute", "make-member", "hand-over", "kick", "ban"],
    ],
    [
      "the owner about a member",
      "room",
      "Cleo",
      ["mute", "make-moderator", "hand-over", "kick", "ban"],
    ],
    ["the owner about the owner", "room", "Ada", []],
    ["a moderator about a moderator", "roles", "Ben", []],
    ["a moderator about the owner", "roles", "Farah", []],
    ["a moderator about a muted member", "roles", "Cleo", ["unmute", "kick", "ban"]],
    ["a moderator about somebody who is gone", "roles", "Zoe", ["ban"]],
    ["a member about anybody", "unverified", "Ben", []],
  ])("%s is offered what the rank allows", async (_, scene, name, expected) => {
    expect(offered(await about(scene, name))).toEqual(expected);
  });
  test("equals do not moderate each other", () => {
    expect(moderates("moderator", "moderator")).toBe(false);
    expect(moderates("moderator", "guest")).toBe(true);
    expect(moderates("member", "guest")).toBe(false);
  });
  test.each([
    ["ban", "moderate", "ban"],
    ["kick", "moderate", "kick"],
    ["hand-over", "setRole", "owner"],
  ])("%s is asked about first", async (id, call, what) => {
    const here = await about("room", "Cleo");
    await click(here, id);
    expect(calls(here, call)).toEqual([]);
    await click(here, "confirm");
    expect(calls(here, call)).toEqual([[here.place, key("Cleo"), what]]);
  });
  test("f38 a name that looks like another one's is marked, with that one's key tag", async () => {
    const here = await open("roles");
    const marks = texts(here, "looks-like");
    expect(marks).toHaveLength(1);
    expect(marks[0]).toMatch(/^Looks like Ada \(....\), but is somebody else$/);
  });
  test("roles, and who may only read, stand in words", async () => {
    const here = await open("roles");
    expect(texts(here, "member-facts")).toEqual([
      "Moderator",
      "Moderator",
      "muted",
      "Guest",
      "Guest, muted",
    ]);
  });
});
