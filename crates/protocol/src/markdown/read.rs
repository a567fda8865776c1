//! From the parser's events to the tree, by recursive descent no deeper than the tree may be.
//!
//! The parser says of each event where in the text it stands. So what is not to be read as `CommonMark` wants, or not to be
//! opened, is shown as it was written.

use std::iter::Peekable;
use std::ops::Range;

use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{CodeBlockKind, Event, LinkType, OffsetIter, Options, Parser, Tag};

use super::{Block, Inline, safe_link, says_the_same};
use crate::limits::RICH_DEPTH;

/// Longest name of a code block's language in bytes.
const LANGUAGE_BYTES: usize = 32;

/// Whether links may stand here: there is none within a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    Found,
    Left,
}

/// The blocks of a text. None where a part of it would not be shown.
pub(super) fn blocks_of(text: &str) -> Option<Vec<Block>> {
    let parser = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH);
    let hidden: Vec<Range<usize>> = parser
        .reference_definitions()
        .iter()
        .map(|(_, definition)| definition.span.clone())
        .collect();
    let mut reader = Reader {
        text,
        events: parser.into_offset_iter().peekable(),
    };
    let mut blocks = Vec::new();
    let mut shown = 0;
    while let Some((_, range)) = reader.events.peek().cloned() {
        // Definitions of links are no event: what is between two blocks is shown as it is.
        blocks.extend(plain(text.get(shown..range.start)?));
        if hidden
            .iter()
            .any(|span| range.start <= span.start && span.end <= range.end)
        {
            return None;
        }
        blocks.push(reader.block(1));
        shown = shown.max(range.end);
    }
    blocks.extend(plain(text.get(shown..)?));
    Some(blocks)
}

/// Text as it was written, as a block. None where there is nothing to see.
fn plain(text: &str) -> Option<Block> {
    let text = text.trim_matches('\n');
    (!text.trim().is_empty()).then(|| Block::Paragraph {
        inlines: linked(lines(text)),
    })
}

/// Text as it was written, line by line.
fn lines(text: &str) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for line in text.split('\n') {
        if !inlines.is_empty() {
            inlines.push(Inline::Break);
        }
        if !line.is_empty() {
            push_text(&mut inlines, line);
        }
    }
    inlines
}

/// Adds inlines, and makes one text of two that meet.
fn push_all(inlines: &mut Vec<Inline>, more: Vec<Inline>) {
    for inline in more {
        match inline {
            Inline::Text { text } => push_text(inlines, &text),
            other => inlines.push(other),
        }
    }
}

fn push_text(inlines: &mut Vec<Inline>, more: &str) {
    if let Some(Inline::Text { text }) = inlines.last_mut() {
        text.push_str(more);
    } else if !more.is_empty() {
        inlines.push(Inline::Text {
            text: more.to_owned(),
        });
    }
}

/// What is to be read of these inlines.
pub(super) fn text_of(inlines: &[Inline], text: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text { text: more } | Inline::Code { text: more } => text.push_str(more),
            Inline::Break => text.push('\n'),
            Inline::Strong { inlines }
            | Inline::Emphasis { inlines }
            | Inline::Strike { inlines }
            | Inline::Link { inlines, .. } => text_of(inlines, text),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    events: Peekable<OffsetIter<'a>>,
}

impl<'a> Reader<'a> {
    /// The blocks up to the end of what they stand in, which is left.
    fn blocks(&mut self, level: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some((event, _)) = self.events.peek() {
            if matches!(event, Event::End(_)) {
                break;
            }
            blocks.push(self.block(level));
        }
        blocks
    }

