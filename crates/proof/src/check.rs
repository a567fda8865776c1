//! The rules that a history must keep. Knows nothing of how it came about.
//!
//! The history is of one log that was never replaced. What the log has deleted since (positions before its first) is
//! not compared.

mod seen;

use std::fmt;

use crate::check::seen::Seen;
use crate::history::{History, Origin};

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The log was read out once, as one log, and holds each position from its first to its head.
    Gapless,
    /// The log holds no (author, id) and no written message twice.
    Unique,
    /// What was acknowledged is in the log, where it was acknowledged.
    Acked,
    /// What was shown is in the log, where it was shown, and the same.
    Shown,
    /// Every member was shown a contiguous run of the log, in its order, without a break, while its program ran.
    Order,
    /// What a member was shown is on its disk: all of it is there when its program runs again.
    Kept,
    /// The messages of one author are in the log in the order in which they were written.
    AuthorOrder,
    /// What the log holds of a member, that member wrote.
    Written,
    /// In the end everything that an outbox took is in the log.
    Delivered,
    /// In the end every member was shown the log's head.
    Complete,
}

impl Rule {
    /// What it says.
    pub fn text(self) -> &'static str {
        match self {
            Rule::Gapless => {
                "the log is whole: one event for each position from its first to its head"
            }
            Rule::Unique => "nothing is in the log twice",
            Rule::Acked => "what was acknowledged is in the log",
            Rule::Shown => "what was shown is in the log, and the same there",
            Rule::Order => "everybody is shown the log's order, without holes and nothing twice",
            Rule::Kept => "what was shown is still there after a restart",
            Rule::AuthorOrder => "an author's messages are in the log in the order of writing",
            Rule::Written => "what the log holds of a member, that member wrote",
            Rule::Delivered => "what an outbox took is in the log in the end",
            Rule::Complete => "everybody was shown the whole log in the end",
        }
    }
}

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// What was found.
    pub found: String,
    /// The lines that show it.
    pub lines: Vec<Origin>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.found)?;
        for line in &self.lines {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// What a history is about, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Members.
    pub members: usize,
    /// Times that a member's program was started.
    pub runs: usize,
    /// Messages that were written.
    pub written: usize,
    /// Messages that an outbox took.
    pub taken: usize,
    /// Messages that were acknowledged, each counted once.
    pub acked: usize,
    /// Events that were shown, to whomever and how often.
    pub shown: usize,
    /// Events in the log.
    pub events: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            members,
            runs,
            written,
            taken,
            acked,
            shown,
            events,
        } = self;
        write!(
            f,
            "{members} members in {runs} runs: {written} messages written, {taken} taken by an outbox, \
             {acked} acknowledged; {events} events in the log, shown {shown} times"
        )
    }
}

/// Compares.
pub fn check(history: &History) -> Report {
    let seen = Seen::of(history);
    let violations = [
        seen.gapless(),
        seen.unique(),
        seen.acked(),
        seen.shown(),
        seen.order(),
        seen.kept(),
        seen.author_order(),
        seen.written(),
        seen.delivered(),
        seen.complete(),
    ]
    .concat();
    Report {
        counts: seen.counts(),
        violations,
    }
}

/// Violations of one rule that are shown; the others are counted.
const REPORTED: usize = 10;

/// The outcome, for people as text: numbers, then what does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it is about.
    pub counts: Counts,
    /// By rule, and within a rule by line.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.counts)?;
        for of_rule in self.violations.chunk_by(|a, b| a.rule == b.rule) {
            let rule = of_rule[0].rule;
            write!(f, "\n\nbroken: {} ({} times)", rule.text(), of_rule.len())?;
            for violation in of_rule.iter().take(REPORTED) {
                write!(f, "\n  {violation}")?;
            }
        }
        if self.violations.is_empty() {
            write!(f, "\nevery rule holds")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
