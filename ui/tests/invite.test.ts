/** Inviting others, and what people paste of it. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import { QUIET, qrPath } from "../src/state/qr";
import { handedOut, qrLike } from "../src/transport/around";
import { choir, key, rules, view, workshop } from "../src/transport/cast";
import { failure, handout as text } from "../src/words";
import { open, settle } from "./desk";

type Window = Awaited<ReturnType<typeof open>>;
const calls = ({ fake }: Window, name: string) =>
  fake.calls.filter(([call]) => call === name).map(([, ...args]) => args);
const click = async ({ screen }: Window, id: string) => {
  await fireEvent.click(screen.getByTestId(id));
  await settle();
};
const inviting = async (scene: string, more = {}) => {
  const here = await open(scene, more);
  await click(here, "invite");
  await waitFor(() => expect(here.screen.getByTestId("invite-qr")).toBeTruthy());
  return here;
};
const shown = ({ screen }: Window, id: string) => screen.getByTestId(id).textContent ?? "";

describe("inviting", () => {
  test("gives a link that only leads there, in every form, each of which is copied", async () => {
    const here = await inviting("invite-qr");
    expect(calls(here, "inviteLink")).toEqual([[here.place, null]]);
    expect(calls(here, "makeInvite")).toEqual([]);
    const link = shown(here, "invite-link");
    expect(link).toMatch(/^chatspot:\/\/join\//);
    expect(shown(here, "invite-text")).toBe(handedOut(link).text);
    expect(shown(here, "invite-gives")).toBe(text.plain("passcode"));
    expect(here.screen.getAllByTestId("invite-address")).toHaveLength(2);
    await click(here, "copy-link");
    await click(here, "copy-text");
    expect(calls(here, "copyText")).toEqual([[link], [handedOut(link).text]]);
    await click(here, "copy-qr");
    expect(calls(here, "copyQr")).toEqual([[link]]);
    // What was there before is still in reach.
    expect(here.screen.getAllByTestId("host-address").length).toBeGreaterThan(0);
    expect(here.screen.getByTestId("passcode-shown")).toBeTruthy();
  });
  test("saves the picture and tells where", async () => {
    const here = await inviting("invite-qr");
    await click(here, "save-qr");
    expect(shown(here, "qr-path")).toMatch(/\.png$/);
    await click(here, "save-qr-svg");
    expect(shown(here, "qr-path")).toMatch(/\.svg$/);
    const link = shown(here, "invite-link");
    expect(calls(here, "saveQr")).toEqual([
      [link, "png"],
      [link, "svg"],
    ]);
  });
  test("makes an invite only when asked to, once, and says what it gives", async () => {
    const here = await inviting("invite-qr");
    const plain = shown(here, "invite-link");
    await click(here, "invite-kind");
    await waitFor(() => expect(shown(here, "invite-link")).not.toBe(plain));
    expect(calls(here, "makeInvite")).toEqual([[here.place, "member", null, 7 * 86_400]]);
    expect(shown(here, "invite-gives")).toBe(text.inviting("7 days"));
    await click(here, "invite-kind");
    expect(shown(here, "invite-link")).toBe(plain);
    await click(here, "invite-kind");
    expect(calls(here, "makeInvite")).toHaveLength(1);
  });
  test("works for whoever joined, without what only keepers of the door may", async () => {
    const here = await inviting("invite-joined");
    expect(calls(here, "inviteLink")).toEqual([[key("choir"), null]]);
    for (const id of ["invite-kind", "invite-door", "host-address"])
      expect(here.screen.queryByTestId(id)).toBeNull();
  });
  test("says that a link is not enough where the room takes invites only, or nobody", async () => {
    const invite = rules(undefined, { admission: "invite" });
    const scene = (room: ReturnType<typeof choir>) => ({
      view: view({ rooms: [room] }),
      place: room.room,
    });
    const keeper = await inviting("room", scene(workshop({ settings: invite })));
    expect(shown(keeper, "invite-gives")).toBe(text.plainUseless);
    document.body.replaceChildren();
    const member = await inviting("room", scene(choir({ settings: invite })));
    expect(shown(member, "invite-gives")).toBe(text.plain("invite"));
    document.body.replaceChildren();
    const locked = rules(undefined, { locked: true });
    const shut = await inviting("room", scene(choir({ settings: locked })));
    expect(shown(shut, "invite-gives")).toBe(text.locked);
  });
  test("is not offered by whoever is not in, and is less where the platform has less", async () => {
    expect((await open("reconnecting")).screen.queryByTestId("invite")).toBeNull();
    document.body.replaceChildren();
    const here = await open("invite-qr", { capabilities: { hosting: true, nearby: false } });
    await click(here, "invite");
    expect(here.screen.queryByTestId("invite-qr")).toBeNull();
    expect(here.screen.getAllByTestId("host-address").length).toBeGreaterThan(0);
  });
});

describe("the QR code", () => {
  test("is drawn module by module, with a quiet zone of four", () => {
    const drawn = qrPath({ size: 3, rows: ["110", "001", "101"] });
    expect(QUIET).toBe(4);
    expect(drawn).toBe("M4 4h2v1h-2zM6 5h1v1h-1zM4 6h1v1h-1zM6 6h1v1h-1z");
  });
  test("is dark on white in every theme, and named", async () => {
    const here = await inviting("invite-qr");
    const svg = here.screen.getByTestId("invite-qr");
    expect(svg.querySelector("rect")?.getAttribute("fill")).toBe("#fff");
    expect(svg.querySelector("path")?.getAttribute("fill")).toBe("#000");
    const { size } = qrLike("x");
    expect(svg.getAttribute("viewBox")).toBe(`0 0 ${size + 8} ${size + 8}`);
    expect(svg.getAttribute("aria-label")).toContain("Workshop");
  });
});

describe("what is pasted into Join by address", () => {
  const given = async (typed: string, more = {}) => {
    const here = await open("start-empty", more);
    await click(here, "door-join");
    await fireEvent.input(here.screen.getByTestId("join-address"), { target: { value: typed } });
    await click(here, "join-go");
    return here;
  };
  const SHORT = handedOut("chatspot://join/x").text;
  test("a short text is read like a link, and asked about", async () => {
    const here = await given(`Hello! ${SHORT.replaceAll("\n", " ")}`);
    expect(calls(here, "readLink")).toEqual([[`Hello! ${SHORT.replaceAll("\n", " ")}`]]);
    expect(calls(here, "lookUp")).toEqual([]);
    expect(here.screen.getByTestId("link-go")).toBeTruthy();
  });
  test("a short text that is cut is said to be so, and not dialled", async () => {
    const here = await given("key: 5VEST");
    await waitFor(() => expect(shown(here, "join-error")).toContain(failure("bad_link").what));
    expect(calls(here, "lookUp")).toEqual([]);
  });
  test("words that are no invite are looked up, and told to be no address", async () => {
    const here = await given("what is this?", { found: "not_an_address" });
    await waitFor(() =>
      expect(shown(here, "join-error")).toContain(failure("not_an_address").what),
    );
  });
  test.each(["192.168.1.5", "lab4.local:4471", "[fd00::5]:4470", " 10.0.0.7 "])(
    "%j is an address, and nobody is asked whether it is an invite",
    async (address) => {
      const here = await given(address);
      expect(calls(here, "readLink")).toEqual([]);
      expect(calls(here, "lookUp")).toEqual([[address]]);
    },
  );
  test("several lines become one, with spaces where they ended", async () => {
    const here = await open("start-empty");
    await click(here, "door-join");
    const field = here.screen.getByTestId<HTMLInputElement>("join-address");
    const event = new Event("paste", { bubbles: true, cancelable: true });
    Object.assign(event, { clipboardData: { getData: () => `${SHORT}\r\n` } });
    await fireEvent(field, event);
    await settle();
    expect(event.defaultPrevented).toBe(true);
    expect(field.value).toBe(SHORT.replace(/\n/g, " "));
    await click(here, "join-go");
    expect(here.screen.getByTestId("link-go")).toBeTruthy();
  });
});