    /// The next block.
    fn block(&mut self, level: usize) -> Block {
        let inlines = |reader: &mut Self| Block::Paragraph {
            inlines: reader.inlines(level + 1, Links::Found),
        };
        let Some((event, range)) = self.events.next_if(|(event, _)| starts_block(event)) else {
            // The text of a list's item stands in it without a paragraph.
            return inlines(self);
        };
        let source = &self.text[range];
        let as_written = || Block::Paragraph {
            inlines: links_in(lines(source.trim_matches('\n')), level + 1),
        };
        let tag = match event {
            Event::Rule => return Block::Rule,
            Event::Start(tag) => tag,
            _ => return as_written(),
        };
        match tag {
            Tag::Paragraph => {
                let block = inlines(self);
                self.end();
                block
            }
            Tag::Heading { .. } => {
                let mut inlines = self.inlines(level + 1, Links::Found);
                self.end();
                if inlines.is_empty() {
                    return as_written();
                }
                if source.trim_start().starts_with('#') {
                    return Block::Heading { inlines };
                }
                // A line under another one is not meant to make a heading of it.
                let under = source.trim_end().rsplit('\n').next().unwrap_or_default();
                inlines.push(Inline::Break);
                push_text(&mut inlines, under.trim());
                Block::Paragraph { inlines }
            }
            // Its children's text stands two levels below.
            Tag::BlockQuote(_) if level + 2 <= RICH_DEPTH && is_quote(source) => {
                let blocks = self.blocks(level + 1);
                self.end();
                if blocks.is_empty() {
                    return as_written();
                }
                Block::Quote { blocks }
            }
            Tag::List(start) if level + 2 <= RICH_DEPTH => {
                let mut items = Vec::new();
                while let Some((Event::Start(Tag::Item), _)) = self.events.peek() {
                    self.events.next();
                    items.push(self.blocks(level + 1));
                    self.end();
                }
                self.end();
                if items.iter().all(Vec::is_empty) {
                    return as_written();
                }
                Block::List {
                    start: start.and_then(|start| u32::try_from(start).ok()),
                    items,
                }
            }
            Tag::CodeBlock(kind) => {
                let mut text = self.skip();
                if text.ends_with('\n') {
                    text.pop();
                }
                Block::Code {
                    language: language(&kind),
                    text,
                }
            }
            // As written, but without the marks of a quote that it stands in.
            Tag::HtmlBlock => Block::Paragraph {
                inlines: links_in(lines(self.skip().trim_matches('\n')), level + 1),
            },
            _ => {
                self.skip();
                as_written()
            }
        }
    }

    /// The inlines up to the end of what they stand in, or up to a block, which is left.
    fn inlines(&mut self, level: usize, links: Links) -> Vec<Inline> {
        let mut inlines = Vec::new();
        let of_line =
            |(event, _): &(Event<'_>, _)| !matches!(event, Event::End(_)) && !starts_block(event);
        while let Some((event, range)) = self.events.next_if(of_line) {
            self.inline(&event, range, level, links, &mut inlines);
        }
        match links {
            Links::Found => links_in(inlines, level),
            Links::Left => inlines,
        }
    }

    fn inline(
        &mut self,
        event: &Event<'a>,
        range: Range<usize>,
        level: usize,
        links: Links,
        inlines: &mut Vec<Inline>,
    ) {
        let source = &self.text[range.clone()];
        match event {
            Event::Start(Tag::Emphasis | Tag::Strong | Tag::Strikethrough)
                if level < RICH_DEPTH =>
            {
                let Event::Start(tag) = event else { return };
                self.emphasis(tag, range, level, links, inlines);
            }
            Event::Start(
                Tag::Link {
                    link_type,
                    dest_url,
                    ..
                }
                | Tag::Image {
                    link_type,
                    dest_url,
                    ..
                },
            ) => self.link(*link_type, dest_url, source, level, links, inlines),
            Event::Start(_) => {
                self.skip();
                push_all(inlines, lines(source));
            }
            Event::Text(text) => {
                // Two backslashes are the beginning of a path more often than an escape.
                if text.starts_with('\\') && self.text[..range.start].ends_with('\\') {
                    push_text(inlines, "\\");
                }
                // `&lt;` is shown as it was written, so that nobody takes it for what it stands for.
                let written = source.starts_with('&') && source.ends_with(';');
                push_text(inlines, if written { source } else { text });
            }
            Event::Code(text) => inlines.push(Inline::Code {
                text: text.to_string(),
            }),
            Event::SoftBreak | Event::HardBreak => {
                if source.starts_with('\\') {
                    push_text(inlines, "\\");
                }
                inlines.push(Inline::Break);
            }
            // HTML, and what is turned off.
            _ => push_all(inlines, lines(source)),
        }
    }

    fn emphasis(
        &mut self,
        tag: &Tag<'a>,
        range: Range<usize>,
        level: usize,
        links: Links,
        inlines: &mut Vec<Inline>,
    ) {
        let source = &self.text[range.clone()];
        let mark: &str = match tag {
            Tag::Emphasis => &source[..1],
            Tag::Strikethrough if !source.starts_with("~~") => &source[..1],
            _ => &source[..2],
        };
        let of_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let before = self.text[..range.start].chars().next_back();
        let after = self.text[range.end..].chars().next();
        // `5*3*2` is a product, and `~` means about.
        let meant = !(of_word(before) && of_word(after)) && mark != "~";
        if !meant {
            // Links are looked for where the text is put together, once.
            let within = self.inlines(level + 1, Links::Left);
            self.end();
            push_text(inlines, mark);
            push_all(inlines, within);
            push_text(inlines, mark);
            return;
        }
        let within = self.inlines(level + 1, links);
        self.end();
        inlines.push(match tag {
            Tag::Emphasis => Inline::Emphasis { inlines: within },
            Tag::Strong => Inline::Strong { inlines: within },
            _ => Inline::Strike { inlines: within },
        });
    }

    fn link(
        &mut self,
        link_type: LinkType,
        target: &str,
        source: &str,
        level: usize,
        links: Links,
        inlines: &mut Vec<Inline>,
    ) {
        let link = match link_type {
            LinkType::Email => safe_link(&format!("mailto:{target}")),
            _ => safe_link(target),
        };
        match link {
            Some(link) if links == Links::Found && level < RICH_DEPTH => {
                let mut within = self.inlines(level + 1, Links::Left);
                self.end();
                let mut text = String::new();
                text_of(&within, &mut text);
                if text.chars().all(crate::text::is_invisible) {
                    text.clone_from(&link.href);
                    within = vec![Inline::Text { text: text.clone() }];
                }
                inlines.push(Inline::Link {
                    plain: says_the_same(&text, &link),
                    href: link.href,
                    host: link.host,
                    inlines: within,
                });
            }
            _ => {
                self.skip();
                push_all(inlines, lines(source));
            }
        }
    }

    /// Passes over the end of what was read.
    fn end(&mut self) {
        let end = self.events.next();
        debug_assert!(matches!(end, Some((Event::End(_), _))), "{end:?}");
    }

    /// Passes over everything to the end of what was begun, and gives its text.
    fn skip(&mut self) -> String {
        let mut text = String::new();
        let mut open = 1;
        while open > 0
            && let Some((event, _)) = self.events.next()
        {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Text(more) | Event::Html(more) => text.push_str(&more),
                _ => {}
            }
        }
        text
    }
}

