/** Rooms nearby, as the window lists, joins and looks for them. */
import { cleanup, fireEvent, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Nearby, NearbyRoom, Vanished, Way } from "../src/generated/protocol";
import { Places } from "../src/state/nearby";
import { away, near, nearby } from "../src/transport/around";
import { choir, key, recents, view } from "../src/transport/cast";
import { ago, failure, scanned, nearby as text, vanished, way, ways } from "../src/words";
import { open, settle } from "./desk";

type Window = Awaited<ReturnType<typeof open>>;
const calls = ({ fake }: Window, name: string) =>
  fake.calls.filter(([call]) => call === name).map(([, ...args]) => args);
const click = async ({ screen }: Window, id: string, at = 0) => {
  await fireEvent.click(screen.getAllByTestId(id)[at] as Element);
  await settle();
};
const names = ({ screen }: Window, id = "nearby-room") =>
  screen.queryAllByTestId(id).map(({ dataset }) => dataset.roomName ?? dataset.room);
const line = ({ screen }: Window, name: string) => {
  const found = screen.getAllByTestId("nearby-room").find((it) => it.dataset.roomName === name);
  if (!found) throw new Error(`no line ${name}`);
  return found;
};
const start = (found: Nearby, more: Partial<ReturnType<typeof view>> = {}) =>
  open("start-empty", { view: view({ nearby: found, ...more }) });
const tell = (here: Window, found: Nearby) => here.tell({ change: "nearby", nearby: found });

describe("a room nearby", () => {
  test("is joined by one click, and shown", async () => {
    const here = await start(nearby([near("a", "Circle", 3)]));
    await click(here, "nearby-room");
    expect(calls(here, "joinNearby")).toEqual([[key("a")]]);
    await waitFor(() => expect(here.screen.getByTestId("room-title").textContent).toBe("Circle"));
    expect(calls(here, "join")).toEqual([]);
  });
  test("is joined once, however often it is clicked meanwhile", async () => {
    const here = await start(nearby([near("a", "Circle", 3), near("b", "Other", 1)]));
    await click(here, "nearby-room");
    await click(here, "nearby-room");
    await click(here, "nearby-room", 1);
    expect(calls(here, "joinNearby")).toEqual([[key("a")]]);
  });
  test("that is open or hosted here is gone to, not joined", async () => {
    const here = await start(nearby([near("choir", "Choir practice", 3)]), { rooms: [choir()] });
    expect(line(here, "Choir practice").textContent).toContain(text.open);
    await click(here, "nearby-room");
    expect(here.screen.getByTestId("room-title").textContent).toBe("Choir practice");
    expect(calls(here, "joinNearby")).toEqual([]);
  });
  test("that cannot be joined says why in its place", async () => {
    const here = await open("nearby-failing");
    await click(here, "nearby-room");
    await waitFor(() =>
      expect(here.screen.getByTestId("nearby-error").textContent).toContain(
        failure("room_not_there").what,
      ),
    );
    expect(here.screen.getByTestId("nearby-error").closest("li")).toBe(
      here.screen.getAllByTestId("nearby-room")[0]?.closest("li"),
    );
  });
  test("f83 with another key shows both keys, and no way on", async () => {
    const known = { known: "key_changed", room: key("old"), fingerprint: "aaaa" } as const;
    const here = await start(nearby([near("a", "Circle", 3, { known, fingerprint: "bbbb" })]));
    await click(here, "nearby-room");
    expect(here.screen.getByTestId("key-known").textContent).toBe("aaaa");
    expect(here.screen.getByTestId("key-offered").textContent).toBe("bbbb");
    await click(here, "changed-close");
    expect(calls(here, "joinNearby")).toEqual([]);
  });
  test("says who hosts it, how many are in, how one comes in and how it was found", async () => {
    const here = await start(
      nearby([
        near("a", "Circle", 3, { host: "Emil", ways: [{ way: "introduced", by: "Ben" }] }),
        near("b", "Fresh", 1, { proof: "unchecked" }),
        near("c", "Shut", 1, { locked: true, admission: "open" }),
      ]),
    );
    const said = line(here, "Circle").textContent?.replace(/\s+/g, " ") ?? "";
    for (const part of ["hosted by Emil", "3 online", "passcode", "told by Ben"])
      expect(said).toContain(part);
    expect(line(here, "Circle").dataset).toMatchObject({
      room: key("a"),
      life: "here",
      proof: "proven",
      way: "introduced",
    });
    expect(line(here, "Fresh").textContent).toContain(text.checking);
    expect(line(here, "Shut").textContent).toContain("locked");
  });
  test("f74 where something else answers in its place, it cannot be clicked", async () => {
    const here = await start(nearby([near("a", "Circle", 3, away("not_itself"))]));
    expect(line(here, "Circle").textContent).toContain(vanished.not_itself.short);
    await click(here, "nearby-room");
    expect(calls(here, "joinNearby")).toEqual([]);
  });
  test("that is said to be full or locked, or that is known, is asked all the same", async () => {
    const rooms = [
      near("a", "Full", 3, { full: true }),
      near("b", "Locked", 3, { locked: true, full: true, proof: "unchecked" }),
      near("c", "Known", 3, { ...away("not_itself"), known: { known: "joined" } }),
    ];
    for (const [at, room] of rooms.entries()) {
      const here = await start(nearby(rooms));
      await click(here, "nearby-room", at);
      expect(calls(here, "joinNearby"), room.name).toEqual([[room.room]]);
      cleanup();
    }
  });
});

