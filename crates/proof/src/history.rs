//! What was seen, as JSON lines: who wrote what, who was shown what, and what the log holds in the end.
//!
//! One object a line, with `what` telling the kind; see [`Line`]. Several files make one history: the order counts
//! within a file, and between files it does not. A line is one `write` to an append-only file, so that it is there
//! after a kill; the last one may be torn then, and counts as never written.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use chatspot_protocol::event::Event;
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Seq};
use serde::{Deserialize, Serialize};

/// One thing that somebody saw or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Line {
    /// A member's program begins to run, for the first time or again.
    Start {
        /// Which member.
        by: MemberId,
        /// Its name, for people.
        name: String,
    },
    /// The member is about to send this text. No other of its texts is the same.
    Wrote {
        /// Which member.
        by: MemberId,
        /// The how-manyth message of this member it is.
        n: u64,
        /// The text.
        text: String,
    },
    /// The member's outbox took the message: it is on its way from now on, whatever happens.
    Taken {
        /// Which member.
        by: MemberId,
        /// See [`Line::Wrote`].
        n: u64,
    },
    /// The member's outbox did not take the message.
    Refused {
        /// Which member.
        by: MemberId,
        /// See [`Line::Wrote`].
        n: u64,
        /// Why, for people.
        why: String,
    },
    /// The member was told that an own message is in the log.
    Acked {
        /// Which member.
        by: MemberId,
        /// Where.
        seq: Seq,
        /// The message.
        id: ClientId,
    },
    /// The member was shown an event.
    Shown {
        /// Which member.
        by: MemberId,
        /// Which of the room's logs, as this member counts them.
        log: u32,
        /// What it saw.
        event: Event,
    },
    /// The member was shown that something is missing, or that the log began anew.
    Broke {
        /// Which member.
        by: MemberId,
        /// What it was shown, for people.
        how: String,
    },
    /// The room is open in the member's window: what was shown in this run up to here comes from its own disk.
    Opened {
        /// Which member.
        by: MemberId,
    },
    /// The log is read out: its name, and the positions that it says it has.
    Log {
        /// Its name.
        epoch: Epoch,
        /// The oldest.
        first: Seq,
        /// The newest.
        head: Seq,
    },
    /// The log has this event.
    Holds {
        /// It.
        event: Event,
    },
    /// All was quiet, every outbox empty and every connection up, when the log's head was this.
    End {
        /// The head.
        head: Seq,
    },
}

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file's name, or `-`.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Lines, each with where it stands.
#[derive(Debug, Clone, Default)]
pub struct History(pub Vec<(Origin, Line)>);

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The system says no.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        file: Arc<str>,
        /// What the system says.
        source: io::Error,
    },
    /// A line that is none of [`Line`].
    #[error("{origin}: {source}")]
    NotALine {
        /// Where.
        origin: Origin,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl History {
    /// Adds a file.
    pub fn read_file(&mut self, path: &Path) -> Result<(), HistoryError> {
        let file: Arc<str> = path.display().to_string().into();
        let opened = File::open(path).map_err(|source| HistoryError::Unreadable {
            file: file.clone(),
            source,
        })?;
        self.read(&file, io::BufReader::new(opened))
    }

    /// Adds whatever comes from `lines`, to be called `file` in a report.
    pub fn read(&mut self, file: &Arc<str>, mut lines: impl BufRead) -> Result<(), HistoryError> {
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            let origin = Origin {
                file: file.clone(),
                line,
            };
            let read =
                lines
                    .read_until(b'\n', &mut text)
                    .map_err(|source| HistoryError::Unreadable {
                        file: file.clone(),
                        source,
                    })?;
            // Without an end it was being written when its writer was killed.
            if read == 0 || text.last() != Some(&b'\n') {
                return Ok(());
            }
            match serde_json::from_slice(&text) {
                Ok(line) => self.0.push((origin, line)),
                Err(source) => return Err(HistoryError::NotALine { origin, source }),
            }
        }
        Ok(())
    }
}

/// Writes lines to the end of a file.
#[derive(Debug)]
pub struct Recorder(File);

impl Recorder {
    /// Opens or makes the file, and takes away a last line that a kill has torn.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let whole = whole_lines(&mut file)?;
        // Appending files cannot be cut everywhere, so another handle does it.
        OpenOptions::new().write(true).open(path)?.set_len(whole)?;
        Ok(Self(file))
    }

    /// Writes a line with one `write`: it is there when the writer is killed after this.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        self.write_all(std::slice::from_ref(line))
    }

    /// Writes lines that belong together with one `write`.
    pub fn write_all(&mut self, lines: &[Line]) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        self.0.write_all(&text)
    }
}

/// How many bytes of the file are whole lines.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    /// Looked at in pieces from the end: a torn line is short, the file may be long.
    const PIECE: u64 = 4096;
    let mut end = file.seek(SeekFrom::End(0))?;
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(start))?;
        let mut piece = Vec::new();
        Read::by_ref(file)
            .take(end - start)
            .read_to_end(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(name: &str) -> Line {
        Line::Start {
            by: MemberId([1; 32]),
            name: name.to_owned(),
        }
    }

    fn lines_of(path: &Path) -> Vec<Line> {
        let mut history = History::default();
        history.read_file(path).unwrap();
        history.0.into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_line_that_a_kill_has_torn_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        // A torn line longer than a piece, one shorter, and a file that is nothing else.
        for (before, torn) in [(2, 10_000), (1, 3), (0, 5_000)] {
            let mut recorder = Recorder::append_to(&path).unwrap();
            for _ in 0..before {
                recorder.write(&started("ada")).unwrap();
            }
            recorder.0.write_all("{".repeat(torn).as_bytes()).unwrap();
            drop(recorder);
            assert_eq!(lines_of(&path), vec![started("ada"); before]);
            let mut recorder = Recorder::append_to(&path).unwrap();
            recorder.write(&started("bob")).unwrap();
            let mut expected = vec![started("ada"); before];
            expected.push(started("bob"));
            assert_eq!(lines_of(&path), expected);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let mut history = History::default();
        let text = "{\"what\":\"taken\",\"by\":\"x\",\"n\":1}\n";
        let error = history.read(&"some.jsonl".into(), text.as_bytes());
        let Err(HistoryError::NotALine { origin, .. }) = error else {
            panic!("it was taken: {error:?}");
        };
        assert_eq!(origin.to_string(), "some.jsonl:1");
    }
}
