/** What the tests' DOM lacks, and a clean slate before each test. */
import { beforeEach } from "vitest";

globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};

beforeEach(() => {
  localStorage.clear();
  document.body.replaceChildren();
});