describe("the list", () => {
  const [a, b, c] = [near("a", "A", 1), near("b", "B", 1), near("c", "C", 1)];
  test("keeps its order: who goes fades in place, who comes stands at the end", async () => {
    const here = await start(nearby([b, c]));
    await tell(here, nearby([a, c, { ...b, ...away("closed") }]));
    expect(names(here)).toEqual(["B", "C", "A"]);
    expect(line(here, "B").dataset).toMatchObject({ life: "away", why: "closed" });
    expect(line(here, "B").textContent).toContain(vanished.closed.short);
    await tell(here, nearby([a, c]));
    await waitFor(() => expect(names(here)).toEqual(["C", "A"]));
  });
  test("a room stands once: nearby while it is there, else among those joined before", async () => {
    const [print, jam] = [near("print", "Print room", 2), near("jam", "Tool jam", 0)];
    const here = await start(nearby([print, { ...jam, ...away("not_seen") }]), { recents });
    expect(names(here)).toEqual(["Print room"]);
    const earlier = () =>
      here.screen.getAllByTestId("recent-room").map(({ dataset }) => [dataset.room, dataset.why]);
    expect(earlier()).toEqual([
      [key("jam"), "not_seen"],
      [key("ship"), undefined],
    ]);
    expect(here.screen.getAllByTestId("recent-room")[0]?.textContent).toContain("offline");
    await tell(here, nearby([print, jam]));
    expect(names(here)).toEqual(["Print room", "Tool jam"]);
    expect(earlier()).toHaveLength(1);
  });
  test("who was seen leaving stays in sight until the page is made anew", () => {
    const lists = (places: Places, rooms: NearbyRoom[]) => places.lists(rooms, [], recents);
    const places = new Places();
    const print = near("print", "Print room", 2);
    const gone = { ...print, ...away("silent") };
    lists(places, [print]);
    expect(lists(places, [gone]).near).toEqual([gone]);
    expect(lists(places, [gone]).before).toHaveLength(2);
    const anew = lists(new Places(), [gone]);
    expect(anew.near).toEqual([]);
    expect(anew.before[0]).toEqual({ recent: recents[0], near: gone });
  });
  test("a room joined before that is here is joined where it is now, else where it was", async () => {
    const here = await open("room", {
      view: view({ rooms: [choir()], recents, nearby: nearby([near("print", "Print room", 2)]) }),
      place: key("choir"),
    });
    expect(here.screen.getAllByTestId("rejoin")).toHaveLength(3);
    expect(here.screen.getAllByTestId("recent-room")[0]?.textContent).toContain(text.hereNow);
    await click(here, "rejoin");
    expect(calls(here, "joinNearby")).toEqual([[key("print")]]);
    await click(here, "rejoin", 1);
    expect(calls(here, "join")).toHaveLength(1);
    expect(calls(here, "join")[0]?.[0]).toBe("tj-laptop.local:4472");
  });
  test("fifty rooms at once are all there", async () => {
    expect(names(await open("nearby-many"))).toHaveLength(50);
  });
});

