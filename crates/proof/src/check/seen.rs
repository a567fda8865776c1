//! A history, sorted by whom and what, and the comparison for each rule.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chatspot_protocol::event::{Body, Event};
use chatspot_protocol::ids::{ClientId, Epoch, MemberId, Seq};

use crate::check::{Counts, Rule, Violation};
use crate::history::{History, Line, Origin};

/// A member's program from a start to the next.
#[derive(Debug, Default)]
struct Run<'a> {
    shown: Vec<(&'a Origin, u32, &'a Event)>,
    broke: Vec<(&'a Origin, &'a str)>,
    /// Where it says that the room is open, and how much was shown by then.
    opened: Option<(&'a Origin, usize)>,
}

impl Run<'_> {
    fn last(&self) -> Option<Seq> {
        self.shown.iter().map(|(_, _, event)| event.seq).max()
    }
}

#[derive(Debug, Default)]
struct Author<'a> {
    name: &'a str,
    runs: Vec<Run<'a>>,
    wrote: BTreeMap<u64, (&'a Origin, &'a str)>,
    taken: BTreeMap<u64, &'a Origin>,
    acked: Vec<(&'a Origin, Seq, ClientId)>,
}

impl<'a> Author<'a> {
    fn run(&mut self) -> &mut Run<'a> {
        if self.runs.is_empty() {
            self.runs.push(Run::default());
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last]
    }

    fn numbers(&self) -> HashMap<&'a str, u64> {
        let number = |(n, (_, text)): (&u64, &(&'a Origin, &'a str))| (*text, *n);
        self.wrote.iter().map(number).collect()
    }
}

