/** What the web view keeps between starts, as JSON in localStorage: a cache for the first frame. Losing it costs nothing. */

/** What was kept under `key`, or `otherwise` when there is nothing that `fits`. */
export function kept<T>(key: string, fits: (value: unknown) => value is T, otherwise: T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`chatspot.${key}`) ?? "null");
    return fits(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps `value` under `key`. A full or forbidden storage is no error that anybody could act on. */
export function keep(key: string, value: unknown): void {
  try {
    localStorage.setItem(`chatspot.${key}`, JSON.stringify(value));
  } catch {
    // Kept in memory until the window closes.
  }
}

/** Keeps nothing under `key` any more. */
export function drop(key: string): void {
  try {
    localStorage.removeItem(`chatspot.${key}`);
  } catch {
    // What cannot be reached is not read again either.
  }
}
