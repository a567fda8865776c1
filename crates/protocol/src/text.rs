//! Names and message texts as they may enter a room: the one place where text from outside is cleaned or refused.

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{
    MARKS_PER_GRAPHEME, MAX_NAME_BYTES, MAX_NAME_GRAPHEMES, MAX_REACTION_BYTES, MAX_TEXT_BYTES,
};

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
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || is_bidi_control(c)
        || matches!(c, '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Drops what stands on a letter beyond [`MARKS_PER_GRAPHEME`]. Invisible characters count, too: a cluster goes on over
/// some of them, and a tower of marks could hide behind them.
fn clip_marks(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let mut marks = 0;
    text.filter(move |c| {
        let stands_on = is_combining_mark(*c) || (is_invisible(*c) && !c.is_whitespace());
        marks = if stands_on { marks + 1 } else { 0 };
        marks <= MARKS_PER_GRAPHEME
    })
}

fn clean_name(text: &str) -> Result<String, BadText> {
    // A cheap bound before any work on a text of unknown size.
    if text.len() > 8 * MAX_NAME_BYTES {
        return Err(BadText::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(BadText::Control);
    }
    let visible: String = clip_marks(text.chars().filter(|c| !is_bidi_control(*c)).nfc()).collect();
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
    let printed = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let kept: String = clip_marks(lines.chars().filter(printed)).collect();
    let message = kept.trim_end().trim_start_matches('\n');
    if message.chars().all(is_invisible) {
        return Err(BadText::Empty);
    }
    if message.len() > MAX_TEXT_BYTES {
        return Err(BadText::TooLong);
    }
    Ok(message.to_owned())
}

/// What two names have in common that people take for each other: the skeleton of UTS 39, whatever the case and without
/// what is not seen. Only to be compared; it is no text to show.
///
/// Case and looks together make classes that neither has alone: `I` reads as `l` and is an `i`, so `i` and `l` are one.
pub fn skeleton(name: &DisplayName) -> String {
    let seen = name.as_str().nfkc().filter(|c| !is_invisible(*c));
    // A small letter that looks like no Latin one may have a capital that does: the Cyrillic v is a B.
    let classes: String = seen
        .map(|c| {
            let capital = looks(&c.to_uppercase().to_string());
            if !c.is_ascii() && capital.is_ascii() {
                capital
            } else {
                c.to_string()
            }
        })
        .collect();
    let small = looks(&classes).to_lowercase();
    looks(&small).to_lowercase().replace('i', "l")
}

/// The prototypes of what the characters look like.
fn looks(text: &str) -> String {
    unicode_security::skeleton(text).collect()
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
        // All that Unicode calls Bidi_Control.
        for control in [
            '\u{061c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
            '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
        ] {
            let text = format!("{control}Ad{control}a{control}");
            assert_eq!(
                DisplayName::parse(&text).unwrap().as_str(),
                "Ada",
                "{text:?}"
            );
            assert_eq!(RoomName::parse(&text).unwrap().as_str(), "Ada", "{text:?}");
            assert_eq!(Reaction::parse(&text).unwrap().as_str(), "Ada", "{text:?}");
        }
    }

    fn name(text: &str) -> DisplayName {
        DisplayName::parse(text).unwrap()
    }

    #[test]
    fn f38_names_that_look_alike_have_one_skeleton() {
        for (one, other) in [
            // Cyrillic and Greek letters.
            ("Anna", "\u{410}nn\u{430}"),
            ("Peter", "\u{420}\u{435}t\u{435}r"),
            ("paypal", "\u{440}\u{430}\u{443}\u{440}\u{430}l"),
            ("Tom", "\u{422}\u{43e}m"),
            ("Nikos", "\u{39d}ik\u{3bf}s"),
            // Letters that look like others in the same alphabet.
            ("Mark", "Rnark"),
            ("modern", "rnodem"),
            ("Ian", "lan"),
            ("Ian", "1an"),
            ("ian", "Ian"),
            ("Otto", "0tt0"),
            // Case, width, style.
            ("Ada", "ADA"),
            ("Ada", "\u{ff21}\u{ff44}\u{ff41}"),
            ("Ada", "\u{1d400}\u{1d41d}\u{1d41a}"),
            (
                "\u{432}\u{43e}\u{432}\u{430}",
                "\u{412}\u{41e}\u{412}\u{410}",
            ),
            // What is not seen.
            ("Ada Lovelace", "AdaLovelace"),
            ("Ada", "A\u{200b}d\u{2060}a\u{3164}"),
            ("Ada", "Ada\u{fe0f}"),
            ("\u{e9}va", "e\u{301}va"),
        ] {
            assert_eq!(
                skeleton(&name(one)),
                skeleton(&name(other)),
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("Ada", "Eda"),
            ("Ada", "Ad\u{e1}"),
            ("Jan", "Jana"),
            ("Tom", "Tim"),
            ("\u{5d3}\u{5df}", "\u{5e8}\u{5df}"),
            ("\u{5f20}\u{4f1f}", "\u{5f20}\u{4e3d}"),
            ("\u{1f600}", "\u{1f601}"),
        ] {
            assert_ne!(
                skeleton(&name(one)),
                skeleton(&name(other)),
                "{one} {other}"
            );
        }
    }

    /// **N1**
    #[test]
    fn f40_towers_of_marks_are_clipped() {
        let tower =
            |letter: &str, marks: &str, count: usize| format!("{letter}{}", marks.repeat(count));
        let kept = |text: &str| text.chars().filter(|c| is_combining_mark(*c)).count();
        let message = MessageText::parse(&tower("z", "\u{337}", 10_000)).unwrap();
        assert_eq!(kept(message.as_str()), MARKS_PER_GRAPHEME);
        for marks in [
            "\u{337}",
            "\u{20dd}",
            "\u{337}\u{200d}",
            "\u{337}\u{200c}",
            "\u{337}\u{34f}",
        ] {
            let text = format!("{} and {}", tower("z", marks, 500), tower("y", marks, 500));
            let message = MessageText::parse(&text).unwrap();
            let words: Vec<&str> = message.as_str().split(' ').collect();
            assert!(
                words[0].starts_with('z') && words[2].starts_with('y'),
                "{text:?}"
            );
            assert!(
                words
                    .iter()
                    .all(|word| word.chars().count() <= 1 + MARKS_PER_GRAPHEME)
            );
            let called = name(&tower("z", marks, 100));
            assert!(kept(called.as_str()) <= MARKS_PER_GRAPHEME, "{marks:?}");
        }
        // What people write is left alone.
        for text in [
            "\u{5d1}\u{5bc}\u{5b0}\u{5e8}\u{5b5}\u{5d0}\u{5e9}\u{5c1}\u{5b4}\u{596}\u{5d9}\u{5ea}",
            "\u{f67}\u{f90}\u{fb5}\u{fa8}\u{fb3}\u{fba}\u{fbc}\u{fbb}\u{f82}",
            "\u{1000}\u{103c}\u{103d}\u{103e}\u{1031}\u{102c}\u{1037}\u{103a}",
            "\u{930}\u{94d}\u{924}\u{94d}\u{938}\u{94d}\u{928}\u{94d}\u{92f}\u{93e}",
            "\u{1ec7}\u{323}\u{302}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "\u{1f468}\u{1f3fd}\u{200d}\u{2764}\u{fe0f}\u{200d}\u{1f468}\u{1f3ff}",
        ] {
            assert_eq!(MessageText::parse(text).unwrap().as_str(), text);
        }
    }

    /// What was cleaned is clean: a relay reads what a member signed, and must find the same.
    #[test]
    fn cleaning_twice_changes_nothing() {
        for text in [
            "a\u{301}\u{323} \u{202e} b",
            " \u{301}x",
            "\u{1100}\u{1161}\u{200d}\u{11a8}",
            "q\u{307}\u{323}\u{1e9b}\u{323}",
            "\u{2126}\u{212b}\u{fb1d}",
            "\r\n\r a\u{85}\u{2028}b\t \n",
        ] {
            for text in [text.to_owned(), text.repeat(20)] {
                if let Ok(once) = DisplayName::parse(&text) {
                    assert_eq!(DisplayName::parse(once.as_str()).as_ref(), Ok(&once));
                }
                if let Ok(once) = MessageText::parse(&text) {
                    assert_eq!(MessageText::parse(once.as_str()).as_ref(), Ok(&once));
                }
            }
        }
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

    /// **N1**
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
