/** The doctor: the words for all that it can find, what it says first, its report as a text, and the dialog. */
import { fireEvent, waitFor } from "@testing-library/svelte";
import { describe, expect, test } from "vitest";
import type {
  Back,
  Checkup,
  Finding,
  Firewall,
  FirewallState,
  Level,
  Passage,
  Symptom,
} from "../src/generated/protocol";
import { ILL, WELL } from "../src/transport/around";
import { checkupText, doctor, failure, finding, ordered, verdict } from "../src/words";
import { levels } from "../src/words/doctor";
import { open, settle } from "./desk";

/** The names of all variants; checked by the compiler, as are those below. */
const PASSAGES = Object.values({
  both: { passage: "both" },
  out_only: { passage: "out_only" },
  in_only: { passage: "in_only" },
  blocked: { passage: "blocked" },
  leaves: { passage: "leaves" },
  refused: { passage: "refused", message: "Operation not permitted (os error 1)" },
} satisfies Record<Passage["passage"], Passage>);
const BACKS = Object.keys({
  reached: 0,
  no_answer: 0,
  refused: 0,
  not_itself: 0,
  declined: 0,
  unknown: 0,
} satisfies Record<Back, 0>) as Back[];
const FIREWALLS = Object.keys({
  ufw: 0,
  firewalld: 0,
  nftables: 0,
  windows: 0,
  macos: 0,
} satisfies Record<Firewall, 0>) as Firewall[];
const STATES = Object.keys({
  off: 0,
  lets: 0,
  blocks: 0,
  unsure: 0,
} satisfies Record<FirewallState, 0>) as FirewallState[];

const network = (kind: "lan" | "virtual" | "link_local") => ({
  interface: "eth0",
  kind,
  addresses: ["192.168.1.5/24"],
});
/** Everything that can be found, by what it is about. */
const ALL = {
  networks: [
    { level: "bad", symptom: "networks", networks: [] },
    { level: "doubtful", symptom: "networks", networks: [network("link_local")] },
    { level: "good", symptom: "networks", networks: [network("lan"), network("virtual")] },
    { level: "good", symptom: "networks", networks: [network("lan"), network("lan")] },
  ],
  multicast: PASSAGES.map((passage) => ({ level: "note", symptom: "multicast", passage })),
  broadcast: PASSAGES.map((passage) => ({ level: "note", symptom: "broadcast", passage })),
  peers: [0, 1, 5].map((answered) => ({ level: "note", symptom: "peers", answered })),
  port: [
    { level: "note", symptom: "port", port: { state: "not_hosting" } },
    { level: "good", symptom: "port", port: { state: "open", port: 4470, usual: true } },
    { level: "note", symptom: "port", port: { state: "open", port: 4471, usual: false } },
    { level: "bad", symptom: "port", port: { state: "closed", port: 4470 } },
  ],
  dial_back: BACKS.map((outcome) => ({
    level: "note",
    symptom: "dial_back",
    by: "Ben",
    address: "192.168.1.5:4470",
    outcome,
  })),
  deaf: [{ level: "doubtful", symptom: "deaf", port: 4470, message: "Address already in use" }],
  nobody_to_ask: [{ level: "note", symptom: "nobody_to_ask" }],
  firewall: FIREWALLS.flatMap((firewall) =>
    STATES.map((state) => ({
      level: "note" as const,
      symptom: "firewall" as const,
      firewall,
      state,
      fix: state === "blocks" ? ["first", "second"] : [],
    })),
  ),
  no_firewall: [{ level: "note", symptom: "no_firewall" }],
  vpn: [
    { level: "bad", symptom: "vpn", interface: "tun0", takes: "local_network" },
    { level: "note", symptom: "vpn", interface: "tun0", takes: "elsewhere" },
  ],
  isolation: [
    { level: "doubtful", symptom: "isolation", router: "192.168.1.1" },
    { level: "note", symptom: "isolation", router: "192.168.1.1" },
  ],
  no_router: [
    { level: "doubtful", symptom: "no_router", router: "192.168.1.1" },
    { level: "note", symptom: "no_router", router: null },
  ],
  clock: [
    { level: "good", symptom: "clock", ahead: 1 },
    { level: "doubtful", symptom: "clock", ahead: 7_200 },
    { level: "doubtful", symptom: "clock", ahead: -130 },
  ],
} satisfies Record<Symptom["symptom"], Finding[]>;
const FINDINGS: Finding[] = Object.values(ALL).flat();