describe("looking", () => {
  const hide = (state: "visible" | "hidden") => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    return fireEvent(document, new Event("visibilitychange"));
  };
  afterEach(() => {
    Reflect.deleteProperty(document, "visibilityState");
  });
  test("goes on while the page is in view and the window can be seen", async () => {
    const here = await start(nearby([near("choir", "Choir practice", 1)]), { rooms: [choir()] });
    const last = () => calls(here, "lookNearby").at(-1);
    expect(last()).toEqual([true]);
    await hide("hidden");
    expect(last()).toEqual([false]);
    await hide("visible");
    expect(last()).toEqual([true]);
    await click(here, "nearby-room");
    expect(last()).toEqual([false]);
    const times = calls(here, "lookNearby").length;
    await hide("hidden");
    expect(calls(here, "lookNearby")).toHaveLength(times);
  });
  test("rests while a narrow window shows the list of rooms in its place", async () => {
    const width = window.innerWidth;
    const resize = (to: number) => {
      Object.defineProperty(window, "innerWidth", { value: to, configurable: true });
      return fireEvent(window, new Event("resize"));
    };
    await resize(400);
    const here = await start(nearby());
    const last = () => calls(here, "lookNearby").at(-1);
    expect(last()).toEqual([true]);
    here.ui.listShown = true;
    await settle();
    expect(last()).toEqual([false]);
    await resize(1_000);
    await settle();
    expect(last()).toEqual([true]);
    await resize(width);
  });
  test("that was turned off where ChatSpot was started says so when it is wanted", async () => {
    const here = await open("nearby-off", { deaf: true });
    await click(here, "discovery-on");
    expect(here.ui.alert?.code).toBe("no_discovery");
    expect(here.screen.getByTestId("nearby-empty").dataset.state).toBe("off");
    expect(document.body.textContent).toContain(failure("no_discovery").next);
  });
  test("that is off says so, and is turned on there or in the settings", async () => {
    const here = await open("nearby-off");
    expect(here.screen.getByTestId("nearby-empty").dataset.state).toBe("off");
    expect(here.screen.queryByTestId("scan")).toBeNull();
    await click(here, "discovery-on");
    expect(calls(here, "setDiscovery")).toEqual([["on"]]);
    expect(here.screen.getByTestId("nearby-empty").dataset.state).toBe("searching");
    await click(here, "settings");
    await click(here, "settings-rooms");
    const toggle = here.screen.getByTestId<HTMLInputElement>("discovery-toggle");
    expect(toggle.checked).toBe(true);
    await click(here, "discovery-toggle");
    expect(calls(here, "setDiscovery").at(-1)).toEqual(["off"]);
  });
  test("without a network says so", async () => {
    const here = await open("nearby-no-network");
    expect(here.screen.getByTestId("nearby-empty").textContent).toContain(text.noNetwork);
    expect(here.screen.queryByTestId("scan")).toBeNull();
    expect(here.screen.getAllByTestId("doctor")).toHaveLength(1);
  });
  test("is not there at all where the platform cannot", async () => {
    const here = await open("nearby", { capabilities: { hosting: true, nearby: false } });
    for (const id of ["nearby", "nearby-room", "doctor", "scan"])
      expect(here.screen.queryByTestId(id)).toBeNull();
    expect(calls(here, "lookNearby")).toEqual([]);
    expect(here.screen.getAllByTestId("rejoin")).toHaveLength(3);
    await click(here, "settings");
    await click(here, "settings-rooms");
    expect(here.screen.queryByTestId("discovery-toggle")).toBeNull();
  });

  describe("for a while", () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });
    test("and in vain: what to do next, each with its button", async () => {
      const here = await open("nearby-nothing");
      const empty = () => here.screen.getByTestId("nearby-empty");
      expect(empty().dataset.state).toBe("searching");
      await vi.advanceTimersByTimeAsync(5_000);
      await settle();
      expect(empty().dataset.state).toBe("nothing");
      expect(here.screen.getAllByTestId("doctor")).toHaveLength(1);
      await click(here, "nothing-join");
      expect(here.screen.getByTestId("join-address")).toBeTruthy();
    });
    test("reads out only how many there are, and once for all that come together", async () => {
      const here = await start(nearby());
      const told = () => here.screen.getByTestId("nearby-count").textContent;
      for (let count = 1; count <= 3; count++) {
        await tell(here, nearby(Array.from({ length: count }, (_, at) => near(`${at}`, "N", 1))));
        await vi.advanceTimersByTimeAsync(500);
        expect(told()).toBe("");
      }
      await vi.advanceTimersByTimeAsync(1_500);
      await settle();
      expect(told()).toBe("3 rooms nearby");
    });
    test("the scan begins at a click, tells how far it is, and can be stopped", async () => {
      const here = await start(nearby());
      await click(here, "scan");
      expect(calls(here, "scan")).toEqual([[]]);
      expect(here.screen.getByTestId<HTMLButtonElement>("scan").disabled).toBe(true);
      await vi.advanceTimersByTimeAsync(600);
      await settle();
      expect(here.screen.getByTestId("scan-state").textContent).toContain("Tried 64 of 254");
      await click(here, "stop-scan");
      expect(calls(here, "stopScan")).toEqual([[]]);
      expect(here.screen.getByTestId("scan-state").textContent).toContain("Stopped after 64");
      expect(here.screen.queryByTestId("stop-scan")).toBeNull();
      expect(here.screen.getByTestId<HTMLButtonElement>("scan").disabled).toBe(false);
    });
  });
});

