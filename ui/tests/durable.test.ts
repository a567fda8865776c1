/** What durable rooms bring to the window: history, unread messages, search, rules, leaving, files. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Item, PageAt, RoomView } from "../src/generated/protocol";
import { daysTyped, retentionOf } from "../src/state/retention";
import {
  ben,
  choir,
  key as keyOf,
  me,
  message,
  NOW,
  PASSCODE,
  rules,
  Story,
} from "../src/transport/cast";
import { failure, notKept, recovered, words } from "../src/words";
import { open, settle } from "./desk";

const key = (target: Element | Window, name: string, more: KeyboardEventInit = {}) =>
  fireEvent.keyDown(target, { key: name, ...more });
const said = (count: number): Item[] => {
  const story = new Story(NOW - 9_000_000);
  for (let at = 1; at <= count; at++) story.say(ben, `line ${at}`, 1_000);
  return story.items;
};
/** A timeline that is longer than the screen, scrolled to where a line stands; without it all would be in view. */
function longer(): void {
  vi.spyOn(HTMLElement.prototype, "scrollHeight", "get").mockReturnValue(10_000);
  vi.spyOn(HTMLElement.prototype, "offsetTop", "get").mockReturnValue(5_000);
}
afterEach(() => void vi.restoreAllMocks());

/** A joined room with this much history, of which the end is at hand. */
const openWith = (count: number, more: Partial<RoomView> = {}) => {
  const past = said(count);
  const room = choir({
    items: past.slice(-500),
    older: count > 500,
    read: { log: 1, seq: count },
    ...more,
  });
  return open("room", {
    view: {
      me,
      rooms: [room],
      recents: [],
      prefs: "",
      recovered: null,
      nearby: { search: "off", rooms: [], scan: null },
    },
    place: room.room,
    past: { [room.room]: past },
    soon: [],
  });
};
const choose = (window: Awaited<ReturnType<typeof open>>, entry: string) =>
  fireEvent
    .click(window.screen.getByTestId("room-menu"))
    .then(() => fireEvent.click(window.screen.getByTestId(entry)))
    .then(settle);
const calls = ({ fake }: Awaited<ReturnType<typeof open>>, name: string) =>
  fake.calls.filter(([call]) => call === name).map(([, ...args]) => args);
const texts = ({ screen }: Awaited<ReturnType<typeof open>>, id: string) =>
  screen.queryAllByTestId(id).map(({ textContent }) => textContent?.trim() ?? "");

