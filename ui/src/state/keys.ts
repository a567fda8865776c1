/** Which key does what. Pure: an event in, a meaning out. */
import type { SendKey } from "./prefs.svelte";

/** The parts of a keyboard event that matter here. */
export type Key = Pick<
  KeyboardEvent,
  "key" | "keyCode" | "isComposing" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey"
>;

/** What the window does on a key, wherever the focus is. */
export type Command =
  | { readonly do: "switcher" | "shortcuts" }
  | { readonly do: "search"; readonly everywhere: boolean }
  | { readonly do: "zoom"; readonly steps: -1 | 0 | 1 }
  | { readonly do: "room"; readonly by: -1 | 1; readonly unread: boolean };

/** Whether an input method is at work on this key. WebKit ends a composition before the key, hence the 229. */
export function isComposing(key: Key): boolean {
  return key.isComposing || key.keyCode === 229;
}

/** The command of a key, if it is one. */
export function commandOf(key: Key): Command | null {
  if (isComposing(key)) return null;
  const control = key.ctrlKey || key.metaKey;
  if (control && !key.altKey) {
    if (key.key.toLowerCase() === "k" && !key.shiftKey) return { do: "switcher" };
    if (key.key.toLowerCase() === "f") return { do: "search", everywhere: key.shiftKey };
    if (key.key === "/") return { do: "shortcuts" };
    if (key.key === "+" || key.key === "=") return { do: "zoom", steps: 1 };
    if (key.key === "-") return { do: "zoom", steps: -1 };
    if (key.key === "0") return { do: "zoom", steps: 0 };
  }
  if (key.altKey && !control) {
    if (key.key === "ArrowUp") return { do: "room", by: -1, unread: key.shiftKey };
    if (key.key === "ArrowDown") return { do: "room", by: 1, unread: key.shiftKey };
  }
  return null;
}

/** Whether this key sends what is typed. */
export function sends(key: Key, sendKey: SendKey): boolean {
  if (key.key !== "Enter" || isComposing(key) || key.altKey) return false;
  const control = key.ctrlKey || key.metaKey;
  return sendKey === "enter" ? !key.shiftKey && !control : control;
}
