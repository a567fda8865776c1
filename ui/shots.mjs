/**
 * Renders every scene of src/transport/scenes.ts from ui/dist, light and dark, wide to narrow, and fails when a page
 * logs an error or breaks the window's content policy: `node ui/shots.mjs OUTDIR [SCENE…]`, after `vite build ui`.
 */
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const DIST = fileURLToPath(new URL("./dist", import.meta.url));
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src ipc: http://ipc.localhost; base-uri 'none'; form-action 'none'; object-src 'none'";
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};
const VIEWS = [
  { name: "light", width: 1180, height: 760, theme: "light" },
  { name: "dark", width: 1180, height: 760, theme: "dark" },
  { name: "medium", width: 800, height: 600, theme: "light" },
  { name: "narrow", width: 360, height: 640, theme: "light" },
  { name: "narrow-dark", width: 360, height: 640, theme: "dark" },
];

const byId = (page, id) => page.getByTestId(id);
const WORKSHOP = "room";
/** What is rendered: a scene, and what somebody does in it first. */
const SHOTS = [
  ...[
    "loading",
    "broken",
    "first-run",
    "start-empty",
    "start-with-recents",
    "room",
    "room-host-alone",
    "room-other-port",
  ],
  ...[
    "room-no-network",
    "connecting",
    "reconnecting",
    "closed-by-host",
    "failed-message",
    "long-names",
    "many-members",
  ],
  ...["typing", "stopped-hosting", "no-port", "html-injection", "quit-asked"],
  ...["long-ago", "unread-far", "filling", "not-kept", "nothing-kept", "deeds", "not-saved"],
  ...["refused", "recovered"],
  ...["passcode", "passcode-wrong", "passcode-again", "knocking", "knocks", "key-changed"],
  ...["banned", "kicked", "locked", "invite-needed", "bad-invite", "not-local", "denied"],
  ...["slow-down", "unverified", "link-asked", "link-damaged"],
  ...["compare-asked", "compare-waiting", "compare-codes", "compare-matched"],
  ...["compare-stopped", "compare-broken", "rich", "unproven", "deleted", "muted", "slow", "acts"],
  ...["keychain-locked", "keychain-empty"],
  ...["nearby", "nearby-few", "nearby-many", "nearby-empty", "nearby-off", "nearby-no-network"],
  ...["nearby-leaving", "scan", "scanned"],
].map((scene) => ({ name: scene, scene, act: async () => {} }));
const shot = (name, scene, act) => SHOTS.push({ name, scene, act });

