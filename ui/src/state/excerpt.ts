/** The part of a message that a search is about, in pieces, so that components can mark what was searched for. */

/** A piece of a text. */
export interface Piece {
  readonly text: string;
  readonly hit: boolean;
}

/** Letters before the first match, and in all: two or three lines of a list. */
const BEFORE = 40;
const MOST = 200;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Without case and accents, as people search. */
function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The text around the first match of `query`, or its start, with every match marked. */
export function excerpt(text: string, query: string): readonly Piece[] {
  // Folding may change how many letters there are: each folded one remembers which of the text it is of.
  const letters = [...graphemes.segment(text.replace(/\s+/gu, " ").slice(0, 20_000))].map(
    ({ segment }) => segment,
  );
  let folded = "";
  const letterOf: number[] = [];
  for (const [at, letter] of letters.entries()) {
    const plain = fold(letter);
    folded += plain;
    for (let unit = 0; unit < plain.length; unit++) letterOf.push(at);
  }
  const whole = fold(query.trim().replace(/\s+/gu, " "));
  const terms = folded.includes(whole) ? [whole] : whole.split(" ");
  const hit = new Set<number>();
  for (const term of terms) {
    if (term === "") continue;
    for (let at = folded.indexOf(term); at >= 0; at = folded.indexOf(term, at + term.length))
      for (let unit = at; unit < at + term.length; unit++) hit.add(letterOf[unit] ?? 0);
  }
  const first = hit.size > 0 ? Math.min(...hit) : 0;
  const from = first <= BEFORE ? 0 : first - BEFORE;
  const to = Math.min(letters.length, from + MOST);
  const pieces: { text: string; hit: boolean }[] = [];
  for (let at = from; at < to; at++) {
    const last = pieces.at(-1);
    const letter = letters[at] ?? "";
    if (last && last.hit === hit.has(at)) last.text += letter;
    else pieces.push({ text: letter, hit: hit.has(at) });
  }
  if (from > 0) pieces.unshift({ text: "…", hit: false });
  if (to < letters.length) pieces.push({ text: "…", hit: false });
  return pieces;
}