describe("the room's history", () => {
  test("the room opens where reading stopped, further back than what is at hand", async () => {
    longer();
    const window = await openWith(700, { read: { log: 1, seq: 110 }, unread: 999 });
    await waitFor(() => expect(window.screen.getByTestId("unread-line")).toBeTruthy());
    expect(calls(window, "page")[0]).toEqual([
      window.place,
      { at: "around", place: { log: 1, seq: 110 } } satisfies PageAt,
    ]);
    const line = window.screen.getByTestId("unread-line");
    const after = line.nextElementSibling?.querySelector("[data-place]");
    expect(after?.getAttribute("data-place")).toBe("1.111");
    // Nobody has seen the end: nothing counts as read.
    expect(calls(window, "read")).toEqual([]);
    expect(texts(window, "jump")).toEqual(["999+ new messages"]);
    await fireEvent.click(window.screen.getByTestId("jump"));
    await settle();
    expect(texts(window, "message").at(-1)).toContain("line 700");
    await waitFor(() =>
      expect(calls(window, "read").at(-1)).toEqual([window.place, { log: 1, seq: 700 }]),
    );
  });
  test("the end is read once it is seen in a focused window, and not before", async () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    const here = await openWith(20, { read: { log: 1, seq: 15 }, unread: 5 });
    expect(calls(here, "read")).toEqual([]);
    expect(document.title).toMatch(/^\(5\)/);
    await fireEvent.focus(window);
    await settle();
    expect(calls(here, "read")).toEqual([[here.place, { log: 1, seq: 20 }]]);
    expect(document.title).not.toMatch(/^\(/);
  });
  test("what came while nobody looked is not read at the end, but once its beginning was on the screen", async () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    const top = { line: -900 };
    vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockImplementation(function (
      this: HTMLElement,
    ) {
      return new DOMRect(0, this.dataset.testid === "unread-line" ? top.line : 0, 100, 20);
    });
    const here = await openWith(80, { read: { log: 1, seq: 20 }, unread: 60 });
    await fireEvent.focus(window);
    await settle();
    expect(calls(here, "read")).toEqual([]);
    expect(texts(here, "to-unread")).toEqual(["60 new messages"]);
    top.line = 10;
    await key(here.screen.getByTestId("composer"), "PageUp", { shiftKey: true });
    await settle();
    expect(texts(here, "to-unread")).toEqual([]);
    expect(calls(here, "read")).toEqual([[here.place, { log: 1, seq: 80 }]]);
  });
  test.each(["Esc", "sending"])("%s says that all of it is read", async (how) => {
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockImplementation(function (
      this: HTMLElement,
    ) {
      return new DOMRect(0, this.dataset.testid === "unread-line" ? -900 : 0, 100, 20);
    });
    const here = await openWith(80, { read: { log: 1, seq: 20 }, unread: 60 });
    await fireEvent.focus(window);
    await settle();
    expect(texts(here, "to-unread")).toEqual(["60 new messages"]);
    const composer = here.screen.getByTestId("composer");
    if (how === "Esc") await key(composer, "Escape");
    else {
      await fireEvent.input(composer, { target: { value: "read it" } });
      await key(composer, "Enter");
    }
    await settle();
    expect(texts(here, "to-unread")).toEqual([]);
    expect(calls(here, "read")[0]).toEqual([here.place, { log: 1, seq: 80 }]);
  });
  test("a view that becomes smaller stays at its end; who scrolls goes away from it", async () => {
    vi.spyOn(HTMLElement.prototype, "scrollHeight", "get").mockReturnValue(1_000);
    const height = vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(500);
    const here = await openWith(20);
    const log = here.screen.getByTestId("timeline");
    log.scrollTop = 500;
    height.mockReturnValue(400);
    await fireEvent.scroll(log);
    expect(texts(here, "jump")).toEqual([]);
    expect(log.scrollTop).toBeGreaterThanOrEqual(600);
    log.scrollTop = 500;
    await fireEvent.scroll(log);
    expect(texts(here, "jump")).toEqual([words.room.latest]);
  });
  test("marked unread from a message on, it stays unread until somebody comes back", async () => {
    const here = await openWith(20);
    const message = here.screen.getAllByTestId("message")[16] as Element;
    await fireEvent.pointerEnter(message);
    await fireEvent.click(here.screen.getByTestId("mark-unread"));
    await settle();
    expect(calls(here, "unreadFrom")).toEqual([[here.place, { log: 1, seq: 17 }]]);
    await waitFor(() => expect(texts(here, "unread")).toEqual(["4"]));
    expect(here.screen.getByTestId("unread-line")).toBeTruthy();
    here.ui.go(null);
    await settle();
    here.ui.go(here.place);
    await settle();
    await waitFor(() => expect(texts(here, "unread")).toEqual([]));
  });
  test.each<[string, Partial<RoomView>, string, string]>([
    ["more is on this computer", { older: true }, "earlier", words.room.earlier],
    ["more is coming", { filling: true }, "filling", words.room.filling],
    ["the room's beginning", {}, "beginning", words.room.begins("Choir practice")],
  ])("above the first message: %s", async (_, more, id, text) => {
    const window = await openWith(3, more);
    // Whoever says that there is more is asked for it; here there is none.
    if (id === "earlier") window.fake.page = () => new Promise(() => {});
    await settle();
    expect(texts(window, id).concat(id === "earlier" ? text : [])[0]).toBe(text);
  });
  test("where nothing is kept nobody is told that nothing was said, nor asked what to keep", async () => {
    const settings = rules(retentionOf(0));
    const window = await openWith(0, { items: [], settings, read: null });
    expect(texts(window, "not-kept")).toHaveLength(1);
    expect(document.body.textContent).not.toContain(words.room.empty);
    expect(document.body.textContent).not.toContain(words.side.nothing);
    await choose(window, "leave-room");
    expect(texts(window, "leave-nothing-kept")).toHaveLength(1);
    expect(texts(window, "leave-keep")).toEqual([]);
  });
  test.each([
    [null, /neither here nor at the host/],
    [30, /deleted after 30 days/],
    [0, /nothing is, in this room/],
  ])("what is not kept any more, by the rule (%s days)", async (days, text) => {
    const settings = rules(retentionOf(days));
    const window = await openWith(3, { items: said(9).slice(5), settings });
    expect(texts(window, "not-kept")[0]).toMatch(text);
    expect(notKept(null)).toMatch(/not kept/);
  });
  test("what comes in from the relay meanwhile is gone on with by itself", async () => {
    const past = said(40);
    const window = await openWith(40, { items: past.slice(20), filling: true });
    expect(texts(window, "message")).toHaveLength(20);
    await window.tell({
      change: "room",
      room: window.place,
      what: "filled",
      older: true,
      filling: false,
    });
    await waitFor(() => expect(texts(window, "message")).toHaveLength(40));
    expect(texts(window, "beginning")).toHaveLength(1);
  });
  test("history that was deleted further back is read again, where somebody reads", async () => {
    longer();
    const window = await openWith(600);
    await window.tell({
      change: "room",
      room: window.place,
      what: "cut",
      items: said(600).slice(-500),
      older: true,
    });
    expect(texts(window, "message").at(-1)).toContain("line 600");
  });
  test("messages are gone through by arrow keys", async () => {
    const { screen } = await openWith(5);
    const messages = screen.getAllByTestId("message");
    expect(messages.map(({ tabIndex }) => tabIndex)).toEqual([-1, -1, -1, -1, 0]);
    messages[4]?.focus();
    await key(messages[4] as Element, "ArrowUp");
    expect(document.activeElement).toBe(messages[3]);
    expect(screen.getByTestId("message-copy")).toBeTruthy();
  });
});

