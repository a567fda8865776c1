/** What messages show: trees as components, links that ask, what is not proven, what was deleted; and who may not write. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Item } from "../src/generated/protocol";
import { layOut } from "../src/state/timeline";
import { ada, ben, cleo, emil, key, NOW, Story } from "../src/transport/cast";
import { failure, rejects, trust } from "../src/words";
import { open, settle } from "./desk";

type Window = Awaited<ReturnType<typeof open>>;
const calls = ({ fake }: Window, name: string) =>
  fake.calls.filter(([call]) => call === name).map(([, ...args]) => args);
const texts = ({ screen }: Window, id: string) =>
  screen.queryAllByTestId(id).map(({ textContent }) => textContent?.trim() ?? "");
const timeline = ({ screen }: Window) => screen.getByTestId("timeline");
afterEach(() => void vi.restoreAllMocks());

describe("a message as a tree", () => {
  test("is drawn of elements that stand for its parts", async () => {
    const log = timeline(await open("rich"));
    for (const [selector, text] of [
      [".heading b", "Settings for the 4 mm ply"],
      ["strong", "two passes"],
      ["em", "slowly"],
      ["s", "80 %"],
      ["p code", "power=62"],
      ["ul li", "clean the lens"],
      ["ol li", "front"],
    ] as const)
      expect(log.querySelector(selector)?.textContent).toBe(text);
    expect(log.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect(log.querySelector("pre")?.getAttribute("dir")).toBe("ltr");
  });
  test("f41 f43 markup in text, code or a quote is text", async () => {
    const log = timeline(await open("rich"));
    expect(log.querySelector("img, script, iframe, a, [href], [onerror]")).toBeNull();
    expect(log.querySelector("blockquote")?.textContent).toContain(
      `<img src=x onerror="alert(1)"> said <b>somebody</b>`,
    );
    expect(log.querySelector("pre")?.textContent).toContain("<script>alert(1)</script>");
  });
  test("shows on its way already", async () => {
    const here = await open("room");
    const rich = [
      {
        block: "paragraph",
        inlines: [{ inline: "strong", inlines: [{ inline: "text", text: "now" }] }],
      },
    ] as never;
    const submission = { kind: "message", id: "p", text: "**now**" } as const;
    const pending = { id: "p", submission, at: NOW, state: { state: "queued" }, rich } as const;
    await here.tell({ change: "room", room: here.place, what: "pending", pending });
    expect(timeline(here).querySelector("[data-state='queued'] strong")?.textContent).toBe("now");
  });
});

describe("links", () => {
  const links = async () => {
    const here = await open("rich");
    const [plain, other] = here.screen.getAllByTestId("link") as [HTMLElement, HTMLElement];
    return { here, plain, other };
  };
  test("that say where they lead are opened at once, by a click or by Enter", async () => {
    const { here, plain } = await links();
    await fireEvent.click(plain);
    await fireEvent.keyDown(plain, { key: "Enter" });
    expect(calls(here, "openLink")).toEqual([
      ["https://laser.example/ply"],
      ["https://laser.example/ply"],
    ]);
  });
  test("f42 that say something else ask first, and show where they really lead", async () => {
    const { here, other } = await links();
    expect(other.textContent).toBe("bank.example");
    await fireEvent.click(other);
    await settle();
    expect(calls(here, "openLink")).toEqual([]);
    expect(texts(here, "open-host")).toEqual(["evil.example"]);
    await fireEvent.click(here.screen.getByTestId("open-stay"));
    await settle();
    expect(calls(here, "openLink")).toEqual([]);
    await fireEvent.keyDown(other, { key: "Enter" });
    await settle();
    await fireEvent.click(here.screen.getByTestId("open-go"));
    expect(calls(here, "openLink")).toEqual([["http://evil.example/"]]);
  });
  test("are followed by nothing else: there is nothing for the web view to go to or to drag", async () => {
    const { here, other, plain } = await links();
    for (const link of [plain, other]) {
      await fireEvent(link, new MouseEvent("auxclick", { button: 1, bubbles: true }));
      expect(link.closest("a")).toBeNull();
      expect(link.hasAttribute("href") || link.hasAttribute("draggable")).toBe(false);
    }
    expect(calls(here, "openLink")).toEqual([]);
  });
  test("stay where they are while their text is being marked", async () => {
    const { here, plain } = await links();
    vi.spyOn(window, "getSelection").mockReturnValue({ isCollapsed: false } as Selection);
    await fireEvent.click(plain);
    expect(calls(here, "openLink")).toEqual([]);
  });
  test("that are refused say so", async () => {
    const { here, plain } = await links();
    here.fake.openLink = () => Promise.reject({ code: "unsafe_link", message: "" });
    await fireEvent.click(plain);
    await waitFor(() => expect(document.body.textContent).toContain(failure("unsafe_link").what));
  });
});

const rowsOf = (items: readonly Item[], live: readonly Item[] = []) =>
  layOut({
    items,
    live,
    older: false,
    outbox: [],
    me: { author: ada.member, name: ada.name },
    readTo: null,
  });
const blocks = (items: readonly Item[], live: readonly Item[] = []) =>
  rowsOf(items, live).flatMap((row) => (row.row === "block" ? [row] : []));

describe("f33 what is not proven", () => {
  test("is flagged in words, stands apart, and looks like nobody's", async () => {
    const here = await open("unproven");
    expect(texts(here, "unproven")).toEqual([
      trust.message.unproven("Ben"),
      trust.message.unproven("Ada"),
    ]);
    const flagged = here.screen.getAllByTestId("unproven").map((flag) => flag.closest("article"));
    for (const block of flagged) {
      expect(block?.querySelector(".nobody")).not.toBeNull();
      expect(block?.querySelector(".avatar")).toBeNull();
      expect(block?.querySelector("[data-mine='true']")).toBeNull();
    }
  });
  test("is no part of what the same author said", () => {
    const story = new Story(NOW)
      .say(ben, "1")
      .unproven(ben, { kind: "message", text: "2" })
      .say(ben, "3");
    expect(blocks(story.items).map(({ proven }) => proven)).toEqual([true, false, true]);
  });
  test.each(["deleted", "edited", "reacted", "settings", "moderated", "role"])(
    "%s has no effect, and is told as such",
    (kind) => {
      const target = { author: ben.member, id: "m1.0" };
      const more = { target, text: "x", reaction: "+", active: true, member: ben.member };
      const story = new Story(NOW).say(ben, "1").unproven(cleo, { kind, ...more });
      const rows = rowsOf(story.items);
      expect(blocks(story.items)[0]?.messages[0]).toMatchObject({ text: "1", deleted: null });
      expect(rows.at(-1)).toMatchObject({ row: "did", did: { deed: "unproven" } });
    },
  );
  test("is not what the list of rooms says was said last", async () => {
    const here = await open("unproven", {});
    const fresh = new Story(NOW, 900).unproven(ben, { kind: "message", text: "forged" }).items;
    await here.tell({ change: "room", room: here.place, what: "items", items: fresh });
    expect(texts(here, "sidebar-room")[0]).not.toContain("forged");
  });
});

describe("deleting", () => {
  const target = { author: emil.member, id: "m1.0" };
  test("shows who did it, in the message's place, and nothing of the text", async () => {
    const here = await open("deleted");
    expect(texts(here, "deleted")).toEqual([
      trust.message.deleted("Farah"),
      trust.message.deletedOwn,
    ]);
    expect(timeline(here).textContent).not.toContain("Spam");
    // One that is not shown is told in a line.
    expect(texts(here, "notice").at(-1)).toBe("Ben deleted a message of Emil");
  });
  test("counts when it came later than what is shown", () => {
    const shown = new Story(NOW).say(emil, "Spam").items;
    const later = new Story(NOW, 700).did(ben, { kind: "deleted", target }).items;
    expect(blocks(shown, later)[0]?.messages[0]?.deleted?.name).toBe("Ben");
    expect(blocks(shown)[0]?.messages[0]?.deleted).toBeNull();
  });
  test("asks first; one's own, and others' for those who keep the order", async () => {
    const here = await open("room");
    const messages = here.screen.getAllByTestId("message");
    await fireEvent.pointerEnter(
      messages.find(({ dataset }) => dataset.author === "Emil") as Element,
    );
    await settle();
    await fireEvent.click(here.screen.getByTestId("message-delete"));
    await settle();
    expect(calls(here, "deleteMessage")).toEqual([]);
    await fireEvent.click(here.screen.getByTestId("confirm"));
    await settle();
    expect(calls(here, "deleteMessage")).toMatchObject([[here.place, { author: emil.member }]]);
    expect(texts(here, "deleted")).toEqual([trust.message.deletedOwn]);
  });
  test("is not offered to a member for what others said", async () => {
    const here = await open("unverified");
    await fireEvent.pointerEnter(here.screen.getAllByTestId("message")[0] as Element);
    await settle();
    expect(here.screen.getByTestId("message-copy")).toBeTruthy();
    expect(here.screen.queryByTestId("message-delete")).toBeNull();
  });
});

describe("f37 names", () => {
  test("stand in isolation wherever they are shown, so that none turns the text around it", async () => {
    const { screen } = await open("long-names");
    for (const place of ["member", "author"])
      for (const shown of screen.getAllByTestId(place))
        expect(shown.querySelector("bdi"), place).not.toBeNull();
  });
});

describe("who may not write now", () => {
  test("is told when muted, and keeps what was typed", async () => {
    const here = await open("muted");
    const composer = here.screen.getByTestId<HTMLTextAreaElement>("composer");
    expect(composer.disabled).toBe(true);
    expect(composer.value).toBe("half a thought");
    expect(texts(here, "muted")).toEqual([trust.compose.muted]);
    expect(here.screen.getByTestId<HTMLButtonElement>("send").disabled).toBe(true);
    const self = here.chat.room(here.place)?.members.find(({ member }) => member === key("Ada"));
    if (!self) throw new Error("one is in one's own room");
    const member = { ...self, muted: false };
    await here.tell({ change: "room", room: here.place, what: "member", member });
    expect(composer.disabled).toBe(false);
    expect(composer.value).toBe("half a thought");
  });
  test("sees how long a pause lasts, and what is sent meanwhile waits by itself", async () => {
    const here = await open("slow");
    expect(texts(here, "slow-left")[0]).toMatch(/^Next in \d+ s$/);
    await fireEvent.input(here.screen.getByTestId("composer"), { target: { value: "later" } });
    await fireEvent.keyDown(here.screen.getByTestId("composer"), { key: "Enter" });
    await settle();
    expect(calls(here, "send")).toEqual([[here.place, "later"]]);
    await here.tell({ change: "room", room: here.place, what: "slow", until: null });
    expect(texts(here, "slow-left")).toEqual([]);
  });
  test.each(["muted", "slow_down", "bad_signature"] as const)("%s has words", (code) => {
    expect(rejects[code]).toMatch(/^Not sent: .*\.$/);
  });
});
