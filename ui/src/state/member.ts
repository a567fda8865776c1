/** What the eye gets from a member's or room's key: a stable hue, the short tag, initials. Hints, never proofs. */
import type { MemberId, RoomId } from "../generated/protocol";

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** The tag that `MemberId::tag` gives in Rust: the first twenty bits, in base 32. Here for authors who are not present. */
export function tagOf(member: MemberId): string {
  let bits = 0;
  for (const letter of member.slice(0, 4))
    bits = (bits << 6) | Math.max(0, BASE64URL.indexOf(letter));
  return [19, 14, 9, 4].map((shift) => BASE32[(bits >> shift) & 31]).join("");
}

/** Hues far enough apart to be told from each other at the size of an avatar. */
const HUES = 18;

/** A stable hue in degrees for a key. */
export function hueOf(id: MemberId | RoomId): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return ((hash >>> 8) % HUES) * (360 / HUES);
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function firstOf(word: string): string {
  return graphemes.segment(word)[Symbol.iterator]().next().value?.segment ?? "";
}

/** One or two letters for an avatar: of the first and the last word, or the first alone. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s_.-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = words[0] ?? name;
  const last = words.length > 1 ? words.at(-1) : undefined;
  return (firstOf(first) + (last === undefined ? "" : firstOf(last))).toLocaleUpperCase();
}
