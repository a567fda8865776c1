/** The window over a played scene: what people do, and what they see of it. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { type FailureCode, LIMITS } from "../src/generated/protocol";
import { away, near, nearby } from "../src/transport/around";
import { found, recents, view } from "../src/transport/cast";
import { failure } from "../src/words";
import { open, settle } from "./desk";

const key = (target: Element | Window, name: string, more: KeyboardEventInit = {}) =>
  fireEvent.keyDown(target, { key: name, ...more });

describe("the first run", () => {
  test("asks for the name, prefilled, and goes on to the doors", async () => {
    const { screen } = await open("first-run");
    const field = screen.getByTestId<HTMLInputElement>("name-field");
    expect(field.value).toBe("Ada");
    await fireEvent.input(field, { target: { value: "Bea" } });
    await fireEvent.click(screen.getByTestId("name-go"));
    await settle();
    expect(screen.getByText("Hello, Bea")).toBeTruthy();
    expect(screen.getByTestId("door-host")).toBeTruthy();
  });
  test("says next to the field what is wrong with a name", async () => {
    const { screen } = await open("first-run");
    await fireEvent.input(screen.getByTestId("name-field"), { target: { value: "  " } });
    await fireEvent.click(screen.getByTestId("name-go"));
    await settle();
    expect(screen.getByTestId("name-error").textContent).toContain(failure("empty").what);
  });
});

describe("joining", () => {
  const joining = async (name: string, more = {}) => {
    const window = await open(name, more);
    await fireEvent.click(window.screen.getByTestId("door-join"));
    await settle();
    await fireEvent.input(window.screen.getByTestId("join-address"), {
      target: { value: "192.168.1.57" },
    });
    await fireEvent.click(window.screen.getByTestId("join-go"));
    return window;
  };
  test.each<FailureCode>([
    "nobody_answers",
    "not_chatspot",
    "client_too_old",
    "not_an_address",
    "no_rooms",
  ])("%s is told in words, and the address stays", async (found) => {
    const { screen } = await joining("join-error", { found });
    await waitFor(() =>
      expect(screen.getByTestId("join-error").textContent).toContain(failure(found).what),
    );
    expect(screen.getByTestId("join-error").textContent).toContain(failure(found).next);
    expect(screen.getByTestId<HTMLInputElement>("join-address").value).toBe("192.168.1.57");
  });
  test("an address without rooms says so", async () => {
    const { screen } = await joining("join-error", { found: { address: "a:1", rooms: [] } });
    await waitFor(() =>
      expect(screen.getByTestId("join-error").textContent).toContain(failure("no_rooms").what),
    );
  });
  test("the only room is joined at once", async () => {
    const { screen, fake } = await joining("join-error", {
      found: { address: "h:4470", rooms: [found("r", "Only", 1)] },
    });
    await waitFor(() => expect(screen.getByTestId("room-title").textContent).toBe("Only"));
    expect(fake.calls).toContainEqual(["join", "h:4470", "r", "Only"]);
    expect(screen.queryByTestId("join-address")).toBeNull();
  });
  test("the only room is full: that is said next to the field", async () => {
    const { screen, fake } = await joining("join-error", {
      found: { address: "h:4470", rooms: [found("r", "Only", 9, { full: true })] },
    });
    await waitFor(() => expect(screen.getByTestId("join-error").textContent).toMatch(/full/));
    expect(fake.calls.some(([name]) => name === "join")).toBe(false);
  });
  test("several are offered, a full one cannot be chosen", async () => {
    const { screen } = await joining("choose-room");
    await waitFor(() => expect(screen.getAllByTestId("choose-room")).toHaveLength(5));
    const rooms = screen.getAllByTestId<HTMLButtonElement>("choose-room");
    expect(rooms.map(({ disabled }) => disabled)).toEqual([false, false, true, false, false]);
    await fireEvent.click(rooms[1] as Element);
    await waitFor(() =>
      expect(screen.getByTestId("room-title").textContent).toBe("Reading circle"),
    );
  });
});

test("hosting opens the room, with the addresses to hand out", async () => {
  const { screen } = await open("start-empty");
  await fireEvent.click(screen.getByTestId("door-host"));
  await settle();
  expect(screen.getByTestId<HTMLInputElement>("host-name").value).toBe("Ada's room");
  await fireEvent.click(screen.getByTestId("host-go"));
  await waitFor(() => expect(screen.getByTestId("room-title").textContent).toBe("Ada's room"));
  expect(screen.getAllByTestId("host-address")[0]?.textContent).toBe("192.168.1.5");
});

describe("the composer", () => {
  const typed = async (text: string) => {
    const window = await open("room");
    const composer = window.screen.getByTestId<HTMLTextAreaElement>("composer");
    await fireEvent.input(composer, { target: { value: text } });
    return {
      ...window,
      composer,
      sent: () => window.fake.calls.filter(([call]) => call === "send"),
    };
  };
  test("Enter sends and empties it; the message shows on its way, then sent", async () => {
    const { screen, composer, sent } = await typed("hello\nworld");
    await key(composer, "Enter");
    await settle();
    expect(sent()).toHaveLength(1);
    expect(composer.value).toBe("");
    const last = () => screen.getAllByTestId("message").at(-1);
    expect(last()?.dataset.state).toBe("sending");
    await waitFor(() => expect(last()?.dataset.state).toBe("sent"));
    expect(last()?.dataset).toMatchObject({ author: "Ada", mine: "true" });
  });
  test("Shift+Enter and Enter within a composition do not send", async () => {
    const { composer, sent } = await typed("にほん");
    await key(composer, "Enter", { shiftKey: true });
    await key(composer, "Enter", { isComposing: true });
    await key(composer, "Enter", { keyCode: 229 });
    expect(sent()).toEqual([]);
    expect(composer.value).toBe("にほん");
  });
  test("nothing visible and too much are not sent", async () => {
    const { screen, composer, sent } = await typed("  \n ");
    await key(composer, "Enter");
    await fireEvent.input(composer, { target: { value: "ä".repeat(LIMITS.textBytes / 2 + 1) } });
    expect(screen.getByTestId<HTMLButtonElement>("send").disabled).toBe(true);
    expect(screen.getByText("2 bytes too long")).toBeTruthy();
    await key(composer, "Enter");
    expect(sent()).toEqual([]);
  });
  test("a text that could not be sent is back, and the reason stands beside it", async () => {
    const { fake, screen, composer } = await typed("keep me");
    fake.send = () => Promise.reject({ code: "outbox_full", message: "" });
    await key(composer, "Enter");
    await waitFor(() => expect(composer.value).toBe("keep me"));
    expect(screen.getByTestId("send-error").textContent).toContain(failure("outbox_full").what);
  });
  test("quick messages go out in the order of writing", async () => {
    const { fake, composer } = await typed("1");
    const order: string[] = [];
    fake.send = async (_, text) => {
      await new Promise((done) => setTimeout(done, text === "1" ? 20 : 0));
      order.push(text);
    };
    await key(composer, "Enter");
    await fireEvent.input(composer, { target: { value: "2" } });
    await key(composer, "Enter");
    await waitFor(() => expect(order).toEqual(["1", "2"]));
  });
  test("each room keeps its draft", async () => {
    const { screen, ui, place, chat } = await typed("half a thought");
    ui.go(chat.rooms.find(({ room }) => room !== place)?.room ?? "");
    await settle();
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("");
    ui.go(place);
    await settle();
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("half a thought");
  });
});

describe("a message that failed", () => {
  test("goes back into the composer to be edited", async () => {
    const { screen, fake } = await open("failed-message");
    await fireEvent.click(screen.getAllByText("Edit")[0] as Element);
    await settle();
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe(
      "This one did not get through.",
    );
    // It is given up only for what is sent in its place.
    expect(fake.calls.map(([call]) => call)).not.toContain("discard");
    await fireEvent.keyDown(screen.getByTestId("composer"), { key: "Enter" });
    await settle();
    expect(fake.calls).toContainEqual(["discard", expect.anything(), "f1"]);
    expect(fake.calls).toContainEqual(["send", expect.anything(), "This one did not get through."]);
  });
  test("can be tried again only where that helps", async () => {
    const { screen } = await open("failed-message");
    expect(screen.getAllByText("Retry")).toHaveLength(1);
    expect(screen.getAllByRole("alert")).toHaveLength(2);
  });
});

test("f41 names and texts of others are text, never markup", async () => {
  const { screen } = await open("html-injection");
  expect(document.querySelectorAll("img, script, a, svg[onload]")).toHaveLength(0);
  expect(screen.getByTestId("room-title").textContent).toBe(`<script>alert("room")</script>`);
  expect(screen.getAllByTestId("message")[0]?.textContent).toContain(
    `<img src=x onerror="alert(1)">`,
  );
  expect(
    screen
      .getAllByTestId("member")
      .some(({ textContent }) => textContent?.includes("<img src=x onerror=alert(1)>")),
  ).toBe(true);
});

test("the connection's state and what helps", async () => {
  const { screen, fake } = await open("closed-by-host");
  expect(screen.getByTestId("link-state").dataset.state).toBe("closed");
  await fireEvent.click(screen.getByText("Join again"));
  expect(fake.calls.some(([call]) => call === "redial")).toBe(true);
});

test("stopping asks when others are there, and at once when nobody is", async () => {
  const { screen, fake, ui } = await open("room");
  await fireEvent.click(screen.getByTestId("room-menu"));
  await fireEvent.click(screen.getByTestId("stop-hosting"));
  await settle();
  expect(fake.calls).toEqual([]);
  await fireEvent.click(screen.getByTestId("confirm"));
  expect(fake.calls).toContainEqual(["stopHosting", expect.anything()]);
  expect(ui.dialog).toBeNull();
});

test("quitting while others are in one's room is asked, each time", async () => {
  const { screen, fake, tell } = await open("room");
  await tell({ change: "quit_asked", others: 3 });
  expect(
    screen.getByText("3 others are in your room. Quitting closes it for everybody."),
  ).toBeTruthy();
  await fireEvent.click(screen.getByTestId("quit-stay"));
  expect(fake.calls).toContainEqual(["stay"]);
  await settle();
  expect(screen.queryByTestId("quit-go")).toBeNull();
  await tell({ change: "quit_asked", others: 1 });
  await fireEvent.click(screen.getByTestId("quit-go"));
  expect(fake.calls).toContainEqual(["quit"]);
});

test("what others say in another room is counted there and in the title", async () => {
  const { screen, chat, place, tell } = await open("room");
  const other = chat.rooms.find(({ room }) => room !== place)?.room ?? "";
  await tell({
    change: "room",
    room: other,
    what: "items",
    items: [
      {
        item: "event",
        log: 1,
        event: { kind: "message", seq: 9, at: 1, author: "x", name: "X", id: "i", text: "psst" },
        proof: "author",
        rich: null,
      },
    ],
  });
  expect(screen.getByTestId("unread").textContent).toBe("1");
  expect(document.title).toBe("(1) Workshop – ChatSpot");
});

test("the switcher finds a room by a part of its name", async () => {
  const { screen } = await open("room");
  await key(window, "k", { ctrlKey: true });
  await settle();
  const find = screen.getByTestId<HTMLInputElement>("switcher-find");
  await fireEvent.input(find, { target: { value: "choir" } });
  await fireEvent.submit(find.form as HTMLFormElement);
  await settle();
  expect(screen.getByTestId("room-title").textContent).toBe("Choir practice");
});

test("the switcher joins a room nearby, and none that is away or has another key", async () => {
  const changed = { known: "key_changed", room: "old", fingerprint: "aaaa" } as const;
  const rooms = [
    near("circle", "Reading circle", 3),
    near("gone", "Reading room", 0, away("closed")),
    near("other", "Reading desk", 1, { known: changed }),
    near("print", "Print room", 2, { known: { known: "joined" } }),
  ];
  const { screen, fake } = await open("start-empty", {
    view: view({ nearby: nearby(rooms), recents }),
  });
  await key(window, "k", { ctrlKey: true });
  await settle();
  const find = screen.getByTestId<HTMLInputElement>("switcher-find");
  const options = () => screen.getAllByRole("option").map((option) => option.textContent);
  // Each room once.
  expect(options().filter((text) => text?.includes("Print room"))).toHaveLength(1);
  await fireEvent.input(find, { target: { value: "reading" } });
  expect(options()).toHaveLength(1);
  await fireEvent.submit(find.form as HTMLFormElement);
  await waitFor(() => expect(screen.getByTestId("room-title").textContent).toBe("Reading circle"));
  expect(fake.calls.filter(([call]) => call === "joinNearby")).toHaveLength(1);
});

test("a room of the list of recent ones is joined again, or forgotten", async () => {
  const { screen, fake } = await open("start-with-recents");
  await fireEvent.click(screen.getAllByLabelText(/^Remove Tool jam/)[0] as Element);
  await settle();
  expect(screen.getAllByTestId("rejoin")).toHaveLength(2);
  await fireEvent.click(screen.getAllByTestId("rejoin")[0] as Element);
  await waitFor(() => expect(screen.getByTestId("room-title").textContent).toBe("Print room"));
  expect(fake.calls.filter(([call]) => call === "join")).toHaveLength(1);
  expect(fake.calls.some(([call]) => call === "joinNearby")).toBe(false);
});