async function lookUp(page) {
  await byId(page, "door-join").click();
  await byId(page, "join-address").fill("192.168.1.57");
  await byId(page, "join-go").click();
}
shot("first-run-error", "first-run", async (page) => {
  await byId(page, "name-field").fill("   ");
  await byId(page, "name-go").click();
  await byId(page, "name-error").waitFor();
});
shot("host-dialog", "start-empty", (page) => byId(page, "door-host").click());
shot("join-dialog", "start-empty", (page) => byId(page, "door-join").click());
shot("join-busy", "join-error", lookUp);
shot("join-error", "join-error", async (page) => {
  await lookUp(page);
  await byId(page, "join-error").waitFor();
});
shot("choose-room", "choose-room", async (page) => {
  await lookUp(page);
  await byId(page, "choose-room").first().waitFor();
});
shot("invite", WORKSHOP, (page) => byId(page, "invite").click());
shot("room-menu", WORKSHOP, (page) => byId(page, "room-menu").click());
shot("stop-hosting", WORKSHOP, async (page) => {
  await byId(page, "room-menu").click();
  await byId(page, "stop-hosting").click();
});
shot("settings", WORKSHOP, async (page) => {
  if (await byId(page, "back").isVisible()) await byId(page, "back").click();
  await byId(page, "settings").click();
});
shot("switcher", WORKSHOP, (page) => page.keyboard.press("Control+k"));
shot("shortcuts", WORKSHOP, (page) => page.keyboard.press("Control+/"));
shot("members", WORKSHOP, (page) => byId(page, "members-toggle").click());
shot("sidebar", WORKSHOP, async (page) => {
  if (await byId(page, "back").isVisible()) await byId(page, "back").click();
});
shot("long-draft", WORKSHOP, (page) =>
  byId(page, "composer").fill(
    Array.from({ length: 14 }, (_, at) => `Line ${at + 1} of a long draft`).join("\n"),
  ),
);
shot("draft-over", WORKSHOP, (page) => byId(page, "composer").fill("ä".repeat(8_200)));
shot("sent", WORKSHOP, async (page) => {
  await byId(page, "composer").fill("One more thing: the key hangs by the door.");
  await byId(page, "composer").press("Enter");
  await page.waitForTimeout(500);
});
shot("scrolled-up", "long-names", async (page) => {
  await byId(page, "composer").press("PageUp");
  await byId(page, "composer").press("PageUp");
  await byId(page, "jump").waitFor();
});
shot("unread", WORKSHOP, async (page) => {
  if (await byId(page, "back").isVisible()) await byId(page, "back").click();
  await byId(page, "sidebar-room").filter({ hasText: "Choir" }).click();
  await byId(page, "unread-line").waitFor();
});
shot("edit-unsent", "reconnecting", async (page) => {
  await byId(page, "composer").fill("Two lines\nof something else");
  await byId(page, "message").nth(2).hover();
  await byId(page, "message").nth(2).getByText("Edit").click();
  await byId(page, "editing").waitFor();
});
shot("ask-to-rejoin", "start-with-recents", async (page) => {
  await page.keyboard.press("Control+k");
  await page.keyboard.press("Enter");
  await byId(page, "confirm").waitFor();
});
shot("back-to-unread", "busy", async (page) => {
  await page.evaluate(() => window.dispatchEvent(new Event("blur")));
  await page.waitForTimeout(2_500);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await byId(page, "to-unread").waitFor();
});
const fromMenu = (entry) => async (page) => {
  await byId(page, "room-menu").click();
  await byId(page, entry).click();
};
shot("host-dialog-days", "start-empty", async (page) => {
  await byId(page, "door-host").click();
  await byId(page, "retention").selectOption("custom");
  await byId(page, "retention-days").fill("0");
});
shot("retention", WORKSHOP, async (page) => {
  await fromMenu("change-retention")(page);
  await byId(page, "retention").selectOption("30");
});
shot("retention-longer", "long-ago", async (page) => {
  await fromMenu("change-retention")(page);
  await byId(page, "retention").selectOption("forever");
});
shot("retention-told", "nothing-kept", (page) => byId(page, "retention-shown").click());
shot("leave", "reconnecting", fromMenu("leave-room"));
shot("remove", "stopped-hosting", fromMenu("leave-room"));
shot("export", WORKSHOP, fromMenu("export-room"));
shot("exported", WORKSHOP, async (page) => {
  await fromMenu("export-room")(page);
  await byId(page, "export-go").click();
  await byId(page, "export-path").waitFor();
});
shot("forget", "start-with-recents", async (page) => {
  await byId(page, "rejoin").first().hover();
  await byId(page, "forget-recent").first().click();
});
shot("search-empty", WORKSHOP, (page) => page.keyboard.press("Control+f"));
shot("search", "long-ago", async (page) => {
  await page.keyboard.press("Control+Shift+F");
  await byId(page, "search-field").fill("the b");
  await byId(page, "search-hit").first().waitFor();
  await page.keyboard.press("ArrowDown");
});
shot("search-none", WORKSHOP, async (page) => {
  await page.keyboard.press("Control+f");
  await byId(page, "search-field").fill("zeppelin");
  await byId(page, "search-none").waitFor();
});
shot("found", "long-ago", async (page) => {
  await page.keyboard.press("Control+f");
  await byId(page, "search-field").fill("(1234)");
  await byId(page, "search-hit").first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".found").waitFor();
});
shot("message-acts", WORKSHOP, async (page) => {
  await byId(page, "message").nth(3).hover();
  await byId(page, "mark-unread").waitFor();
});
shot("marked-unread", WORKSHOP, async (page) => {
  await byId(page, "message").nth(3).hover();
  await byId(page, "mark-unread").click();
  await byId(page, "unread-line").waitFor();
});
shot("far-back", "long-ago", async (page) => {
  for (let screens = 0; screens < 40; screens++) {
    await byId(page, "composer").press("Home");
    await page.waitForTimeout(20);
  }
  await byId(page, "jump").waitFor();
});
const fromBadge = async (page) => {
  await byId(page, "security-badge").click();
  await byId(page, "security-state").waitFor();
};
shot("security", WORKSHOP, fromBadge);
shot("security-unverified", "unverified", fromBadge);
shot("door", "door", fromMenu("door"));
shot("door-end", "door", async (page) => {
  await fromMenu("door")(page);
  await byId(page, "invite-make").click();
  await byId(page, "invite-link").scrollIntoViewIfNeeded();
  await byId(page, "door-close").scrollIntoViewIfNeeded();
});
shot("door-moderator", "door-moderator", fromMenu("door"));
shot("revoke", "door", async (page) => {
  await fromMenu("door")(page);
  await byId(page, "invite-revoke").first().click();
});
shot("roles", "roles", async (page) => {
  if (!(await byId(page, "member").first().isVisible())) await byId(page, "members-toggle").click();
});
const member = (at) => async (page) => {
  if (!(await byId(page, "member").first().isVisible())) await byId(page, "members-toggle").click();
  await byId(page, "member-open").nth(at).click();
  await page.waitForTimeout(100);
};
shot("member", WORKSHOP, member(2));
shot("member-looks-like", "roles", member(2));
shot("ban", WORKSHOP, async (page) => {
  await member(2)(page);
  await byId(page, "ban").click();
});
shot("open-link", "rich", (page) => byId(page, "link").nth(1).click());
shot("delete", WORKSHOP, async (page) => {
  await byId(page, "message").last().hover();
  await byId(page, "message-delete").click();
});
shot("join-changed", "choose-room", async (page) => {
  await lookUp(page);
  await byId(page, "choose-room").last().click();
  await byId(page, "key-known").waitFor();
});
shot("join-link", "start-empty", async (page) => {
  await byId(page, "door-join").click();
  await byId(page, "join-address").fill("chatspot://join/AQEAIJ2hYx0m5T9kPq3vWz7");
  await byId(page, "join-go").click();
  await byId(page, "link-go").waitFor();
});
const settingsPage = (which, more) => async (page) => {
  if (await byId(page, "back").isVisible()) await byId(page, "back").click();
  await byId(page, "settings").click();
  await byId(page, `settings-${which}`).check({ force: true });
  await more?.(page);
};
shot("settings-look", WORKSHOP, settingsPage("look"));
shot("known-rooms", WORKSHOP, settingsPage("rooms"));
shot(
  "identity-export",
  WORKSHOP,
  settingsPage("you", async (page) => {
    await byId(page, "identity-export").click();
    await byId(page, "passphrase").fill("short");
    await byId(page, "identity-save").click();
    await byId(page, "passphrase-short").waitFor();
  }),
);
shot(
  "identity-import",
  WORKSHOP,
  settingsPage("you", (page) => byId(page, "identity-import").click()),
);
shot("nearby-nothing", "nearby-nothing", (page) => page.waitForTimeout(4_200));
shot("nearby-end", "nearby", (page) => byId(page, "nearby-room").last().scrollIntoViewIfNeeded());
shot("nearby-changed", "nearby", async (page) => {
  await page.locator("[data-room-name=Canteen]").click();
  await byId(page, "key-known").waitFor();
});
shot("nearby-failing", "nearby-failing", async (page) => {
  await byId(page, "nearby-room").first().click();
  await byId(page, "nearby-error").waitFor();
});
const examine = async (page) => {
  await byId(page, "doctor").click();
  await byId(page, "doctor-verdict").waitFor();
};
shot("doctor-busy", "doctor", (page) => byId(page, "doctor").click());
shot("doctor-bad", "doctor", examine);
shot("doctor-end", "doctor", async (page) => {
  await examine(page);
  await byId(page, "doctor-copy").scrollIntoViewIfNeeded();
});
shot("doctor-good", "doctor-well", examine);
shot("doctor-failing", "doctor-failing", async (page) => {
  await byId(page, "doctor").click();
  await byId(page, "doctor-error").waitFor();
});
const inviting = async (page) => {
  await byId(page, "invite").click();
  await byId(page, "invite-qr").waitFor();
};
shot("invite-qr", "invite-qr", async (page) => {
  await inviting(page);
  await byId(page, "save-qr").click();
  await byId(page, "qr-path").waitFor();
});
shot("invite-end", "invite-qr", async (page) => {
  await inviting(page);
  await byId(page, "invite-kind").check({ force: true });
  await page.waitForTimeout(400);
  await byId(page, "invite-close").scrollIntoViewIfNeeded();
});
shot("invite-joined", "invite-joined", inviting);
shot("invite-only", "invite-only", inviting);
shot("zoomed", WORKSHOP, async (page) => {
  for (let step = 0; step < 5; step++) await page.keyboard.press("Control+=");
});

