// Checks the nevers of the design (ARCHITECTURE.md) by reading the tree. Each check is a function
// below, `never` followed by its number; nevers.test.mjs breaks every one of them in a small tree
// and sees it reported.

import { lineOf, rustPaths } from "./source.mjs";
import { isMain, main, ROOT, Stop } from "./steps.mjs";
import { Tree } from "./tree.mjs";

/**
 * What the pure crate may stand on; a new name here gets the most thought of anything in a change.
 */
const PURE = [
  "bip39", // the word list alone
  "data-encoding",
  "ed25519-dalek",
  "linkify",
  "opaque-ke", // takes its randomness as an argument
  "pulldown-cmark",
  "qrcode",
  "rand_chacha", // from a seed, never from the system
  "serde",
  "serde_json",
  "sha2",
  "thiserror",
  "ts-rs",
  "unicode-normalization",
  "unicode-security",
  "unicode-segmentation",
  "url",
];

/** Who may stand on whom, outside tests. */
const ARROWS = {
  "chatspot-protocol": [],
  "chatspot-folder": [],
  "chatspot-nearby": ["chatspot-protocol"],
  "chatspot-client": ["chatspot-protocol", "chatspot-folder", "chatspot-nearby"],
  "chatspot-relay": ["chatspot-protocol", "chatspot-folder", "chatspot-nearby"],
  // Not part of the app. It starts the relay as a program.
  "chatspot-proof": ["chatspot-client", "chatspot-nearby", "chatspot-protocol"],
  // Not part of the app either. Both in one program, in a network that is none.
  "chatspot-simulation": [
    "chatspot-client",
    "chatspot-proof",
    "chatspot-protocol",
    "chatspot-relay",
  ],
  // The shell passes the protocol's types through.
  chatspot: ["chatspot-client", "chatspot-nearby", "chatspot-relay", "chatspot-protocol"],
};

const SQL =
  /"(?:\s|\\\n)*(?:SELECT\s|WITH\s+\w+\s+AS\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(?:TABLE|INDEX|TRIGGER|VIRTUAL)\s|ALTER\s+TABLE\s|PRAGMA\s)/g;

/** Everything that is broken in the tree at `root`, as `{ never, where, what }`. */
export function broken(root) {
  const tree = new Tree(root);
  return [never1, never2, never3, never4, never5, never6, never7, never8].flatMap((check, index) =>
    check(tree).map((found) => ({ never: index + 1, ...found })),
  );
}

/** The protocol never sees tokio, a clock, files, the network or a random generator. */
function never1(tree) {
  const impure = [
    [/(?:^|::)time::(?:Instant|SystemTime|\*)/, "a clock"],
    [/^std::fs\b|(?:^|::)fs::\w/, "files"],
    [/(?:^|::)net::(?:TcpStream|TcpListener|UdpSocket|ToSocketAddrs|\*)/, "the network"],
    [/^std::(?:thread|process|env)\b|(?:^|::)thread::(?:spawn|sleep)/, "the machine"],
    [/^(?:rand|getrandom|fastrand)\b|(?:^|::)(?:OsRng|thread_rng)\b/, "a random generator"],
    [/^tokio\b/, "tokio"],
  ];
  return [
    ...tree
      .dependencies("chatspot-protocol")
      .filter((name) => !PURE.includes(name))
      .map((name) => ({
        where: "crates/protocol/Cargo.toml",
        what: `depends on ${name}, which is not on the list of pure crates`,
      })),
    // A build that binds nothing to its connection is for the tests that have to see it.
    ...tree
      .members()
      .filter(({ name }) => name !== "chatspot-proof")
      .filter(
        ({ dependencies, features }) =>
          dependencies.some((one) => one.features.includes("unbound")) ||
          Object.values(features).flat().includes("chatspot-protocol/unbound"),
      )
      .map(({ name }) => ({
        where: `the manifest of ${name}`,
        what: "turns the binding to the connection off",
      })),
    ...tree.rust("crates/protocol/src").flatMap(({ path, code }) =>
      rustPaths(code).flatMap(({ path: name, index }) => {
        const what = impure.find(([pattern]) => pattern.test(name))?.[1];
        return what
          ? [{ where: `${path}:${lineOf(code, index)}`, what: `sees ${what}: ${name}` }]
          : [];
      }),
    ),
  ];
}

/**
 * Relay and client never depend on each other, and there is no arrow that the design does not have.
 */
function never2(tree) {
  return tree.members().flatMap(({ name }) =>
    tree
      .dependencies(name)
      .filter(
        (to) => tree.members().some((member) => member.name === to) && !ARROWS[name]?.includes(to),
      )
      .map((to) => ({ where: `the manifest of ${name}`, what: `depends on ${to}` })),
  );
}

/** SQL only in a crate's store, rustls only in its tls, hyper only in the relay's http and conn. */
function never3(tree) {
  const files = [...tree.rust("crates"), ...tree.rust("src-tauri/src")];
  const outside = (room) => files.filter(({ path }) => !room.test(path));
  return [
    ...grep(
      outside(/^crates\/[^/]+\/src\/store(?:\.rs$|\/)/),
      /\brusqlite\b/g,
      "SQL outside of a store",
    ),
    ...grep(
      outside(/^crates\/[^/]+\/src\/store(?:\.rs$|\/)/),
      SQL,
      "SQL outside of a store",
      "text",
    ),
    ...grep(
      outside(/^crates\/[^/]+\/src\/tls(?:\.rs$|\/)/),
      /\b(?:\w+_)?rustls(?:_\w+)?\b/g,
      "rustls outside of a tls",
    ),
    ...grep(
      outside(/^crates\/relay\/src\/(?:http|conn)(?:\.rs$|\/)/),
      /\b(?:hyper(?:_util)?|axum)\b/g,
      "hyper outside of the relay's http and conn",
    ),
  ];
}

