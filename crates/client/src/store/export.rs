//! Writing a room's history to a file, one row after the other: as JSON lines for programs, or as a page for people.
//!
//! The page needs nothing from anywhere and runs nothing: its policy forbids it, and every text in it is escaped. The
//! words of the page are here, because the window has no part in it.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chatspot_folder::store::StoreError;
use chatspot_protocol::event::{Body, Event, Leaving, Proof};
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::text::cut;
use chatspot_protocol::timeline::items_of;
use chatspot_protocol::view::{ExportFormat, Item, Place};
use rusqlite::{Connection, named_params};
use serde::Serialize;

use super::read::{SPAN, row};
use super::schema::{END, Room, integer};

/// Longest name of a file before its number and ending: file systems take 255 bytes.
const NAME_BYTES: usize = 200;
/// Files of the same name that are told apart by a number.
const SAME_NAMES: u32 = 1_000;
/// Names that Windows takes for devices, whatever ending they have.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Writes the file, and says where it is. `at` says what an error of the database means.
pub(super) fn export(
    connection: &Connection,
    room: RoomId,
    format: ExportFormat,
    folder: &Path,
    stem: &str,
    ending: &AtomicBool,
    at: &dyn Fn(rusqlite::Error) -> StoreError,
) -> Result<PathBuf, StoreError> {
    let in_folder = |source: io::Error| {
        let path = folder.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull => StoreError::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path }
            }
            _ => StoreError::Io { path, source },
        }
    };
    // A new installation has no folder for it yet.
    std::fs::create_dir_all(folder).map_err(in_folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(in_folder)?;
    let mut out = BufWriter::new(file.as_file_mut());
    let written = write(connection, room, format, stem, ending, &mut out);
    let flushed = out.flush();
    drop(out);
    match written {
        Ok(()) => {}
        Err(Trouble::Sql(error)) => return Err(at(error)),
        Err(Trouble::Io(error)) => return Err(in_folder(error)),
    }
    flushed
        .and_then(|()| file.as_file().sync_all())
        .map_err(in_folder)?;
    let path = new_file(folder, stem, suffix(format)).map_err(in_folder)?;
    match file.persist(&path) {
        Ok(_) => Ok(path),
        Err(error) => {
            // An empty file of our own is left otherwise.
            let _ = std::fs::remove_file(&path);
            Err(in_folder(error.error))
        }
    }
}

