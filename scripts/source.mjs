// Reads source text well enough to search it: comments, and if asked for string contents, become
// blanks of the same length, so that line numbers stay. Knows nothing of what is searched for.

const blank = (text) => text.replace(/[^\n]/g, " ");

/**
 * The tokens that hide code, one alternative each. A quote that opens no token (a lifetime, a stray
 * one in a pattern) is passed over; so is an escaped character outside of strings, as in a
 * JavaScript pattern.
 */
const RUST =
  /(?<comment>\/\/[^\n]*)|(?<block>\/\*)|(?<raw>\bb?c?r(?<hashes>#*)"[\s\S]*?"\k<hashes>(?!#))|(?<string>"(?:[^"\\]|\\[\s\S])*")|(?<char>'(?:[^'\\\n]|\\(?:u\{[^}]*\}|x..|.))')/g;
const SCRIPT =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|`(?:[^`\\]|\\[\s\S])*`)|(?<escape>\\.)/g;

/**
 * Rust without comments and without `#[cfg(test)]` items; `strings: false` blanks what strings
 * contain, too.
 */
export function rustCode(text, { strings = false } = {}) {
  const bare = stripRust(text, false);
  const shown = strings ? stripRust(text, true) : bare;
  let code = shown;
  for (const [start, end] of testItems(bare))
    code = code.slice(0, start) + blank(code.slice(start, end)) + code.slice(end);
  return code;
}

function stripRust(text, keepStrings) {
  let out = "";
  let at = 0;
  RUST.lastIndex = 0;
  for (let token = RUST.exec(text); token; token = RUST.exec(text)) {
    const { comment, block, raw, string } = token.groups;
    const end = block ? endOfBlock(text, token.index) : RUST.lastIndex;
    const body = text.slice(token.index, end);
    const shown = comment || block ? blank(body) : keepStrings ? body : quoted(body, raw ?? string);
    out += text.slice(at, token.index) + shown;
    RUST.lastIndex = at = end;
  }
  return out + text.slice(at);
}

/**
 * A string's quotes without its contents; a character literal vanishes whole, so that braces in it
 * do not count.
 */
const quoted = (body, string) => (string ? `"${blank(body.slice(1, -1))}"` : blank(body));

/** Where a block comment ends; Rust's nest. */
function endOfBlock(text, start) {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  let depth = 0;
  for (let found = edge.exec(text); found; found = edge.exec(text)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return text.length;
}

/**
 * The ranges of items under `#[cfg(test)]`: to the matching brace, the semicolon, or the end of
 * what it stands in.
 */
function testItems(bare) {
  return [...bare.matchAll(/#\[cfg\(test\)\]/g)].map(({ index }) => {
    let depth = 0;
    for (let at = index + "#[cfg(test)]".length; at < bare.length; at += 1) {
      const char = bare[at];
      if ("{([".includes(char)) depth += 1;
      if ("})]".includes(char)) depth -= 1;
      if (depth < 0 || (depth === 0 && (char === "}" || char === ";"))) return [index, at + 1];
    }
    return [index, bare.length];
  });
}

/**
 * Every path that Rust code names, as `{ path, index }`: those of `use` trees written out, and
 * those in expressions.
 */
export function rustPaths(code) {
  const found = [];
  const uses = /\buse\s+([^;]+);/g;
  const rest = code.replace(uses, (all, tree, index) => {
    for (const path of expand(tree)) found.push({ path, index });
    return blank(all);
  });
  for (const { 0: path, index } of rest.matchAll(/\b\w+(?:\s*::\s*\w+)+/g)) {
    found.push({ path: path.replace(/\s/g, ""), index });
  }
  return found;
}

/** `a::{b, c::{d, e as f}}` as `a::b`, `a::c::d`, `a::c::e`. */
function expand(tree, before = "") {
  const paths = [];
  let depth = 0;
  let start = 0;
  const text = tree.replace(/\sas\s+\w+/g, "").replace(/\s/g, "");
  for (let at = 0; at <= text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (at < text.length && (text[at] !== "," || depth > 0)) continue;
    const part = text.slice(start, at);
    start = at + 1;
    const open = part.indexOf("{");
    if (open >= 0)
      paths.push(
        ...expand(part.slice(open + 1, part.lastIndexOf("}")), before + part.slice(0, open)),
      );
    else if (part) paths.push((before + part).replace(/^::/, "").replace(/::self$/, ""));
  }
  return paths;
}

/**
 * TypeScript, or a Svelte component, without comments. Strings stay: imports and markup are in
 * them.
 */
export function pageCode(path, text) {
  if (!path.endsWith(".svelte")) return stripScript(text);
  const part =
    /(<script\b[^>]*>)([\s\S]*?)(<\/script>)|<!--[\s\S]*?-->|(<style\b[^>]*>[\s\S]*?<\/style>)/g;
  return text.replace(part, (all, open, script, close, style) => {
    if (open) return open + stripScript(script) + close;
    return style ?? blank(all);
  });
}

function stripScript(text) {
  return text.replace(SCRIPT, (token, ...rest) => (rest.at(-1).comment ? blank(token) : token));
}

/** The line, counted from 1, of an index. */
export const lineOf = (text, index) => text.slice(0, index).split("\n").length;