/// The history, sorted by whom and what.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    authors: BTreeMap<MemberId, Author<'a>>,
    logs: Vec<(&'a Origin, Epoch, Seq, Seq)>,
    held: Vec<(&'a Origin, &'a Event)>,
    /// The first one at each position.
    at: HashMap<Seq, (&'a Origin, &'a Event)>,
    ends: Vec<(&'a Origin, Seq)>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let mut seen = Seen::default();
        for (origin, line) in &history.0 {
            match line {
                Line::Start { by, name } => {
                    let author = seen.authors.entry(*by).or_default();
                    author.name = name;
                    author.runs.push(Run::default());
                }
                Line::Wrote { by, n, text } => {
                    let wrote = &mut seen.authors.entry(*by).or_default().wrote;
                    wrote.insert(*n, (origin, text));
                }
                Line::Taken { by, n } => {
                    seen.authors
                        .entry(*by)
                        .or_default()
                        .taken
                        .insert(*n, origin);
                }
                Line::Refused { .. } => {}
                Line::Acked { by, seq, id } => {
                    let acked = &mut seen.authors.entry(*by).or_default().acked;
                    acked.push((origin, *seq, *id));
                }
                Line::Shown { by, log, event } => {
                    let run = seen.authors.entry(*by).or_default().run();
                    run.shown.push((origin, *log, event));
                }
                Line::Broke { by, how } => {
                    let run = seen.authors.entry(*by).or_default().run();
                    run.broke.push((origin, how));
                }
                Line::Opened { by } => {
                    let run = seen.authors.entry(*by).or_default().run();
                    run.opened = Some((origin, run.shown.len()));
                }
                Line::Log { epoch, first, head } => {
                    seen.logs.push((origin, *epoch, *first, *head));
                }
                Line::Holds { event } => {
                    seen.held.push((origin, event));
                    seen.at.entry(event.seq).or_insert((origin, event));
                }
                Line::End { head } => seen.ends.push((origin, *head)),
            }
        }
        seen
    }

    pub(super) fn counts(&self) -> Counts {
        let sum = |count: fn(&Author<'_>) -> usize| self.authors.values().map(count).sum();
        let acked = |author: &Author<'_>| {
            let ids: HashSet<_> = author.acked.iter().map(|(_, _, id)| id).collect();
            ids.len()
        };
        Counts {
            members: self.authors.len(),
            runs: sum(|author| author.runs.len()),
            written: sum(|author| author.wrote.len()),
            taken: sum(|author| author.taken.len()),
            acked: sum(acked),
            shown: sum(|author| author.runs.iter().map(|run| run.shown.len()).sum()),
            events: self.held.len(),
        }
    }

    /// What is before it was deleted.
    fn first(&self) -> Seq {
        self.logs
            .first()
            .map_or(Seq::ZERO, |(_, _, first, _)| *first)
    }

    pub(super) fn gapless(&self) -> Vec<Violation> {
        let rule = Rule::Gapless;
        let [(log, _, first, head)] = self.logs.as_slice() else {
            return vec![Violation {
                rule,
                found: format!("the log was read out {} times, not once", self.logs.len()),
                lines: self.logs.iter().map(|(log, ..)| (*log).clone()).collect(),
            }];
        };
        let mut violations = Vec::new();
        let mut next = *first;
        let mut before: &Origin = log;
        for (origin, event) in &self.held {
            if event.seq != next {
                violations.push(Violation {
                    rule,
                    found: format!("{} stands where {next} is due", event.seq),
                    lines: vec![before.clone(), (*origin).clone()],
                });
            }
            next = event.seq.next();
            before = origin;
        }
        if next != head.next() {
            violations.push(Violation {
                rule,
                found: format!("the head is {head}, and {next} is due behind the last event"),
                lines: vec![(*log).clone(), before.clone()],
            });
        }
        violations
    }

    pub(super) fn unique(&self) -> Vec<Violation> {
        let mut ids = HashMap::new();
        let mut texts = HashMap::new();
        let mut violations = Vec::new();
        let mut twice = |found: String, first: &Origin, second: &Origin| {
            violations.push(Violation {
                rule: Rule::Unique,
                found,
                lines: vec![first.clone(), second.clone()],
            });
        };
        let wrote: HashMap<_, _> = self
            .authors
            .iter()
            .map(|(author, seen)| (*author, seen.numbers()))
            .collect();
        for (origin, event) in &self.held {
            let author = event.author;
            if let Some(id) = event.body.id()
                && let Some(first) = ids.insert((author, id), *origin)
            {
                twice(format!("the id {id} of {author}"), first, origin);
            }
            if let Body::Message { text, .. } = &event.body
                && let Some(n) = wrote
                    .get(&author)
                    .and_then(|wrote| wrote.get(text.as_str()))
                && let Some(first) = texts.insert((author, *n), *origin)
            {
                twice(
                    format!("message {n} of {}", self.name(author)),
                    first,
                    origin,
                );
            }
        }
        violations
    }

    pub(super) fn acked(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (member, author) in &self.authors {
            for (origin, seq, id) in &author.acked {
                let found = match self.at.get(seq) {
                    _ if *seq < self.first() => continue,
                    Some((_, event)) if event.author == *member && event.body.id() == Some(*id) => {
                        continue;
                    }
                    Some(_) => format!("{id} is not what the log has at {seq}"),
                    None => format!("{id} was acknowledged at {seq}, where the log has nothing"),
                };
                let held = self.at.get(seq).map(|(held, _)| (*held).clone());
                violations.push(Violation {
                    rule: Rule::Acked,
                    found,
                    lines: std::iter::once((*origin).clone()).chain(held).collect(),
                });
            }
        }
        violations
    }

    pub(super) fn shown(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (origin, _, event) in self.runs().flat_map(|(_, run)| &run.shown) {
            let seq = event.seq;
            let held = self.at.get(&seq);
            if seq < self.first() || held.is_some_and(|(_, held)| held == event) {
                continue;
            }
            violations.push(Violation {
                rule: Rule::Shown,
                found: match held {
                    Some((_, held)) => {
                        format!("{seq} was shown as {event:?}, the log has {held:?}")
                    }
                    None => format!("{seq} was shown, and the log does not have it: {event:?}"),
                },
                lines: std::iter::once(*origin)
                    .chain(held.map(|(held, _)| *held))
                    .cloned()
                    .collect(),
            });
        }
        violations
    }

    pub(super) fn order(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (author, run) in self.runs() {
            for pair in run.shown.windows(2) {
                let [(first, log, before), (second, other, after)] = pair else {
                    continue;
                };
                if log == other && before.seq.next() == after.seq {
                    continue;
                }
                violations.push(Violation {
                    rule: Rule::Order,
                    found: format!(
                        "{} was shown {} (log {log}), then {} (log {other})",
                        author.name, before.seq, after.seq
                    ),
                    lines: vec![(*first).clone(), (*second).clone()],
                });
            }
            violations.extend(run.broke.iter().map(|(origin, how)| Violation {
                rule: Rule::Order,
                found: format!("{} was shown a break: {how}", author.name),
                lines: vec![(*origin).clone()],
            }));
        }
        violations
    }

    pub(super) fn kept(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for author in self.authors.values() {
            let mut before: Option<Seq> = None;
            for run in &author.runs {
                if let Some((origin, count)) = run.opened {
                    let there = run.shown[..count]
                        .iter()
                        .map(|(_, _, event)| event.seq)
                        .max();
                    if there < before {
                        violations.push(Violation {
                            rule: Rule::Kept,
                            found: format!(
                                "{} had been shown everything to {}, and found on its disk what is up to {}",
                                author.name,
                                before.unwrap_or_default(),
                                there.unwrap_or_default()
                            ),
                            lines: vec![origin.clone()],
                        });
                    }
                }
                before = before.max(run.last());
            }
        }
        violations
    }

    pub(super) fn author_order(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (member, author) in &self.authors {
            let numbers = author.numbers();
            let mut last: Option<(u64, &Origin)> = None;
            for (origin, text) in self.messages_of(*member) {
                let Some(n) = numbers.get(text).copied() else {
                    continue;
                };
                if let Some((before, line)) = last
                    && n < before
                {
                    violations.push(Violation {
                        rule: Rule::AuthorOrder,
                        found: format!(
                            "message {n} of {} is in the log behind its message {before}",
                            author.name
                        ),
                        lines: vec![line.clone(), origin.clone()],
                    });
                }
                last = Some((n, origin));
            }
        }
        violations
    }

    pub(super) fn written(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (member, author) in &self.authors {
            let numbers = author.numbers();
            let foreign = self
                .messages_of(*member)
                .filter(|(_, text)| !numbers.contains_key(text));
            violations.extend(foreign.map(|(origin, text)| Violation {
                rule: Rule::Written,
                found: format!("{} never wrote {text:?}", author.name),
                lines: vec![origin.clone()],
            }));
        }
        violations
    }

    pub(super) fn delivered(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.ends.is_empty() {
            return violations;
        }
        for (member, author) in &self.authors {
            let there: BTreeSet<_> = self.messages_of(*member).map(|(_, text)| text).collect();
            for (n, taken) in &author.taken {
                let wrote = author.wrote.get(n);
                if wrote.is_some_and(|(_, text)| there.contains(text)) {
                    continue;
                }
                violations.push(Violation {
                    rule: Rule::Delivered,
                    found: format!("message {n} of {} is not in the log", author.name),
                    lines: wrote
                        .map(|(wrote, _)| *wrote)
                        .into_iter()
                        .chain([*taken])
                        .cloned()
                        .collect(),
                });
            }
        }
        violations
    }

    pub(super) fn complete(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (end, head) in &self.ends {
            for author in self
                .authors
                .values()
                .filter(|author| !author.runs.is_empty())
            {
                let last = author.runs.iter().filter_map(Run::last).max();
                if last < Some(*head) {
                    violations.push(Violation {
                        rule: Rule::Complete,
                        found: format!(
                            "{} was shown the log up to {} of {head}",
                            author.name,
                            last.unwrap_or_default()
                        ),
                        lines: vec![(*end).clone()],
                    });
                }
            }
        }
        violations
    }

    fn runs(&self) -> impl Iterator<Item = (&Author<'a>, &Run<'a>)> {
        self.authors
            .values()
            .flat_map(|author| author.runs.iter().map(move |run| (author, run)))
    }

    fn messages_of(&self, member: MemberId) -> impl Iterator<Item = (&'a Origin, &'a str)> {
        self.held
            .iter()
            .filter(move |(_, event)| event.author == member)
            .filter_map(|(origin, event)| match &event.body {
                Body::Message { text, .. } => Some((*origin, text.as_str())),
                Body::Edited { .. }
                | Body::Deleted { .. }
                | Body::Reacted { .. }
                | Body::Joined { .. }
                | Body::Left { .. }
                | Body::Renamed { .. }
                | Body::Settings { .. }
                | Body::Moderated { .. }
                | Body::Role { .. }
                | Body::Unknown => None,
            })
    }

    fn name(&self, member: MemberId) -> &str {
        self.authors.get(&member).map_or("?", |author| author.name)
    }
}
