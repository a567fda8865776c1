/** How the person at this window likes it: theme, send key, zoom, whether the members show. */
import { keep, kept } from "./keep";

export const THEMES = ["system", "light", "dark"] as const;
export const SEND_KEYS = ["enter", "ctrlEnter"] as const;
export type Theme = (typeof THEMES)[number];
export type SendKey = (typeof SEND_KEYS)[number];

/** Zoom in per cent: below, text cannot be read; above, a narrow window holds no words. */
const ZOOM = { least: 70, usual: 100, most: 200, step: 10 };

function oneOf<T>(values: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => values.includes(value as T);
}

export class Prefs {
  #theme = $state<Theme>(kept("theme", oneOf(THEMES), "system"));
  #sendKey = $state<SendKey>(kept("sendKey", oneOf(SEND_KEYS), "enter"));
  #members = $state(kept("members", (value) => typeof value === "boolean", true));
  #zoom = $state(
    kept(
      "zoom",
      (value): value is number =>
        typeof value === "number" && value >= ZOOM.least && value <= ZOOM.most,
      ZOOM.usual,
    ),
  );
  #systemIsDark = $state(false);

  constructor() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    this.#systemIsDark = dark.matches;
    dark.addEventListener("change", () => {
      this.#systemIsDark = dark.matches;
    });
  }

  get theme(): Theme {
    return this.#theme;
  }
  set theme(theme: Theme) {
    this.#theme = theme;
    keep("theme", theme);
  }
  /** The theme to show now. */
  get shownTheme(): "light" | "dark" {
    return this.#theme === "system" ? (this.#systemIsDark ? "dark" : "light") : this.#theme;
  }
  get sendKey(): SendKey {
    return this.#sendKey;
  }
  set sendKey(key: SendKey) {
    this.#sendKey = key;
    keep("sendKey", key);
  }
  /** Whether the member list stands beside a room, where there is space for it. */
  get members(): boolean {
    return this.#members;
  }
  set members(shown: boolean) {
    this.#members = shown;
    keep("members", shown);
  }
  get zoom(): number {
    return this.#zoom;
  }
  /** One step larger or smaller, or the usual size. */
  zoomBy(steps: -1 | 0 | 1): void {
    const zoom = steps === 0 ? ZOOM.usual : this.#zoom + steps * ZOOM.step;
    this.#zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, zoom));
    keep("zoom", this.#zoom);
  }
}
