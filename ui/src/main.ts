/** Where the window begins: chooses the transport, subscribes, mounts. */
import { mount } from "svelte";
import Root from "./components/Root.svelte";
import { Actions } from "./state/actions";
import { ChatState } from "./state/chat.svelte";
import { Drafts } from "./state/drafts.svelte";
import { Prefs } from "./state/prefs.svelte";
import { Reading } from "./state/reading.svelte";
import { Ui } from "./state/ui.svelte";
import { tauri } from "./transport/tauri";
import { asFailure, type Transport } from "./transport/transport";

/** In the window, Tauri; in a plain browser the scene that the address names, for looking at it. */
async function transportHere(ui: Ui): Promise<Transport> {
  if ("__TAURI_INTERNALS__" in window) return tauri();
  const { fakeOf } = await import("./transport/fake");
  const { transport, place } = fakeOf(
    new URLSearchParams(location.search).get("scene") ?? "first-run",
  );
  ui.go(place);
  return transport;
}

async function start(): Promise<void> {
  const ui = new Ui();
  const transport = await transportHere(ui);
  const chat = new ChatState();
  const drafts = new Drafts();
  const reading = new Reading();
  const desk = {
    chat,
    ui,
    prefs: new Prefs(),
    drafts,
    reading,
    actions: new Actions(transport, ui, drafts, reading),
  };
  mount(Root, { target: document.body, props: { desk } });
  // Twice: the first callback comes before the frame that shows what was mounted, the second after it.
  requestAnimationFrame(() => requestAnimationFrame(() => transport.painted().catch(() => {})));
  try {
    await transport.subscribe((update) => chat.apply(update));
  } catch (thrown) {
    ui.broken = asFailure(thrown);
  }
}

start();
