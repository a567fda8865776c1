// Sees every never fail: a small tree that keeps them all, and each case breaks one of them in one
// place.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { broken } from "./nevers.mjs";

/** A manifest; the dependencies are path crates, so that cargo needs no registry. */
const manifest = (name, ...dependencies) =>
  `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2024"\n[dependencies]\n${dependencies.join("\n")}\n`;
const on = (name, folder) => `${name} = { path = "${folder}" }`;
const protocol = on("chatspot-protocol", "../protocol");

/** Mentions much that is banned, in the places and ways in which it is allowed. */
const CLEAN = {
  "Cargo.toml": `[workspace]\nmembers = ["crates/*"]\nexclude = ["stubs"]\nresolver = "3"\n${manifest(
    "chatspot",
    ...["client", "relay", "protocol"].map((name) => on(`chatspot-${name}`, `crates/${name}`)),
  )}[lib]\npath = "src-tauri/src/lib.rs"\n`,
  "crates/protocol/Cargo.toml": manifest("chatspot-protocol"),
  "crates/protocol/src/lib.rs": `//! Never std::time::Instant.
use std::{net::{IpAddr, Ipv4Addr}, time::Duration};
/* std::fs /* nested */ tokio::spawn */
const QUOTED: (&str, char) = ("std::fs::read \\" {", '{');
#[cfg(test)]
mod tests { use std::time::Instant; fn f<'a>(a: &'a str) { std::fs::read(a); } }
`,
  "crates/client/Cargo.toml": `${manifest("chatspot-client", protocol)}[dev-dependencies]\n${on("chatspot-relay", "../relay")}\n`,
  "crates/client/src/lib.rs": "mod store;\n// No rustls here.\n",
  "crates/client/src/store.rs":
    'use rusqlite::Connection;\nconst ALL: &str = r#"SELECT * FROM outbox"#;\n',
  "crates/relay/Cargo.toml": `# Takes no ui/dist in.\n${manifest("chatspot-relay", protocol)}`,
  "crates/relay/src/lib.rs": "use tokio::sync::mpsc;\nfn f() { let x = mpsc::channel(8); }\n",
  "crates/relay/src/http.rs": "use hyper::body::Bytes;\n",
  "crates/relay/src/conn/upgrade.rs": "use hyper_util::rt::TokioIo;\n",
  "crates/relay/src/tls.rs": "use tokio_rustls::TlsAcceptor;\n",
  "crates/relay/tests/it.rs":
    "use chatspot_client as _;\nfn f() { std::sync::mpsc::channel::<u8>(); }\n",
  "src-tauri/src/lib.rs": "pub fn run() { /* ServerFrame */ }\n",
  "ui/src/components/Room.svelte": `<script lang="ts">
  // Never {@html}, never "../transport".
  import { Kind } from "../generated/protocol";
  let { chat } = $props();
  const same = chat.me === chat.rooms[0].me && chat.rooms.length >= 2;
</script>
<!-- {@html text} -->
<p>{chat.rooms.map((room) => room.name)}</p>
`,
  "ui/src/state/chat.svelte.ts":
    "export function apply(chat, update) { chat.me = update.me; chat.rooms.push(1); }\n",
  "ui/src/transport/scenes.ts": 'export const said = "A bold {@html} claim";\n',
  "ui/src/transport/tauri.ts":
    'import { Channel } from "@tauri-apps/api/core";\nexport const go = (chat) => chat.apply({});\n',
};