fn starts_block(event: &Event<'_>) -> bool {
    match event {
        Event::Rule => true,
        Event::Start(tag) => !matches!(
            tag,
            Tag::Emphasis
                | Tag::Strong
                | Tag::Strikethrough
                | Tag::Superscript
                | Tag::Subscript
                | Tag::Link { .. }
                | Tag::Image { .. }
        ),
        _ => false,
    }
}

/// Whether a quote is meant: a `>` before a word, and not the mouth of a face.
fn is_quote(source: &str) -> bool {
    let after = source.trim_start().chars().nth(1);
    after.is_none_or(|c| c.is_whitespace() || c.is_alphanumeric() || c == '>')
}

fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else {
        return None;
    };
    let word = info.split_whitespace().next()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '#' | '_' | '.');
    (word.len() <= LANGUAGE_BYTES && word.chars().all(fits)).then(|| word.to_owned())
}

/// The same where there is room for what stands in a link.
fn links_in(inlines: Vec<Inline>, level: usize) -> Vec<Inline> {
    if level < RICH_DEPTH {
        linked(inlines)
    } else {
        inlines
    }
}

/// Makes links of the addresses that stand in the text.
fn linked(inlines: Vec<Inline>) -> Vec<Inline> {
    let mut out = Vec::with_capacity(inlines.len());
    for inline in inlines {
        let Inline::Text { text } = inline else {
            out.push(inline);
            continue;
        };
        for span in LinkFinder::new().spans(&text) {
            let link = match span.kind() {
                Some(LinkKind::Url) => safe_link(span.as_str()),
                Some(LinkKind::Email) => safe_link(&format!("mailto:{}", span.as_str())),
                Some(_) | None => None,
            };
            match link {
                Some(link) => out.push(Inline::Link {
                    plain: says_the_same(span.as_str(), &link),
                    href: link.href,
                    host: link.host,
                    inlines: vec![Inline::Text {
                        text: span.as_str().to_owned(),
                    }],
                }),
                None => push_text(&mut out, span.as_str()),
            }
        }
    }
    out
}
