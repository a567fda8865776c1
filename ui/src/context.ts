/** What every component can reach without it being handed down: the chat, the window's own state, what one can do. */
import { createContext } from "svelte";
import type { Actions } from "./state/actions";
import type { ChatState } from "./state/chat.svelte";
import type { Drafts } from "./state/drafts.svelte";
import type { History } from "./state/history.svelte";
import type { NearbyActions } from "./state/nearby";
import type { Passcodes } from "./state/passcodes";
import type { Prefs } from "./state/prefs.svelte";
import type { Reading } from "./state/reading.svelte";
import type { TrustActions } from "./state/trust";
import type { Ui } from "./state/ui.svelte";

export interface Desk {
  readonly chat: ChatState;
  readonly ui: Ui;
  readonly prefs: Prefs;
  readonly drafts: Drafts;
  readonly reading: Reading;
  readonly history: History;
  readonly actions: Actions;
  readonly trust: TrustActions;
  readonly nearby: NearbyActions;
  readonly passcodes: Passcodes;
}

export const [useDesk, setDesk] = createContext<Desk>();