/** The shell decides nothing about chat: it never tells kinds of messages apart. */
function never4(tree) {
  return grep(
    tree.rust("src-tauri/src"),
    /\bBody\s*::|\b(?:ServerFrame|ClientFrame|EventBody)\b/g,
    "looks into a message",
  );
}

/** Components never import a transport or Tauri; nothing in the pages takes HTML. */
function never5(tree) {
  const pages = tree.pages("ui/src");
  const imports =
    /(?:\bfrom|\bimport)\s*\(?\s*["'`](?:@tauri-apps\/|(?:[^"'`\n]*[/-])?transports?(?:[./-][^"'`\n]*)?["'`])/g;
  const html =
    /\b(?:inner|outer)HTML\b|\binsertAdjacentHTML\b|\bsetHTML(?:Unsafe)?\b|\bcreateContextualFragment\b|\bdocument\.write/g;
  return [
    ...grep(tree.pages("ui/src/components"), imports, "a component imports a transport"),
    ...grep(pages, html, "takes HTML"),
    ...grep(
      pages.filter(({ path }) => path.endsWith(".svelte")),
      /\{@html\b/g,
      "takes HTML",
    ),
  ];
}

/**
 * Only ChatState.apply writes chat state. A best effort: it sees writes to anything that is named
 * `chat` or ends in `.chat` outside of the state's own file; that its fields are readonly is what
 * TypeScript checks.
 */
function never6(tree) {
  const place = String.raw`\bchat(?:\??\.\w+|!?\[[^\]\n]*\]|\?\.|\(\))+`;
  const written = new RegExp(
    [
      String.raw`${place}\s*(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])`,
      String.raw`${place}\s*(?:\+\+|--)`,
      String.raw`(?:\+\+|--|\bdelete\s+)(?:\w+\.)*${place}`,
      String.raw`${place}\.(?:push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin|set|add|delete|clear)\s*\(`,
      String.raw`\bbind:\w+=\{(?:\w+\.)*${place}\}`,
    ].join("|"),
    "g",
  );
  const others = tree.pages("ui/src").filter(({ path }) => path !== "ui/src/state/chat.svelte.ts");
  return grep(others, written, "writes chat state");
}

/**
 * No unbounded channel: tokio's, async-channel's and others' by name, and the standard library's
 * `channel()`.
 */
function never7(tree) {
  const what = "an unbounded channel";
  const files = [...tree.rust("crates"), ...tree.rust("src-tauri/src")];
  return [
    ...grep(
      files,
      /\bunbounded(?:_channel)?\s*(?:::\s*<[^;]*?>\s*)?\(|\bUnbounded(?:Sender|Receiver)\b/g,
      what,
    ),
    ...grep(files, /\bmpsc\s*::\s*channel\s*(?:::\s*<[^;]*?>\s*)?\(\s*\)/g, what),
    ...files.flatMap(({ path, code }) =>
      rustPaths(code)
        .filter(({ path: name }) =>
          /^std::sync::mpsc::(?:channel|\*)$|::unbounded(?:_channel)?$/.test(name),
        )
        .map(({ index }) => ({ where: `${path}:${lineOf(code, index)}`, what })),
    ),
  ];
}

/** The relay builds without the pages, and without Tauri. */
function never8(tree) {
  const pages =
    /\bui\/dist\b|\binclude_dir!|\brust[-_]embed\b|\bRustEmbed\b|\binclude_(?:str|bytes)!\s*\([^)]*\bui\//g;
  const manifest = tree.files("crates/relay", /Cargo\.toml$/).map(({ path, text }) => {
    const code = text.replace(/#[^\n]*/g, (comment) => " ".repeat(comment.length));
    return { path, text: code };
  });
  const tauri = tree.reach("chatspot-relay").find((name) => /^tauri(?:-|$)|^wry$/.test(name));
  return [
    ...grep([...tree.rust("crates/relay"), ...manifest], pages, "takes the pages in", "text"),
    ...(tauri ? [{ where: "crates/relay/Cargo.toml", what: `depends on ${tauri}` }] : []),
  ];
}

/** Where `pattern` is found, in code without strings ("code") or with them ("text"). */
function grep(files, pattern, what, kind = "code") {
  return files.flatMap((file) =>
    [...file[kind].matchAll(pattern)].map((found) => ({
      where: `${file.path}:${lineOf(file[kind], found.index)}`,
      what: `${what}: ${found[0].trim().replace(/\s+/g, " ")}`,
    })),
  );
}

if (isMain(import.meta.url)) {
  await main(() => {
    const found = broken(ROOT);
    for (const { never, where, what } of found) console.error(`never ${never}: ${where}: ${what}`);
    if (found.length > 0)
      throw new Stop(
        "The nevers are in ARCHITECTURE.md. Change the code, or the design on purpose.",
      );
    console.log("All eight nevers hold.");
  });
}