describe("search", () => {
  const search = async (window: Awaited<ReturnType<typeof openWith>>, text: string) => {
    await fireEvent.input(window.screen.getByTestId("search-field"), { target: { value: text } });
  };
  test("Ctrl+F finds in the room, marks the words, and Enter goes to the message", async () => {
    longer();
    const here = await openWith(700);
    await key(window, "f", { ctrlKey: true });
    await settle();
    expect(texts(here, "search-hint")).toHaveLength(1);
    await search(here, "LINE 7");
    await waitFor(() => expect(texts(here, "search-hit")).toHaveLength(12));
    expect(calls(here, "search").at(-1)).toEqual([here.place, "LINE 7", null]);
    expect(document.querySelector("mark")?.textContent).toBe("line 7");
    const field = here.screen.getByTestId<HTMLInputElement>("search-field");
    await key(field, "ArrowDown");
    await fireEvent.submit(field.form as HTMLFormElement);
    await settle();
    expect(here.ui.dialog).toBeNull();
    await waitFor(() => expect(document.querySelector(".found")?.textContent).toContain("line 79"));
    expect(calls(here, "page")).toContainEqual([
      here.place,
      { at: "around", place: { log: 1, seq: 79 } },
    ]);
  });
  test("Ctrl+Shift+F finds everywhere; a room that was left is joined again only if one says so", async () => {
    const here = await open("start-with-recents");
    here.fake.search = async () => ({
      hits: [
        {
          room: keyOf("print"),
          room_name: "Print room",
          log: 1,
          event: (said(1)[0] as Extract<Item, { item: "event" }>).event,
          proof: "author",
        },
      ],
      next: null,
    });
    await key(window, "F", { ctrlKey: true, shiftKey: true });
    await settle();
    await search(here, "line");
    await waitFor(() => expect(texts(here, "search-hit")[0]).toContain("Print room"));
    const hit = async () => {
      await fireEvent.click(here.screen.getByTestId("search-hit"));
      await settle();
    };
    await hit();
    await fireEvent.click(here.screen.getByTestId("cancel"));
    await settle();
    expect(calls(here, "join")).toEqual([]);
    expect(here.ui.spot).toBeNull();
    await key(window, "F", { ctrlKey: true, shiftKey: true });
    await settle();
    await search(here, "line");
    await waitFor(() => expect(texts(here, "search-hit")).toHaveLength(1));
    await hit();
    await fireEvent.click(here.screen.getByTestId("confirm"));
    await waitFor(() => expect(texts(here, "room-title")).toEqual(["Print room"]));
    expect(calls(here, "join")).toHaveLength(1);
  });
  test("older results follow, and an answer that was overtaken is thrown away", async () => {
    const here = await openWith(200);
    await key(window, "f", { ctrlKey: true });
    await settle();
    await search(here, "line");
    await waitFor(() => expect(texts(here, "search-hit")).toHaveLength(50));
    await fireEvent.click(here.screen.getByTestId("search-older"));
    await waitFor(() => expect(texts(here, "search-hit")).toHaveLength(100));
    const slow = here.fake.search.bind(here.fake);
    let late = () => {};
    here.fake.search = (room, query, before) =>
      query === "line 1"
        ? new Promise((done) => {
            late = () => done(slow(room, query, before));
          })
        : slow(room, query, before);
    await search(here, "line 1");
    await waitFor(() => expect(late.toString()).toContain("slow"));
    await search(here, "zeppelin");
    await waitFor(() => expect(texts(here, "search-none")).toHaveLength(1));
    late();
    await settle();
    expect(texts(here, "search-hit")).toHaveLength(0);
  });
  test("f45 what looks like a search language is searched for as it is", async () => {
    const here = await openWith(3);
    await key(window, "f", { ctrlKey: true });
    await settle();
    await search(here, '"* OR NEAR(');
    await waitFor(() => expect(calls(here, "search").at(-1)?.[1]).toBe('"* OR NEAR('));
    await waitFor(() => expect(texts(here, "search-none")).toHaveLength(1));
  });
  test("too long a search is said so, and not asked", async () => {
    const here = await openWith(3);
    await key(window, "f", { ctrlKey: true });
    await settle();
    await search(here, "ä".repeat(129));
    await waitFor(() =>
      expect(here.screen.getByTestId("search-error").textContent).toContain(
        failure("too_long").what,
      ),
    );
    expect(calls(here, "search")).toEqual([]);
  });
});

