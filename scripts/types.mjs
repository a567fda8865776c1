// Writes ui/src/generated/protocol.ts anew from the Rust types of crates/protocol.

import { main, run } from "./steps.mjs";

await main(() =>
  run("cargo", ["test", "-p", "chatspot-protocol", "--test", "types"], {
    env: { CHATSPOT_UPDATE_TYPES: "1" },
  }),
);
