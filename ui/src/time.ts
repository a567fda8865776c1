/** Times as people read them, in the language and zone of this computer. */
import { dayOf } from "./state/timeline";
import { words } from "./words";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DAY_OF_OTHER_YEAR = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "long",
  year: "numeric",
});
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_MS = 24 * 60 * 60_000;

/** "14:32" */
export function clock(at: number): string {
  return CLOCK.format(at);
}

/** "2:32", for a margin too narrow for the half of the day. */
export function narrowClock(at: number): string {
  const parts = CLOCK.formatToParts(at).filter(({ type }) => type !== "dayPeriod");
  return parts
    .map(({ value }) => value)
    .join("")
    .trim();
}

/** "Monday, 3 June 2030 at 14:32:07" */
export function full(at: number): string {
  return FULL.format(at);
}

/** "Today", "Yesterday", "Monday, 3 June" */
export function day(at: number, now: number): string {
  if (dayOf(at) === dayOf(now)) return words.today;
  if (dayOf(at) === dayOf(now - DAY_MS)) return words.yesterday;
  return (
    new Date(at).getFullYear() === new Date(now).getFullYear() ? DAY : DAY_OF_OTHER_YEAR
  ).format(at);
}

/** The shortest that still says when: "14:32", "Mon", "3 Jun" */
export function brief(at: number, now: number): string {
  if (dayOf(at) === dayOf(now)) return CLOCK.format(at);
  return (Math.abs(now - at) < 6 * DAY_MS ? WEEKDAY : DATE).format(at);
}
