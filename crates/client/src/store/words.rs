//! What a search finds: text and query are brought into one form, and the query's terms are looked for in it
//! literally. Nothing that somebody types is an operator.
//!
//! - A term is what stands between spaces. A hit holds all of them, in any order; words are found whole, and the last
//!   one also as a beginning, because it may still be being typed.
//! - Case, accents and presentation forms do not matter: `uber` finds `Über`, `strasse` finds `Straße`. A phone that
//!   writes curly quotes or long dashes writes what a keyboard writes.
//! - In scripts without spaces between words (Chinese, Japanese, Thai, ...) and in Korean, where endings are written
//!   together with the word, every character is a token of its own: a term finds its characters one after the other,
//!   wherever they stand, two of them or even one. An index of trigrams would not find words of two characters.
//! - Everything else that can be seen, `*`, `(`, `:)`, emoji, is a token of its own as well, so that `c++`, `"*` or a
//!   heart are found like words. Only the spaces between such tokens are not looked at: `:)` also finds `: )`.
//!
//! The index knows tokens between spaces and nothing of Unicode. ASCII punctuation stands in it in its full-width form
//! (U+FF01 and on), which the common form of a text never holds: so no character of the query language can get there.

use chatspot_protocol::limits::SEARCH_BYTES;
use chatspot_protocol::text::cut;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text's tokens, with a space between each two.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text
        .chars()
        .map(plain)
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|c| !is_dropped(*c))
        .nfc()
    {
        if c.is_whitespace() || c.is_control() {
            in_word = false;
            continue;
        }
        let alone = stands_alone(c);
        if !folded.is_empty() && (alone || !in_word) {
            folded.push(' ');
        }
        in_word = !alone;
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c if c.is_ascii_punctuation() => folded.extend(full_width(c)),
            c => folded.push(c),
        }
    }
    folded
}

/// The query in the index's language; none when there is nothing in it to look for. `room` is the token of the only
/// room to look in.
pub(super) fn expression(query: &str, room: Option<&str>) -> Option<String> {
    let mut terms: Vec<String> = cut(query, SEARCH_BYTES)
        .split_whitespace()
        .map(fold)
        .filter(|term| !term.is_empty())
        .collect();
    let beginning = terms
        .last()
        .is_some_and(|last| last.chars().next_back().is_some_and(|c| !stands_alone(c)));
    if terms.is_empty() {
        return None;
    }
    for term in &mut terms {
        *term = format!("\"{term}\"");
    }
    let mut expression = format!("text : ({}", terms.join(" AND "));
    if beginning {
        expression.push_str(" *");
    }
    expression.push(')');
    if let Some(room) = room {
        expression = format!("room : \"{room}\" AND {expression}");
    }
    Some(expression)
}

/// The token of a room's number.
pub(super) fn room_token(number: i64) -> String {
    format!("r{number}")
}

/// What keyboards write for what phones and word processors make of it.
fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    }
}

fn full_width(c: char) -> Option<char> {
    char::from_u32(u32::from(c) + 0xfee0)
}

/// Accents, points and signs of short vowels, which people leave out; and what takes no room on the screen. Marks of
/// other scripts are letters to their readers, and stay.
fn is_dropped(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether it is a token by itself.
fn stands_alone(c: char) -> bool {
    is_unspaced(c) || !(c.is_alphanumeric() || is_combining_mark(c))
}

/// Scripts that are written without spaces between words, and Korean.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{1950}'..='\u{19df}' | '\u{1a20}'..='\u{1aad}' | '\u{2e80}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{1b000}'..='\u{1b2ff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_folded_into_tokens() {
        for (text, folded) in [
            ("Über  Straße\n", "uber strasse"),
            (
                "I\u{307}stanbul ISPARTA ısparta",
                "istanbul isparta isparta",
            ),
            ("e\u{301}te\u{301} \u{e9}t\u{e9}", "ete ete"),
            ("don\u{2019}t", "don ＇ t"),
            ("c++", "c ＋ ＋"),
            ("你好吗", "你 好 吗"),
            ("ｶﾞ", "ガ"),
            ("\u{2764}\u{fe0f}!", "\u{2764} ！"),
            ("हिन्दी", "हिन्दी"),
            ("soft\u{ad}hyphen zero\u{200b}width", "softhyphen zerowidth"),
            ("\t \n", ""),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }

    #[test]
    fn f45_nothing_in_a_query_is_an_operator() {
        assert_eq!(
            expression("\"* OR NEAR(", None).unwrap(),
            "text : (\"＂ ＊\" AND \"or\" AND \"near （\")"
        );
        assert_eq!(
            expression("room:x caf", Some("r1")).unwrap(),
            "room : \"r1\" AND text : (\"room ： x\" AND \"caf\" *)"
        );
        assert_eq!(expression(" \u{200b} ", None), None);
    }

    #[test]
    fn a_query_is_bounded() {
        let long = expression(&"ab ".repeat(10_000), None).unwrap();
        assert!(long.matches("AND").count() < SEARCH_BYTES);
    }
}
