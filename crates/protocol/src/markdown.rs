//! A message's text as a tree of what to show: `CommonMark` without HTML, images or anything that is fetched.
//!
//! The window draws components from it; there is no HTML on the way.

mod read;

use serde::{Deserialize, Serialize};

use crate::limits::{LINK_BYTES, MAX_TEXT_BYTES, RICH_NODES};

/// A message as a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Rich(pub Vec<Block>);

/// A part of a message that stands by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "block", rename_all = "snake_case")]
pub enum Block {
    /// Lines of text.
    Paragraph {
        /// They.
        inlines: Vec<Inline>,
    },
    /// A heading. Shown as a strong line: a message has no chapters.
    Heading {
        /// Its text.
        inlines: Vec<Inline>,
    },
    /// What somebody else said.
    Quote {
        /// It.
        blocks: Vec<Block>,
    },
    /// Text as it was typed, left to right.
    Code {
        /// The language that it claims to be.
        language: Option<String>,
        /// The text.
        text: String,
    },
    /// A list.
    List {
        /// The first number. None: dots.
        start: Option<u32>,
        /// Its items.
        items: Vec<Vec<Block>>,
    },
    /// A line across.
    Rule,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "inline", rename_all = "snake_case")]
pub enum Inline {
    /// Plain text.
    Text {
        /// It.
        text: String,
    },
    /// The next line.
    Break,
    /// Strong.
    Strong {
        /// What.
        inlines: Vec<Inline>,
    },
    /// Emphasised.
    Emphasis {
        /// What.
        inlines: Vec<Inline>,
    },
    /// Struck out.
    Strike {
        /// What.
        inlines: Vec<Inline>,
    },
    /// Text as it was typed.
    Code {
        /// It.
        text: String,
    },
    /// A link.
    Link {
        /// Where it leads: http, https or mailto, as a browser would write it.
        href: String,
        /// The host or mail address that it really leads to, in ASCII (`xn--` where it is not).
        host: String,
        /// Whether the text says the same as `href`: then nobody is asked before it is opened.
        plain: bool,
        /// Its text.
        inlines: Vec<Inline>,
    },
}

/// The tree of a text. None where it would be nothing but text, or of more than [`RICH_NODES`] parts: show the text as
/// it is.
///
/// Never deeper than [`crate::limits::RICH_DEPTH`]: what goes beyond is shown as plain text. Nothing that was written is hidden, save the
/// marks that made the tree; people chat, so each new line is one, and some marks that are rarely meant are none.
pub fn rich(text: &str) -> Option<Rich> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let blocks = read::blocks_of(text)?;
    if count_blocks(&blocks) > RICH_NODES {
        return None;
    }
    let mut shown = String::new();
    text_of(&blocks, &mut shown);
    let visible = |text: &str| -> String { text.split_whitespace().collect() };
    let is_text = |inline: &Inline| matches!(inline, Inline::Text { .. } | Inline::Break);
    let only_text = blocks.iter().all(|block| match block {
        Block::Paragraph { inlines } => inlines.iter().all(is_text),
        _ => false,
    });
    let as_it_is = match blocks[..] {
        // Three dashes alone are three dashes.
        [Block::Rule] => true,
        _ => only_text && visible(&shown) == visible(text),
    };
    (!as_it_is).then_some(Rich(blocks))
}

/// Everything that is to be read in a tree.
fn text_of(blocks: &[Block], text: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph { inlines } | Block::Heading { inlines } => {
                read::text_of(inlines, text);
            }
            Block::Quote { blocks } => text_of(blocks, text),
            Block::List { items, .. } => items.iter().for_each(|item| text_of(item, text)),
            Block::Code { text: code, .. } => text.push_str(code),
            Block::Rule => {}
        }
        text.push('\n');
    }
}

fn count_blocks(blocks: &[Block]) -> usize {
    let of_block = |block: &Block| match block {
        Block::Paragraph { inlines } | Block::Heading { inlines } => count_inlines(inlines),
        Block::Quote { blocks } => count_blocks(blocks),
        Block::List { items, .. } => items.iter().map(|item| 1 + count_blocks(item)).sum(),
        Block::Code { .. } | Block::Rule => 0,
    };
    blocks.iter().map(|block| 1 + of_block(block)).sum()
}

fn count_inlines(inlines: &[Inline]) -> usize {
    let of_inline = |inline: &Inline| match inline {
        Inline::Strong { inlines }
        | Inline::Emphasis { inlines }
        | Inline::Strike { inlines }
        | Inline::Link { inlines, .. } => count_inlines(inlines),
        Inline::Text { .. } | Inline::Break | Inline::Code { .. } => 0,
    };
    inlines.iter().map(|inline| 1 + of_inline(inline)).sum()
}

/// A link that may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeLink {
    /// The link as a browser would write it.
    pub href: String,
    /// See [`Inline::Link::host`].
    pub host: String,
}

/// Where a link leads, if it may be opened at all: http, https or mailto, without a password in it, and not longer than
/// [`LINK_BYTES`]. Of a mailto link the address alone is kept. The first check is made when a message is read, the second
/// one right before the system is asked to open it.
pub fn safe_link(href: &str) -> Option<SafeLink> {
    // Browsers pass over control characters, so that `java\nscript:` is one word to them and two to a careless check.
    if href.len() > LINK_BYTES || href.chars().any(char::is_control) {
        return None;
    }
    let url = url::Url::parse(href).ok()?;
    let link = match url.scheme() {
        "http" | "https" => {
            let named = url.username().is_empty() && url.password().is_none();
            let host = url.host_str().filter(|host| named && !host.is_empty())?;
            SafeLink {
                host: host.to_owned(),
                href: url.as_str().to_owned(),
            }
        }
        "mailto" => {
            let host = mail_address(url.path())?;
            SafeLink {
                href: format!("mailto:{host}"),
                host,
            }
        }
        _ => return None,
    };
    (link.href.len() <= LINK_BYTES && link.href.is_ascii()).then_some(link)
}

/// One mail address, with its domain in ASCII.
fn mail_address(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    // The characters of RFC 5322's atoms and the dot, but for those that mean something in a link: `mailto://host/...` names
    // a host and no mailbox.
    let of_local = |c: char| c.is_ascii_alphanumeric() || "!$&'*+-=^_`{|}~.".contains(c);
    if local.is_empty() || !local.chars().all(of_local) {
        return None;
    }
    match url::Host::parse(domain).ok()? {
        url::Host::Domain(domain) => Some(format!("{local}@{domain}")),
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

/// Whether a link's text already says where it leads: the same link, with the host letter for letter.
fn says_the_same(text: &str, link: &SafeLink) -> bool {
    if text == link.host && link.href.starts_with("mailto:") {
        return true;
    }
    let host_of = |text: &str| -> Option<String> {
        let (_, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        Some(rest[..end].to_ascii_lowercase())
    };
    let hidden = text
        .chars()
        .any(|c| c.is_whitespace() || crate::text::is_invisible(c));
    !hidden
        && host_of(text).is_some_and(|host| Some(host) == host_of(&link.href))
        && safe_link(text).is_some_and(|same| same.href == link.href)
}

#[cfg(test)]
mod tests;
