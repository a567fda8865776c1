/** Names, lists and numbers within sentences. See `../words.ts`. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name for use within a sentence: one written from right to left must not turn the words around it. */
export function isolated(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}

/** "1 other", "3 others". */
export function others(count: number): string {
  return count === 1 ? "1 other" : `${count} others`;
}

/** "Ada", "Ada and Ben", "Ada, Ben and Cleo", "Ada, Ben and 3 others". */
export function list(names: readonly string[], most = 3): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names;
  const rest = names.length - shown.length;
  const parts = rest > 0 ? [...shown, others(rest)] : shown;
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}

/** "1 day", "30 days". */
export function days(count: number): string {
  return count === 1 ? "1 day" : `${count} days`;
}

/** "5 seconds", "1 minute", "2 hours": a pause or a life, in its largest whole unit. */
export function span(seconds: number): string {
  const [size, unit] =
    [[86_400, "day"] as const, [3_600, "hour"] as const, [60, "minute"] as const].find(
      ([size]) => seconds % size === 0 && seconds > 0,
    ) ?? ([1, "second"] as const);
  const count = seconds / size;
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}
