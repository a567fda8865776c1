/**
 * How the person at this window likes it: theme, send key, zoom, whether the members show, which room was in front.
 * Written down on the other side of the transport as one JSON text; what the first frame needs is also kept here.
 */
import type { RoomId } from "../generated/protocol";
import { drop, keep, kept } from "./keep";
import { Saver } from "./saver";

export const THEMES = ["system", "light", "dark"] as const;
export const SEND_KEYS = ["enter", "ctrlEnter"] as const;
export type Theme = (typeof THEMES)[number];
export type SendKey = (typeof SEND_KEYS)[number];

/** Zoom in per cent: below, text cannot be read; above, a narrow window holds no words. */
const ZOOM = { least: 70, usual: 100, most: 200, step: 10 };
/** Some settings change several times in a row: written down this long after the last time. */
const KEEP_AFTER_MS = 300;

function oneOf<T>(values: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => values.includes(value as T);
}
const isTheme = oneOf(THEMES);
const isSendKey = oneOf(SEND_KEYS);
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isText = (value: unknown): value is string => typeof value === "string";
const isZoom = (value: unknown): value is number =>
  typeof value === "number" && value >= ZOOM.least && value <= ZOOM.most;

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export class Prefs {
  readonly #saver: Saver<string>;
  #theme = $state<Theme>(kept("theme", isTheme, "system"));
  #zoom = $state(kept("zoom", isZoom, ZOOM.usual));
  #sendKey = $state<SendKey>("enter");
  #members = $state(true);
  #place: RoomId | null = null;
  /** Settings of a later version: kept as they are. */
  #rest: Record<string, unknown> = {};
  #taken = false;
  #systemIsDark = $state(false);

  constructor(save: (text: string) => Promise<unknown>) {
    this.#saver = new Saver(save, KEEP_AFTER_MS);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    this.#systemIsDark = dark.matches;
    dark.addEventListener("change", () => {
      this.#systemIsDark = dark.matches;
    });
  }

  /** Takes what was written down. Nothing yet: what an older version kept in the web view is taken over, once. */
  take(text: string): void {
    if (this.#saver.dirty) return;
    const first = !this.#taken;
    this.#taken = true;
    if (text === "") {
      if (first) this.#takeOver();
      return;
    }
    const { theme, zoom, sendKey, members, place, ...rest } = parsed(text);
    this.#rest = rest;
    if (isTheme(theme)) this.#theme = theme;
    if (isZoom(zoom)) this.#zoom = zoom;
    if (isSendKey(sendKey)) this.#sendKey = sendKey;
    if (isBoolean(members)) this.#members = members;
    this.#place = isText(place) ? place : null;
    this.#cache();
  }

  /** Whatever changed is written down now. */
  flush(): Promise<void> {
    return this.#saver.flush();
  }

  get theme(): Theme {
    return this.#theme;
  }
  set theme(theme: Theme) {
    this.#theme = theme;
    this.#save();
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
    this.#save();
  }
  /** Whether the member list stands beside a room, where there is space for it. */
  get members(): boolean {
    return this.#members;
  }
  set members(shown: boolean) {
    this.#members = shown;
    this.#save();
  }
  /** The room that was in front. */
  get place(): RoomId | null {
    return this.#place;
  }
  set place(place: RoomId | null) {
    if (place === this.#place) return;
    this.#place = place;
    this.#save();
  }
  get zoom(): number {
    return this.#zoom;
  }
  /** One step larger or smaller, or the usual size. */
  zoomBy(steps: -1 | 0 | 1): void {
    const zoom = steps === 0 ? ZOOM.usual : this.#zoom + steps * ZOOM.step;
    this.#zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, zoom));
    this.#save();
  }

  #takeOver(): void {
    this.#sendKey = kept("sendKey", isSendKey, this.#sendKey);
    this.#members = kept("members", isBoolean, this.#members);
    this.#place = kept<string | null>("place", isText, null);
    for (const key of ["sendKey", "members", "place"]) drop(key);
    this.#save();
  }

  #save(): void {
    this.#cache();
    // Before the first snapshot it is not known what would be overwritten.
    if (!this.#taken) return;
    this.#saver.put(
      JSON.stringify({
        ...this.#rest,
        theme: this.#theme,
        zoom: this.#zoom,
        sendKey: this.#sendKey,
        members: this.#members,
        place: this.#place,
      }),
    );
  }

  #cache(): void {
    keep("theme", this.#theme);
    keep("zoom", this.#zoom);
  }
}