/** What breaks which never: files put into the clean tree, or text added to one of its files. */
const CASES = [
  [
    1,
    "a dependency",
    {
      "crates/protocol/Cargo.toml": manifest("chatspot-protocol", on("rand", "../../stubs/rand")),
      ...stub("rand"),
    },
  ],
  [
    1,
    "a clock in a use tree",
    { "crates/protocol/src/a.rs": "use std::{fmt, time::{Duration, Instant}};\n" },
  ],
  [
    1,
    "a clock in a path",
    { "crates/protocol/src/a.rs": "fn f() { std::time::SystemTime::now(); }\n" },
  ],
  [
    1,
    "a clock by half a path",
    { "crates/protocol/src/a.rs": "use std::time;\nfn f() { time::Instant::now(); }\n" },
  ],
  [1, "files", { "crates/protocol/src/a.rs": "fn f() { std::fs::read(p); }\n" }],
  [
    1,
    "the network",
    { "crates/protocol/src/a.rs": "use std::net::{Ipv4Addr, TcpStream as Stream};\n" },
  ],
  [1, "a thread", { "crates/protocol/src/a.rs": "use std::thread;\n" }],
  [1, "randomness", { "crates/protocol/src/a.rs": "fn f() { getrandom::fill(b); }\n" }],
  [
    1,
    "tokio after a test",
    {
      "crates/protocol/src/a.rs":
        '#[cfg(test)]\nmod t { const A: &str = "}"; }\nuse tokio::sync::Mutex;\n',
    },
  ],
  [
    1,
    "nothing bound to the connection",
    {
      "crates/protocol/Cargo.toml": `${manifest("chatspot-protocol")}[features]\nunbound = []\n`,
      "crates/relay/Cargo.toml": manifest(
        "chatspot-relay",
        'chatspot-protocol = { path = "../protocol", features = ["unbound"] }',
      ),
    },
  ],
  [
    2,
    "relay on client",
    {
      "crates/relay/Cargo.toml": manifest(
        "chatspot-relay",
        protocol,
        on("chatspot-client", "../client"),
      ),
      "crates/client/Cargo.toml": manifest("chatspot-client", protocol),
    },
  ],
  [
    2,
    "an unknown crate",
    {
      "crates/extra/Cargo.toml": manifest("extra", on("chatspot-relay", "../relay")),
      "crates/extra/src/lib.rs": "",
    },
  ],
  [3, "rusqlite", { "crates/relay/src/room.rs": "fn f() -> rusqlite::Result<()> { todo() }\n" }],
  [
    3,
    "SQL text",
    {
      "crates/relay/src/room.rs":
        'const A: &str = "\\\n  INSERT OR IGNORE INTO events VALUES (?1)";\n',
    },
  ],
  [3, "SQL in the shell", { "src-tauri/src/paths.rs": 'const A: &str = "SELECT 1";\n' }],
  [3, "rustls", { "crates/client/src/driver.rs": "use rustls::ClientConfig;\n" }],
  [3, "hyper", { "crates/relay/src/hub.rs": "use hyper::Request;\n" }],
  [3, "hyper in the client's http", { "crates/client/src/http.rs": "use hyper::Request;\n" }],
  [
    4,
    "a kind of message",
    { "src-tauri/src/bridge.rs": "fn f(b: &Body) { match b { Body::Message(_) => {} } }\n" },
  ],
  [4, "a frame", { "src-tauri/src/bridge.rs": "use chatspot_protocol::wire::ServerFrame;\n" }],
  [
    5,
    "Tauri in a component",
    {
      "ui/src/components/A.svelte":
        '<script>\nimport { invoke } from "@tauri-apps/api/core";\n</script>\n',
    },
  ],
  [
    5,
    "a transport in a component",
    { "ui/src/components/a.ts": 'import type { Transport } from "../transport/transport";\n' },
  ],
  [5, "HTML in markup", { "ui/src/pages/A.svelte": "<p>// {@html text}</p>\n" }],
  [5, "HTML in code", { "ui/src/a.ts": 'const url = "http://a"; node.innerHTML = url;\n' }],
  [6, "an assignment", { "ui/src/a.ts": "chat.me = null;\n" }],
  [6, "a deep assignment", { "ui/src/a.ts": "this.chat.rooms[0].name ||= name;\n" }],
  [
    6,
    "a mutation",
    { "ui/src/components/A.svelte": "<script>\nchat.rooms.push(room);\n</script>\n" },
  ],
  [6, "a binding", { "ui/src/components/A.svelte": "<input bind:value={chat.me.name} />\n" }],
  [
    7,
    "tokio's",
    { "crates/client/src/a.rs": "fn f() { tokio::sync::mpsc::unbounded_channel::<Vec<u8>>(); }\n" },
  ],
  [7, "async-channel's", { "crates/client/src/a.rs": "use async_channel::unbounded as open;\n" }],
  [
    7,
    "the standard library's",
    { "src-tauri/src/a.rs": "use std::sync::mpsc;\nfn f() { let (a, b) = mpsc::channel(); }\n" },
  ],
  [
    8,
    "the built pages",
    {
      "crates/relay/src/page.rs":
        'const PAGE: &str = include_str!("../../../ui/dist/index.html");\n',
    },
  ],
  [8, "an embedded folder", { "crates/relay/build.rs": "include_dir!(PAGES);\n" }],
  [
    8,
    "Tauri below",
    {
      "crates/relay/Cargo.toml": manifest(
        "chatspot-relay",
        protocol,
        on("shell", "../../stubs/shell"),
      ),
      ...stub("shell", on("tauri", "../tauri")),
      ...stub("tauri"),
    },
  ],
];

function stub(name, ...dependencies) {
  return {
    [`stubs/${name}/Cargo.toml`]: manifest(name, ...dependencies),
    [`stubs/${name}/src/lib.rs`]: "",
  };
}

function brokenIn(files) {
  const root = mkdtempSync(join(tmpdir(), "nevers-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return broken(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("a tree that keeps them all", () => assert.deepEqual(brokenIn(CLEAN), []));

test("an empty tree", () => assert.deepEqual(brokenIn({}), []));

for (const [never, what, files] of CASES) {
  test(`never ${never}: ${what}`, () => {
    const found = brokenIn({ ...CLEAN, ...files });
    assert.deepEqual([...new Set(found.map((each) => each.never))], [never], JSON.stringify(found));
  });
}

test("the line is named", () => {
  const [found] = brokenIn({ "ui/src/a.ts": "/* a\n*/\nnode.outerHTML;\n" });
  assert.equal(found.where, "ui/src/a.ts:3");
});
