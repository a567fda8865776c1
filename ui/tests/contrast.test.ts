/** Every pair of text and ground that is in use meets WCAG AA in both themes, avatars of every hue included. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const css = readFileSync(join(import.meta.dirname, "../src/styles/tokens.css"), "utf8");

function tokensOf(theme: string): Map<string, string> {
  const block = css.slice(css.indexOf(`[data-theme="${theme}"]`)).split("}")[0] ?? "";
  return new Map(
    [...block.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
}

type Rgb = readonly [number, number, number];

function hex(text: string): Rgb {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16) / 255);
  return [linear(r ?? 0), linear(g ?? 0), linear(b ?? 0)];
}
const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);

/** Linear RGB of an OKLCH colour (Björn Ottosson's matrices). */
function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const within = (c: number) => Math.min(1, Math.max(0, c));
  return [
    within(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    within(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    within(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [one, other]
    .map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b)
    .sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT: readonly (readonly [string, readonly string[]])[] = [
  [
    "--ink",
    [
      "--page",
      "--side",
      "--raise",
      "--hover",
      "--select",
      "--accent-soft",
      "--warn-soft",
      "--bad-soft",
      "--accent-line",
    ],
  ],
  [
    "--ink-2",
    ["--page", "--side", "--raise", "--hover", "--select", "--accent-soft", "--bad-soft"],
  ],
  ["--ink-3", ["--page", "--side", "--raise", "--hover", "--select"]],
  ["--accent", ["--page", "--side", "--raise", "--hover", "--select", "--accent-soft"]],
  ["--accent-ink", ["--accent", "--accent-hover"]],
  ["--warn", ["--page", "--raise", "--hover", "--warn-soft"]],
  ["--bad", ["--page", "--raise", "--bad-soft"]],
  ["--bad-ink", ["--bad"]],
];
/** Shapes that must be told from their ground: WCAG 1.4.11. */
const SHAPES: readonly (readonly [string, readonly string[]])[] = [
  ["--field-line", ["--page", "--raise"]],
  ["--accent", ["--page", "--raise", "--side"]],
  ["--good", ["--page", "--side", "--raise"]],
  ["--ink-3", ["--raise", "--hover"]],
];

for (const theme of ["light", "dark"]) {
  const tokens = tokensOf(theme);
  const colour = (name: string) => hex(tokens.get(name) ?? "");

  for (const [pairs, least] of [
    [TEXT, 4.5],
    [SHAPES, 3],
  ] as const) {
    for (const [front, grounds] of pairs) {
      test.each(grounds)(`${theme}: ${front} on %s is at least ${least} to 1`, (ground) => {
        expect(contrast(colour(front), colour(ground))).toBeGreaterThanOrEqual(least);
      });
    }
  }

  test(`${theme}: initials can be read on every avatar`, () => {
    const number = (name: string) => Number(tokens.get(name));
    for (let hue = 0; hue < 360; hue += 5) {
      const ground = oklch(number("--tile-l"), number("--tile-c"), hue);
      const ink = oklch(number("--tile-ink-l"), number("--tile-ink-c"), hue);
      expect(contrast(ground, ink), `hue ${hue}`).toBeGreaterThanOrEqual(4.5);
    }
  });
}