async function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const path = normalize(pathname === "/" ? "/index.html" : pathname);
    try {
      const body = await readFile(join(DIST, path));
      response
        .writeHead(200, {
          "content-type": TYPES[extname(path)] ?? "application/octet-stream",
          "content-security-policy": CSP,
        })
        .end(body);
    } catch {
      response.writeHead(path === "/favicon.ico" ? 204 : 404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

const [outdir, ...only] = process.argv.slice(2);
if (!outdir || outdir.startsWith("-")) throw new Error("usage: node ui/shots.mjs OUTDIR [SCENE…]");
await mkdir(outdir, { recursive: true });
const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
});
const problems = [];
const jobs = VIEWS.flatMap((view) =>
  SHOTS.filter(({ name }) => only.length === 0 || only.includes(name)).map((shot) => ({
    view,
    shot,
  })),
);

async function render({ view, shot }) {
  const { name: viewName, width, height, theme } = view;
  const { name, scene, act } = shot;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme });
  page.setDefaultTimeout(8_000);
  const problem = (text) => problems.push(`${name} ${viewName}: ${text}`);
  page.on(
    "console",
    (message) => ["error", "warning"].includes(message.type()) && problem(message.text()),
  );
  page.on("pageerror", (error) => problem(String(error)));
  page.on("dialog", (dialog) => {
    problem(`a script ran: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/?scene=${scene}`);
  // Long enough for what a scene does by itself.
  await page.waitForTimeout(500);
  await act(page).catch((error) => problem(error.message));
  await page.waitForTimeout(["join-busy", "doctor-busy"].includes(name) ? 30 : 250);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wider > 0) problem(`${wider} px wider than the window`);
  await page.screenshot({ path: join(outdir, `${name}-${viewName}.png`) });
  await page.close();
}

/** Pages rendered at a time. */
const AT_ONCE = 4;
try {
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await render(job);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
} finally {
  await browser.close();
  server.close();
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