describe("hidden rooms", () => {
  test("are made so when they are hosted, and nothing is said of it otherwise", async () => {
    const here = await open("start-empty");
    await click(here, "door-host");
    await click(here, "host-hidden");
    await click(here, "host-go");
    await waitFor(() => expect(calls(here, "hostRoom")).toHaveLength(1));
    expect(calls(here, "hostRoom")[0]?.[1]).toMatchObject({ hidden: true });
  });
  test("are hidden and shown by their rules", async () => {
    const here = await open("door");
    await click(here, "room-menu");
    await click(here, "door");
    await click(here, "hidden");
    expect(calls(here, "setSettings").at(-1)?.[1]).toMatchObject({ hidden: true });
  });
});

// Checked by the compiler: a kind that is missing here does not build.
const WAYS = {
  hosted: { way: "hosted" },
  mdns: { way: "mdns" },
  multicast: { way: "multicast" },
  broadcast: { way: "broadcast" },
  answer: { way: "answer" },
  remembered: { way: "remembered" },
  introduced: { way: "introduced", by: "Ben" },
  scanned: { way: "scanned" },
} satisfies Record<Way["way"], Way>;

describe("words", () => {
  test("every way has its own, short and long", () => {
    const all = Object.values(WAYS);
    expect(new Set(all.map(way)).size).toBe(all.length);
    expect(new Set(all.map((one) => ways([one]))).size).toBe(all.length);
    expect(ways([WAYS.mdns, WAYS.introduced])).toBe(
      "Found: by mDNS, as printers are and told by Ben, who is in a room with you",
    );
  });
  test("every reason for being away has its own", () => {
    const whys = Object.keys(vanished) as Vanished[];
    expect(new Set(whys.map((why) => vanished[why].short)).size).toBe(whys.length);
    for (const why of whys) expect(vanished[why].means).toMatch(/^[A-Z].*\.$/);
  });
  test.each([
    [2_000, "just now"],
    [12_000, "12 seconds ago"],
    [100_000, "2 minutes ago"],
    [5_400_000, "2 hours ago"],
    [3 * 86_400_000, "3 days ago"],
    [-50_000, "just now"],
  ])("%d ms: %s", (ms, words) => expect(ago(1_000_000_000 - ms, 1_000_000_000)).toBe(words));
  test("a scan", () => {
    const scan = { tried: 10, of: 254, done: false, found: 0 };
    expect(scanned(scan)).toBe("Tried 10 of 254 addresses: nobody with ChatSpot answered so far.");
    expect(scanned({ ...scan, done: true, found: 1 })).toContain("Stopped after 10 of 254");
    expect(scanned({ tried: 254, of: 254, done: true, found: 2 })).toBe(
      "Tried all 254 addresses: 2 computers with ChatSpot answered.",
    );
  });
});