describe("how long messages are kept", () => {
  const pick = (window: Awaited<ReturnType<typeof open>>, value: string) =>
    fireEvent.change(window.screen.getByTestId("retention"), { target: { value } });

  test("a host chooses it with the name", async () => {
    const window = await open("start-empty");
    await fireEvent.click(window.screen.getByTestId("door-host"));
    await settle();
    await pick(window, "custom");
    const days = window.screen.getByTestId("retention-days");
    await fireEvent.input(days, { target: { value: "0" } });
    expect(window.screen.getByTestId<HTMLButtonElement>("host-go").disabled).toBe(true);
    await fireEvent.input(days, { target: { value: "45" } });
    await fireEvent.click(window.screen.getByTestId("host-go"));
    await waitFor(() => expect(texts(window, "retention-shown")).toEqual(["Kept 45 days"]));
    expect(calls(window, "hostRoom")).toEqual([["Ada's room", rules(retentionOf(45)), PASSCODE]]);
  });
  test("a change says first what it deletes, and is told in the room", async () => {
    const window = await open("room");
    await choose(window, "change-retention");
    const go = () => window.screen.getByTestId<HTMLButtonElement>("retention-go");
    expect(go().disabled).toBe(true);
    await pick(window, "7");
    expect(texts(window, "retention-effect")[0]).toMatch(/older than 7 days.*everybody.*undone/);
    await fireEvent.click(go());
    await waitFor(() => expect(texts(window, "retention-shown")).toEqual(["Kept 7 days"]));
    expect(calls(window, "setSettings")[0]?.[1]).toEqual(rules(retentionOf(7)));
    expect(texts(window, "notice").at(-1)).toBe(
      "You changed the rules: messages are kept for 7 days and newcomers need the passcode",
    );
    await choose(window, "change-retention");
    await pick(window, "forever");
    expect(texts(window, "retention-effect")[0]).toMatch(/Nothing is deleted/);
  });
  test("a change that fails says why, next to the button", async () => {
    const window = await open("room");
    window.fake.setSettings = () => Promise.reject({ code: "not_host", message: "" });
    await choose(window, "change-retention");
    await pick(window, "0");
    await fireEvent.click(window.screen.getByTestId("retention-go"));
    await waitFor(() =>
      expect(texts(window, "retention-problem")[0]).toContain(failure("not_host").what),
    );
  });
  test("others read what it means", async () => {
    const window = await open("nothing-kept");
    await fireEvent.click(window.screen.getByTestId("retention-shown"));
    await settle();
    expect(texts(window, "retention-means")[0]).toMatch(/Nothing that is said here is written/);
    expect(window.screen.queryByTestId("retention-go")).toBeNull();
  });
  test("a rule that was refused can be tried again or dropped", async () => {
    const window = await open("refused");
    await fireEvent.click(window.screen.getByTestId("rule-discard"));
    expect(calls(window, "discard")).toEqual([[window.place, "r1"]]);
    expect(texts(window, "message").at(-1)).toContain("does not let you");
  });
});