const report = (...findings: Finding[]): Checkup => ({ ...WELL, findings });

describe("every finding", () => {
  test.each(FINDINGS.map((found) => [JSON.stringify(found), found] as const))(
    "%s is said in whole sentences",
    (_, found) => {
      const { name, what, means, next } = finding(found);
      expect(name).toMatch(/^[A-Z]/);
      expect(what).toMatch(/^\S.*[.]$/);
      if (means !== "") expect(means).toMatch(/^[A-Z].*[.]$/);
      if (next !== "") expect(next).toMatch(/^[A-Z].*[.:]$/);
      for (const text of [what, means, next]) expect(text).not.toMatch(/undefined|\[object|_/);
    },
  );
  test("has words of its own", () => {
    const said = FINDINGS.map((found) => `${finding(found).name} ${finding(found).what}`);
    expect(said.filter((text, at) => said.indexOf(text) !== at)).toEqual([]);
  });
  test.each(
    FINDINGS.filter(({ level }) => level === "bad" || level === "doubtful").map(
      (found) => [JSON.stringify(found), found] as const,
    ),
  )("%s: what is wrong comes with the next step", (_, found) =>
    expect(finding(found).next).not.toBe(""),
  );
  test("how far the clock is off is said in round numbers", () => {
    expect(finding({ level: "doubtful", symptom: "clock", ahead: 7_300 }).what).toContain(
      "2 hours ahead",
    );
    expect(finding({ level: "doubtful", symptom: "clock", ahead: -130 }).what).toContain(
      "2 minutes behind",
    );
  });
});

describe("what mends a firewall", () => {
  const wall = (firewall: Firewall, fix: string[]): Finding => ({
    level: "bad",
    symptom: "firewall",
    firewall,
    state: "blocks",
    fix,
  });
  test("lines for a terminal stay as they are", () => {
    const told = finding(wall("ufw", ["sudo ufw allow 4470/tcp", "sudo ufw allow 4470/udp"]));
    expect(told).toMatchObject({
      kind: "terminal",
      lines: ["sudo ufw allow 4470/tcp", "sudo ufw allow 4470/udp"],
    });
  });
  test.each<Firewall>(["windows", "macos"])(
    "settings of %s stay as they are, one or several",
    (which) => {
      const way = "Settings › Network › Firewall";
      const told = finding(wall(which, [way]));
      expect(told).toMatchObject({ kind: "settings", lines: [way] });
      expect(told.next).toContain("this setting");
      expect(finding(wall(which, [way, way])).next).toContain("these settings");
    },
  );
  test("where nothing is known, the ports are named", () => {
    const told = finding(wall("nftables", []));
    expect(told).toMatchObject({ kind: "none", lines: [] });
    expect(told.next).toContain("4470");
  });
});

describe("the verdict", () => {
  const peers = (answered: number): Finding => ({ level: "good", symptom: "peers", answered });
  test("is what is worst, however far down it stands", () => {
    const vpn: Finding = {
      level: "bad",
      symptom: "vpn",
      interface: "tun0",
      takes: "local_network",
    };
    const doubt: Finding = { level: "doubtful", symptom: "isolation", router: "10.0.0.1" };
    expect(verdict(report(doubt, peers(0), vpn))).toMatchObject({
      level: "bad",
      what: finding(vpn).what,
      next: finding(vpn).next,
    });
  });
  test("is what explains most where several are as bad", () => {
    const [none, deaf] = [ALL.networks[0], { ...ALL.multicast[3], level: "bad" }] as [
      Finding,
      Finding,
    ];
    expect(verdict(report(deaf, none)).what).toBe(finding(none).what);
  });
  test("points at the lines that mend it", () => {
    expect(verdict(ILL).next).toBe("The lines below mend it.");
  });
  test("of a doubt is no more than that", () => {
    const doubt: Finding = { level: "doubtful", symptom: "isolation", router: "10.0.0.1" };
    expect(verdict(report(doubt))).toMatchObject({ level: "doubtful" });
  });
  test("is good where nothing is wrong, and says who is to look then", () => {
    expect(verdict(report(peers(2))).what).toContain("others answer");
    expect(verdict(report(peers(0))).next).toContain("host's computer");
    expect(verdict(report())).toMatchObject({ level: "good" });
  });
});

describe("the report", () => {
  test("holds everything that is shown, worst first, and what it gives away", () => {
    const text = checkupText(ILL, "Monday, 3 June 2030 at 14:32:07");
    expect(text).toContain("Monday, 3 June 2030 at 14:32:07, ChatSpot 0.1.0, Fedora Linux 44");
    expect(text).toContain(verdict(ILL).what);
    for (const found of ILL.findings) {
      const { name, what, means, next, lines } = finding(found);
      for (const part of [name, what, means, next, ...lines]) expect(text).toContain(part);
    }
    expect(text).toContain("  $ sudo firewall-cmd --reload\n");
    expect(text).toContain("  - wlan0 (local network): 192.168.1.5/24, fe80::1c2d/64");
    expect(text).toContain(doctor.holds);
    const heads = [...text.matchAll(/^\[(.*?)\]/gm)].map(([, level]) => level);
    const order = ["bad", "doubtful", "note", "good"] as const;
    const places = heads.map((head) =>
      order.findIndex((level) => levels[level].toUpperCase() === head),
    );
    expect(places).toEqual(places.toSorted());
  });
  test("the order of levels is the same for any order of findings", () => {
    const shown = (findings: Finding[]) => ordered(findings).map(({ level }): Level => level);
    expect(shown([...ILL.findings].reverse())).toEqual(shown(ILL.findings));
  });
});

describe("the dialog", () => {
  const opened = async (scene: string) => {
    const here = await open(scene);
    await fireEvent.click(here.screen.getByTestId("doctor"));
    await settle();
    return here;
  };
  const did = ({ fake }: Awaited<ReturnType<typeof open>>, name: string) =>
    fake.calls.filter(([call]) => call === name);
  test("looks at once, says first what is wrong, and copies all of it", async () => {
    const here = await opened("doctor");
    expect(did(here, "checkUp")).toHaveLength(1);
    expect(here.screen.getByTestId("doctor-busy").textContent).toContain("15 seconds");
    expect(here.screen.getByTestId<HTMLButtonElement>("doctor-copy").disabled).toBe(true);
    await waitFor(() => expect(here.screen.getByTestId("doctor-verdict")).toBeTruthy());
    const told = here.screen.getByTestId("doctor-verdict");
    expect(told.dataset.level).toBe("bad");
    expect(told.textContent).toContain(verdict(ILL).what);
    const shown = here.screen.getAllByTestId("finding").map(({ dataset }) => dataset.symptom);
    expect(shown).toEqual(ordered(ILL.findings).map(({ symptom }) => symptom));
    await fireEvent.click(here.screen.getByTestId("doctor-copy"));
    await settle();
    const copied = did(here, "copyText")[0]?.[1] as string;
    expect(copied).toContain("sudo firewall-cmd --permanent --add-service=chatspot");
    await fireEvent.click(here.screen.getByTestId("doctor-again"));
    await settle();
    expect(did(here, "checkUp")).toHaveLength(2);
  });
  test("the lines that mend it are copied alone, without what stands around them", async () => {
    const here = await opened("doctor");
    await waitFor(() => expect(here.screen.getByTestId("doctor-verdict")).toBeTruthy());
    await fireEvent.click(here.screen.getByLabelText(doctor.copyLines));
    expect(did(here, "copyText")[0]?.[1]).toBe(
      "sudo firewall-cmd --permanent --add-service=chatspot\nsudo firewall-cmd --reload",
    );
  });
  test("that could not look says so, and lets one try again", async () => {
    const here = await opened("doctor-failing");
    await waitFor(() =>
      expect(here.screen.getByTestId("doctor-error").textContent).toContain(
        failure("internal").what,
      ),
    );
    expect(here.screen.queryByTestId("doctor-verdict")).toBeNull();
    expect(here.screen.getByTestId<HTMLButtonElement>("doctor-again").disabled).toBe(false);
  });
});
