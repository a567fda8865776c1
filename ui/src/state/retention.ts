/** How long a room's messages are kept, as the window compares and edits it. */
import { type Days, LIMITS, type Retention } from "../generated/protocol";

/** Numbers of days that are offered; others can be typed. */
export const DAYS = [7, 30, 90, 365] as const;

/** How many days; null for ever, zero for nothing. */
export function daysOf(retention: Retention): number | null {
  switch (retention.keep) {
    case "forever":
      return null;
    case "days":
      return Number(retention.days);
    case "nothing":
      return 0;
  }
}

/** The retention of so many days; null for ever, zero for nothing. */
export function retentionOf(days: number | null): Retention {
  if (days === null) return { keep: "forever" };
  if (days === 0) return { keep: "nothing" };
  return { keep: "days", days: days as unknown as Days };
}

/** Whether so many days can be kept. */
export function isDays(days: number): boolean {
  return Number.isInteger(days) && days >= 1 && days <= LIMITS.retentionDays;
}

/** The number of days that somebody typed, in plain digits; null when it is none that can be kept. */
export function daysTyped(text: string): number | null {
  const days = /^\d+$/.test(text.trim()) ? Number(text) : 0;
  return isDays(days) ? days : null;
}

/** Whether going from one to the other deletes what would have been kept. */
export function shortens(from: Retention, to: Retention): boolean {
  const most = Number.POSITIVE_INFINITY;
  return (daysOf(to) ?? most) < (daysOf(from) ?? most);
}