test("what was done is told in plain words", async () => {
  const window = await open("deeds");
  expect(texts(window, "notice")).toEqual([
    "You changed the rules: messages are kept for 30 days and newcomers need the passcode",
    "Ben edited a message",
    "Cleo reacted with 👍",
    "Cleo took back the reaction 👍",
    "You deleted a message of Emil",
    "You muted Emil",
    "Dina Okafor did something that needs a newer ChatSpot to be shown.",
  ]);
});

describe("leaving", () => {
  test("keeps the copy unless told otherwise, and counts what is not sent", async () => {
    const window = await open("reconnecting");
    await choose(window, "leave-room");
    expect(texts(window, "leave-unsent")).toEqual(["2 unsent messages will be thrown away."]);
    await fireEvent.click(window.screen.getByTestId("confirm"));
    await waitFor(() => expect(calls(window, "leave")).toEqual([[window.place, true]]));
  });
  test("deletes it when that is chosen", async () => {
    const window = await open("closed-by-host");
    await choose(window, "leave-room");
    expect(texts(window, "leave-unsent")).toEqual([]);
    await fireEvent.click(window.screen.getByTestId("leave-delete"));
    await fireEvent.click(window.screen.getByTestId("confirm"));
    await waitFor(() => expect(calls(window, "leave")).toEqual([[window.place, false]]));
  });
  test("a room with a kept copy is forgotten only after a question, another at once", async () => {
    const window = await open("start-with-recents");
    await fireEvent.click(window.screen.getByLabelText("Remove Print room from the list"));
    await settle();
    expect(calls(window, "forgetRecent")).toEqual([]);
    await fireEvent.click(window.screen.getByTestId("confirm"));
    await fireEvent.click(window.screen.getByLabelText("Remove Tool jam from the list"));
    expect(calls(window, "forgetRecent")).toEqual([[keyOf("print")], [keyOf("jam")]]);
  });
});

test("a room is saved as a file, and the path can be copied", async () => {
  const window = await open("room");
  await choose(window, "export-room");
  await fireEvent.click(window.screen.getByTestId("export-json_lines"));
  await fireEvent.click(window.screen.getByTestId("export-go"));
  await waitFor(() => expect(texts(window, "export-path")[0]).toMatch(/\.jsonl$/));
  expect(calls(window, "exportRoom")).toEqual([[window.place, "json_lines"]]);
  await fireEvent.click(window.screen.getByLabelText(words.export.copy));
  expect(calls(window, "copyText")[0]?.[0]).toBe(texts(window, "export-path")[0]);
});

test("damaged history is told until taken note of", async () => {
  const { screen } = await open("recovered");
  expect(screen.getByTestId("recovered").textContent).toContain(recovered("anew", "here").next);
  expect(screen.getByTestId("host-recovered").textContent).toContain(
    recovered("backup", "host").next,
  );
  await fireEvent.click(screen.getByTestId("dismiss-recovered"));
  await fireEvent.click(screen.getByTestId("dismiss-host-recovered"));
  expect(screen.queryByTestId("recovered")).toBeNull();
  expect(screen.queryByTestId("host-recovered")).toBeNull();
});