/// What can go wrong while the rows are written.
#[derive(Debug)]
enum Trouble {
    Sql(rusqlite::Error),
    Io(io::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Trouble::Sql(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Io(error)
    }
}

fn write(
    connection: &Connection,
    room: RoomId,
    format: ExportFormat,
    title: &str,
    ending: &AtomicBool,
    out: &mut impl Write,
) -> Result<(), Trouble> {
    let number = Room::get(connection, room)?.number;
    let mut page = match format {
        ExportFormat::JsonLines => None,
        ExportFormat::Html => Some(HtmlPage::begin(title, out)?),
    };
    let mut statement = connection.prepare(SPAN)?;
    let mut rows = statement.query(named_params! {
        ":room": number,
        ":from_log": 0,
        ":from_seq": 0,
        ":to_log": END.log,
        ":to_seq": integer(END.seq),
    })?;
    let mut before: Option<Place> = None;
    while let Some(found) = rows.next()? {
        if ending.load(Ordering::Relaxed) {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        let row = row(found)?;
        let place = row.place;
        for item in items_of(before, [row]) {
            match &mut page {
                None => json_line(&item, out)?,
                Some(page) => page.item(&item, out)?,
            }
        }
        before = Some(place);
    }
    if page.is_some() {
        out.write_all(FOOT.as_bytes())?;
    }
    Ok(())
}

/// An event as it stands in an `events` frame, with the number of its log.
#[derive(Serialize)]
struct Line<'a> {
    log: u32,
    #[serde(flatten)]
    event: &'a Event,
}

fn json_line(item: &Item, out: &mut impl Write) -> io::Result<()> {
    match item {
        Item::Event { log, event, .. } => {
            serde_json::to_writer(&mut *out, &Line { log: *log, event })?;
            out.write_all(b"\n")
        }
        // Seen by the numbers.
        Item::Reset { .. } | Item::Gap { .. } => Ok(()),
    }
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem; color: #1c1c1e; background: #fff; }
h1, h2 { line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 1rem; padding-top: 0.5rem; border-top: 1px solid #c8c8cd; }
article { margin: 0.75rem 0; }
header { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: baseline; }
small, time, .note { color: #5c5c63; font-size: 0.875rem; }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
body { color: #ececf0; background: #17171a; }
h2 { border-color: #47474f; }
small, time, .note { color: #a4a4ae; }
}
@media print { article { break-inside: avoid; } }
</style>
";

const FOOT: &str = "</body>\n</html>\n";

/// The page while it is written.
struct HtmlPage {
    day: Option<i64>,
}

impl HtmlPage {
    fn begin(title: &str, out: &mut impl Write) -> io::Result<Self> {
        let title = escape(title);
        write!(
            out,
            "{HEAD}<title>{title}</title>\n</head>\n<body>\n<h1><bdi>{title}</bdi></h1>\n\
             <p class=\"note\">Exported from ChatSpot. All times are UTC (offset +00:00), by the room's host.</p>\n"
        )?;
        Ok(Self { day: None })
    }

    fn item(&mut self, item: &Item, out: &mut impl Write) -> io::Result<()> {
        match item {
            Item::Event { event, proof, .. } => self.event(event, *proof, out),
            Item::Reset { .. } => note("The room's history began anew here.", out),
            Item::Gap { .. } => note("Some messages are missing here.", out),
        }
    }

    fn event(&mut self, event: &Event, proof: Proof, out: &mut impl Write) -> io::Result<()> {
        let time = Utc::of(event.at);
        if self.day != Some(time.day) {
            self.day = Some(time.day);
            writeln!(out, "<h2>{}</h2>", time.date())?;
        }
        let doubt = match proof {
            Proof::Author | Proof::Relay => "",
            Proof::Missing => " (not proven)",
        };
        let name = format!("<bdi>{}</bdi>{doubt}", escape(event.name.as_str()));
        let what = match &event.body {
            Body::Message { text, .. } => {
                let (tag, text) = (event.author.tag(), escape(text.as_str()));
                return writeln!(
                    out,
                    "<article><header><strong>{name}</strong> <small>{tag}</small> {}</header>\
                     <p dir=\"auto\">{text}</p></article>",
                    time.element(),
                );
            }
            Body::Joined { .. } => "joined".to_owned(),
            Body::Left { how: Leaving::Left } => "left".to_owned(),
            Body::Left { how: Leaving::Lost } => "lost the connection".to_owned(),
            Body::Renamed { from } => {
                format!("was called <bdi>{}</bdi> before", escape(from.as_str()))
            }
            Body::Edited { text, .. } => format!(
                "edited a message, which now says: <bdi>{}</bdi>",
                escape(text.as_str())
            ),
            Body::Deleted { id, target } if *id == target.id && event.author == target.author => {
                "wrote a message that was deleted".to_owned()
            }
            Body::Deleted { .. } => "deleted a message".to_owned(),
            Body::Reacted {
                reaction,
                active: true,
                ..
            } => format!("reacted with <bdi>{}</bdi>", escape(reaction.as_str())),
            Body::Reacted { active: false, .. } => "took a reaction back".to_owned(),
            Body::Settings { .. } => "changed the room's rules".to_owned(),
            Body::Moderated { .. } => "changed what a member may do".to_owned(),
            Body::Role { .. } => "gave a member another role".to_owned(),
            Body::Unknown => "did something that this version does not know".to_owned(),
        };
        writeln!(
            out,
            "<p class=\"note\" dir=\"auto\">{name} {what} {}</p>",
            time.element()
        )
    }
}

fn note(text: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<p class=\"note\">{text}</p>")
}

/// A text as it may stand in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A moment of the calendar in UTC.
struct Utc {
    /// Days since 1970.
    day: i64,
    second: i64,
}

impl Utc {
    fn of(at: WallMillis) -> Self {
        let seconds = at.div_euclid(1_000);
        Self {
            day: seconds.div_euclid(86_400),
            second: seconds.rem_euclid(86_400),
        }
    }

    /// By the algorithm `civil_from_days` (Howard Hinnant, 2013).
    fn date(&self) -> String {
        let days = self.day + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }

    fn element(&self) -> String {
        let (hour, minute) = (self.second / 3_600, self.second / 60 % 60);
        let (date, second) = (self.date(), self.second % 60);
        let mut element = format!("<time datetime=\"{date}T{hour:02}:{minute:02}:{second:02}Z\">");
        // Writing to a string does not fail.
        let _ = write!(element, "{hour:02}:{minute:02}</time>");
        element
    }
}

/// The ending of a file's name.
fn suffix(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::JsonLines => "jsonl",
        ExportFormat::Html => "html",
    }
}

/// Makes an empty file in a folder, of a name that was free: nothing that is there is replaced or followed.
pub fn new_file(folder: &Path, stem: &str, ending: &str) -> io::Result<PathBuf> {
    let stem = file_stem(stem);
    let mut number = 1;
    loop {
        let path = folder.join(if number == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem} ({number}).{ending}")
        });
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < SAME_NAMES => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A name that every file system takes, and none takes for a path, a device or a stream.
fn file_stem(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        // Direction controls make one name look like another.
        .filter(|c| !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    let edge = |c: char| c == '.' || c.is_whitespace();
    let name = cut(plain.trim_matches(edge), NAME_BYTES).trim_end_matches(edge);
    let first = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_uppercase();
    let numbered = first
        .strip_prefix("COM")
        .or_else(|| first.strip_prefix("LPT"))
        .is_some_and(|rest| rest.chars().count() == 1);
    if name.is_empty() {
        "ChatSpot".to_owned()
    } else if numbered || DEVICES.contains(&first.as_str()) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f47_f48_a_file_name_is_no_path_device_or_stream() {
        for (text, stem) in [
            ("../../x", "_.._x"),
            ("C:\\x", "C__x"),
            ("\\\\host\\x", "__host_x"),
            ("a/b", "a_b"),
            ("CON", "_CON"),
            ("con.tar", "_con.tar"),
            ("lpt1", "_lpt1"),
            ("LPT\u{b9}", "_LPT\u{b9}"),
            ("Company", "Company"),
            ("x.txt.", "x.txt"),
            ("x:ads", "x_ads"),
            (" . ", "ChatSpot"),
            ("a\u{202e}gpj", "agpj"),
            ("Werkstatt für alle", "Werkstatt für alle"),
        ] {
            assert_eq!(file_stem(text), stem, "{text:?}");
        }
        let long = file_stem(&"é".repeat(300));
        assert!(long.len() <= NAME_BYTES && long.len() > NAME_BYTES - 2);
    }

    #[test]
    fn moments_have_their_dates() {
        for (at, date) in [
            (0, "1970-01-01"),
            (951_782_400_000, "2000-02-29"),
            (-1, "1969-12-31"),
            (1_790_000_000_000, "2026-09-21"),
        ] {
            assert_eq!(Utc::of(at).date(), date);
        }
        assert!(Utc::of(i64::MAX).date().len() > 4);
        assert!(Utc::of(i64::MIN).date().len() > 4);
        let element = "<time datetime=\"2026-09-21T14:13:20Z\">14:13</time>";
        assert_eq!(Utc::of(1_790_000_000_000).element(), element);
    }
}
