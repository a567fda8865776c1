/** Where the window begins: chooses the transport, subscribes, mounts. */
import { mount } from "svelte";
import Root from "./components/Root.svelte";
import { connect, deskOver } from "./state/desk";
import { tauri } from "./transport/tauri";
import type { Transport } from "./transport/transport";

/** In the window, Tauri; in a plain browser the scene that the address names, for looking at it. */
async function transportHere(): Promise<{ transport: Transport; place: string | null }> {
  if ("__TAURI_INTERNALS__" in window) return { transport: tauri(), place: null };
  const { fakeOf } = await import("./transport/fake");
  return fakeOf(new URLSearchParams(location.search).get("scene") ?? "first-run");
}

async function start(): Promise<void> {
  const { transport, place } = await transportHere();
  const desk = deskOver(transport);
  desk.ui.start(place);
  mount(Root, { target: document.body, props: { desk } });
  // Twice: the first callback comes before the frame that shows what was mounted, the second after it.
  requestAnimationFrame(() => requestAnimationFrame(() => transport.painted().catch(() => {})));
  await connect(desk, transport);
}

start();
