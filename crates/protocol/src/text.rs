//! Names and message texts as they may enter a room: the one place where text from outside is cleaned or refused.

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{MAX_NAME_BYTES, MAX_NAME_GRAPHEMES, MAX_REACTION_BYTES, MAX_TEXT_BYTES};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing visible is left of it.
    #[error("there is nothing visible in it")]
    Empty,
    /// Over [`MAX_NAME_GRAPHEMES`], [`MAX_NAME_BYTES`] or [`MAX_TEXT_BYTES`].
    #[error("it is too long")]
    TooLong,
    /// A name with control characters or line breaks.
    #[error("it holds control characters")]
    Control,
}

/// Characters that change the direction of what follows: in a name they can make it read as another.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take no room on the screen by themselves.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || is_bidi_control(c)
        || matches!(c, '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn clean_name(text: &str) -> Result<String, BadText> {
    // A cheap bound before any work on a text of unknown size.
    if text.len() > 8 * MAX_NAME_BYTES {
        return Err(BadText::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(BadText::Control);
    }
    let visible: String = text
        .chars()
        .filter(|c| !is_bidi_control(*c))
        .nfc()
        .collect();
    let name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().all(is_invisible) {
        return Err(BadText::Empty);
    }
    if name.len() > MAX_NAME_BYTES || name.graphemes(true).count() > MAX_NAME_GRAPHEMES {
        return Err(BadText::TooLong);
    }
    Ok(name)
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $clean:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
        pub struct $name(String);

        impl $name {
            /// Cleans a text from outside, or says why it cannot be one.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                ($clean)(text).map(Self)
            }

            /// The clean text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

text! {
    /// A member's display name: NFC, one line, no control or direction characters, something visible in it. Only a
    /// label; who somebody is says the [`crate::ids::MemberId`].
    DisplayName, clean_name
}
text! {
    /// A room's name, under the same rules as a [`DisplayName`].
    RoomName, clean_name
}
text! {
    /// A message: any Unicode, lines ended by `\n`, no other control characters than tab, something visible in it.
    MessageText, clean_message
}

text! {
    /// A reaction: one or a few emoji or letters, at most [`MAX_REACTION_BYTES`], one line.
    Reaction, clean_reaction
}

fn clean_reaction(text: &str) -> Result<String, BadText> {
    let reaction = clean_name(text)?;
    if reaction.len() > MAX_REACTION_BYTES {
        return Err(BadText::TooLong);
    }
    Ok(reaction)
}

fn clean_message(text: &str) -> Result<String, BadText> {
    if text.len() > 4 * MAX_TEXT_BYTES {
        return Err(BadText::TooLong);
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = lines
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let message = kept.trim_end().trim_start_matches('\n');
    if message.chars().all(is_invisible) {
        return Err(BadText::Empty);
    }
    if message.len() > MAX_TEXT_BYTES {
        return Err(BadText::TooLong);
    }
    Ok(message.to_owned())
}

/// The start of a text, cut before the grapheme cluster that would pass `bytes`.
pub fn cut(text: &str, bytes: usize) -> &str {
    let end = text
        .grapheme_indices(true)
        .map(|(at, cluster)| at + cluster.len())
        .take_while(|end| *end <= bytes)
        .last();
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f39_a_name_without_anything_visible_is_refused() {
        for text in [
            "",
            "   ",
            "\u{200b}",
            "\u{200b}\u{200d}\u{2060}",
            "\u{feff} \u{3164}",
            "\u{202e}\u{2066}",
            "\u{2800}",
        ] {
            assert_eq!(DisplayName::parse(text), Err(BadText::Empty), "{text:?}");
        }
    }

    #[test]
    fn f37_direction_controls_are_removed_from_a_name() {
        assert_eq!(
            DisplayName::parse("ada\u{202e}gpj.exe").unwrap().as_str(),
            "adagpj.exe"
        );
    }

    #[test]
    fn f46_controls_are_refused_in_names_and_stripped_from_messages() {
        for text in ["a\0b", "a\u{1b}[31m", "line\nbreak", "a\u{85}b"] {
            assert_eq!(RoomName::parse(text), Err(BadText::Control), "{text:?}");
        }
        assert_eq!(
            MessageText::parse("a\0b\u{1b}[31m\tc\r\nd\re")
                .unwrap()
                .as_str(),
            "ab[31m\tc\nd\ne"
        );
        assert_eq!(MessageText::parse("\0\u{1}\n"), Err(BadText::Empty));
    }

    #[test]
    fn names_are_trimmed_and_composed() {
        assert_eq!(
            DisplayName::parse("  Ada   Lovelace ").unwrap().as_str(),
            "Ada Lovelace"
        );
        assert_eq!(DisplayName::parse("e\u{301}").unwrap().as_str(), "\u{e9}");
    }

    #[test]
    fn a_name_is_measured_in_what_people_see() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert!(DisplayName::parse(&family.repeat(5)).is_ok());
        assert!(DisplayName::parse(&"x".repeat(MAX_NAME_GRAPHEMES)).is_ok());
        assert_eq!(
            DisplayName::parse(&"x".repeat(MAX_NAME_GRAPHEMES + 1)),
            Err(BadText::TooLong)
        );
        assert_eq!(
            DisplayName::parse(&format!("a{}", "\u{301}".repeat(10_000))),
            Err(BadText::TooLong)
        );
    }

    #[test]
    fn a_message_keeps_its_inner_shape() {
        let text = "\n\n  indented\n\n\tcode  \nend \n\n";
        assert_eq!(
            MessageText::parse(text).unwrap().as_str(),
            "  indented\n\n\tcode  \nend"
        );
        assert!(MessageText::parse(&"x".repeat(MAX_TEXT_BYTES)).is_ok());
        assert_eq!(
            MessageText::parse(&"x".repeat(MAX_TEXT_BYTES + 1)),
            Err(BadText::TooLong)
        );
    }

    #[test]
    fn f44_a_cut_never_splits_a_cluster() {
        assert_eq!(cut("ab\u{1f468}\u{200d}\u{1f469}", 5), "ab");
        assert_eq!(cut("abc", 10), "abc");
        assert_eq!(cut("\u{1f468}", 3), "");
    }
}
