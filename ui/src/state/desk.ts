/** Everything of one window put together over a transport: made once, by whoever opens the window. */
import type { Desk } from "../context";
import { asFailure, type Transport } from "../transport/transport";
import { Actions } from "./actions";
import { ChatState } from "./chat.svelte";
import { Drafts } from "./drafts.svelte";
import { History } from "./history.svelte";
import { NearbyActions } from "./nearby";
import { Passcodes } from "./passcodes";
import { Prefs } from "./prefs.svelte";
import { Reading } from "./reading.svelte";
import { TrustActions } from "./trust";
import { Ui } from "./ui.svelte";

/** The desk of a window. */
export function deskOver(transport: Transport): Desk {
  const chat = new ChatState();
  const prefs = new Prefs((text) => transport.setPrefs(text));
  const ui = new Ui(prefs);
  const drafts = new Drafts({
    room: (id) => chat.room(id),
    save: (room, text) => transport.saveDraft(room, text),
  });
  const reading = new Reading({
    read: (room, place) => transport.read(room, place),
    unreadFrom: (room, place) => transport.unreadFrom(room, place),
  });
  const history = new History(transport, chat, ui);
  const actions = new Actions(transport, chat, ui, drafts, prefs, reading);
  const trust = new TrustActions(transport, ui);
  const nearby = new NearbyActions(transport, chat, ui, actions);
  const passcodes = new Passcodes();
  return { chat, ui, prefs, drafts, reading, history, actions, trust, nearby, passcodes };
}

/** Subscribes the desk to what the transport tells. */
export async function connect({ chat, ui, prefs, drafts, passcodes }: Desk, transport: Transport) {
  try {
    await transport.subscribe((update) => {
      chat.apply(update);
      if (update.update === "snapshot" || update.changes.some(({ change }) => change === "prefs"))
        prefs.take(chat.prefs);
      for (const { room, link } of chat.rooms) {
        drafts.takeOver(room);
        if (link.state === "online") passcodes.forget(room);
      }
      if (update.update === "snapshot") ui.start(prefs.place);
    });
  } catch (thrown) {
    ui.broken = asFailure(thrown);
  }
}