describe("what is handed on", () => {
  const typed = async (text: string) => {
    const window = await open("room");
    await fireEvent.input(window.screen.getByTestId("composer"), { target: { value: text } });
    return window;
  };
  test.each<[string, (here: Awaited<ReturnType<typeof open>>) => unknown]>([
    ["leaves the window", () => fireEvent.blur(window)],
    ["closes the page", () => fireEvent(window, new Event("pagehide"))],
    ["goes to another room", ({ ui }) => ui.go(keyOf("choir"))],
    ["quits", ({ actions }) => actions.quit()],
  ])("a draft, at once when somebody %s", async (_, leave) => {
    const here = await typed("half a thought");
    expect(calls(here, "saveDraft")).toEqual([]);
    await leave(here);
    await settle();
    expect(calls(here, "saveDraft")).toEqual([[here.place, "half a thought"]]);
  });
  test("what was sent is no draft any more", async () => {
    const here = await typed("said");
    await key(here.screen.getByTestId("composer"), "Enter");
    await settle();
    expect(calls(here, "saveDraft")).toEqual([[here.place, ""]]);
  });
  test("quitting waits for it", async () => {
    const here = await typed("last words");
    await here.actions.quit();
    const order = here.fake.calls.map(([call]) => call);
    expect(order.indexOf("saveDraft")).toBeLessThan(order.indexOf("quit"));
  });
});

test("f57 a full disk is said in words where it shows", async () => {
  const { screen } = await open("not-saved");
  expect(
    screen.getByText("This computer's disk is full, so nothing can be received."),
  ).toBeTruthy();
});

test("without a connection writing goes on, and that is said quietly", async () => {
  const { screen, fake } = await open("reconnecting");
  expect(screen.getByTestId("typing").textContent).toContain(words.compose.offline);
  const composer = screen.getByTestId<HTMLTextAreaElement>("composer");
  await fireEvent.input(composer, { target: { value: "later" } });
  await key(composer, "Enter");
  await settle();
  expect(fake.calls).toContainEqual(["send", expect.anything(), "later"]);
});
describe("editing a message that waits", () => {
  const waiting = async () => {
    const here = await openWith(3, {
      link: { state: "waiting", trouble: "lost", retry_at: NOW },
      outbox: [
        {
          ...message("q1", "at four"),
          at: NOW,
          state: { state: "queued" },
        },
      ],
    });
    const composer = here.screen.getByTestId("composer") as HTMLTextAreaElement;
    const type = (text: string) => fireEvent.input(composer, { target: { value: text } });
    await type("something else");
    await fireEvent.click(here.screen.getByText(words.message.edit));
    await settle();
    expect(composer.value).toBe("at four");
    expect(calls(here, "discard")).toEqual([]);
    return { here, composer, type };
  };
  test("sent anew it takes the place of what waited, and what was typed comes back", async () => {
    const { here, composer, type } = await waiting();
    await type("at five");
    await key(composer, "Enter");
    await waitFor(() => expect(calls(here, "send")).toEqual([[here.place, "at five"]]));
    expect(calls(here, "discard")).toEqual([[here.place, "q1"]]);
    await settle();
    expect(composer.value).toBe("something else");
    expect(texts(here, "editing")).toEqual([]);
  });
  test.each([["Escape"], ["Enter"]])("unchanged, %s leaves it where it is", async (name) => {
    const { here, composer } = await waiting();
    await key(composer, name);
    await settle();
    expect(composer.value).toBe("something else");
    expect([...calls(here, "discard"), ...calls(here, "send")]).toEqual([]);
  });
  test("one that went out meanwhile is said, and the new text stays as a draft", async () => {
    const { here, composer, type } = await waiting();
    here.fake.discard = async () => false;
    await type("at five");
    await key(composer, "Enter");
    await waitFor(() =>
      expect(texts(here, "send-error")[0]).toContain(words.compose.sentMeanwhile.what),
    );
    expect(composer.value).toBe("at five\nsomething else");
    expect(calls(here, "send")).toEqual([]);
  });
});
test.each([
  ["7", 7],
  [" 30 ", 30],
  ["1e2", null],
  ["0x10", null],
  ["1.0", null],
  ["0", null],
  ["", null],
])("%j is so many days: %s", (text, days) => expect(daysTyped(text)).toBe(days));
test("a start that failed is told in words, what the machine said below them", async () => {
  const here = await open("broken", { broken: { code: "data_in_use", message: "held by 4711" } });
  const told = here.screen.getByRole("alert").textContent ?? "";
  expect(told).toContain(failure("data_in_use").what);
  expect(told).toContain("held by 4711");
  expect(told).not.toContain("data_in_use");
});
