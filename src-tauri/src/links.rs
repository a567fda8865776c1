//! Links: those that lead to this app, and those that lead out of it.
//!
//! What another program hands over is looked at for one thing, an invite link, which is at most a question to the person
//! at the window. Everything else of it does nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chatspot_protocol::invite::LINK_PREFIX;
use chatspot_protocol::markdown::safe_link;
use chatspot_protocol::view::{Change, Failure, FailureCode};
use tauri::{AppHandle, Manager};

use crate::app::Start;

/// What every link to this app begins with.
const SCHEME: &str = "chatspot:";

/// A link among what a program was started with: its own name, and words of whoever started it.
pub(crate) fn asked(words: impl IntoIterator<Item = String>) -> Option<Asked> {
    let link = words.into_iter().skip(1).find(|word| {
        let start = word.get(..SCHEME.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    })?;
    Some(Asked::of(link))
}

/// A link that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It may be one that leads to a room.
    Link(String),
    /// It leads nowhere.
    Nothing,
}

impl Asked {
    /// The link, as it came from outside.
    pub(crate) fn of(link: String) -> Self {
        let wanted = link.strip_prefix(LINK_PREFIX);
        // White space is passed over where people paste; a link that a program opens has none.
        if wanted.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_graphic())) {
            Asked::Link(link)
        } else {
            Asked::Nothing
        }
    }
}

/// Links on their way to the window. A lock because they come from any thread.
#[derive(Default)]
pub(crate) struct Links(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    listening: bool,
    /// The last one that was opened before the window listened. Nobody answers two questions at once.
    link: Option<Asked>,
}

impl Links {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the person at the window what to do with a link, as soon as the window listens.
pub(crate) async fn ask(app: AppHandle, link: Asked) {
    {
        let links = app.state::<Links>();
        let mut links = links.lock();
        links.link = Some(link);
        if !links.listening {
            return;
        }
    }
    ask_waiting(&app).await;
}

/// The window listens from now on.
pub(crate) async fn subscribed(app: &AppHandle) {
    {
        let links = app.state::<Links>();
        let mut links = links.lock();
        links.listening = true;
    }
    ask_waiting(app).await;
}

async fn ask_waiting(app: &AppHandle) {
    let link = {
        let links = app.state::<Links>();
        let mut links = links.lock();
        links.link.take()
    };
    let start = app.state::<Start>();
    let (Some(link), Ok(running)) = (link, start.as_ref()) else {
        return;
    };
    let question = match link {
        Asked::Link(link) => running.client.read_link(&link).await.ok(),
        Asked::Nothing => None,
    };
    running.client.publish(Change::LinkAsked { question }).await;
}

/// Has the system open a link of a message, if it may be opened: looked at once more here, where no page can reach.
pub(crate) async fn open(href: &str) -> Result<(), Failure> {
    let safe = safe_link(href).ok_or_else(|| Failure {
        code: FailureCode::UnsafeLink,
        message: "this link is not opened".to_owned(),
    })?;
    // Systems take a moment for it.
    let opened =
        tauri::async_runtime::spawn_blocking(move || open::that_detached(&safe.href)).await;
    let internal = |message: String| Failure {
        code: FailureCode::Internal,
        message,
    };
    opened
        .map_err(|error| internal(error.to_string()))?
        .map_err(|error| internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn f82_of_what_another_program_hands_over_only_an_invite_link_counts() {
        for nothing in [
            &["chatspot"][..],
            &["chatspot", "--host", "--flags", "-x"],
            &["chatspot", "https://example.org/"],
            &["chatspot", "file:///etc/passwd"],
            &["chatspot", "javascript:alert(1)"],
            &["chatspot", "127.0.0.1:4470"],
            &["chatspot", "--url=chatspot://join/AAAA"],
            // The program's own name is no word of anybody's.
            &["chatspot://join/AAAA"],
            &[],
        ] {
            assert_eq!(asked(words(nothing)), None, "{nothing:?}");
        }
        let link = "chatspot://join/AAAA";
        assert_eq!(
            asked(words(&["chatspot", "--flags", link, "--more"])),
            Some(Asked::Link(link.to_owned()))
        );
        for nowhere in [
            "chatspot://host/AAAA",
            "chatspot:join/AAAA",
            "CHATSPOT://JOIN/AAAA",
            "chatspot://",
            "chatspot://join/AA AA",
            "chatspot://join/AA\u{0}AA",
            "chatspot://join/AA\nAA",
            "chatspot://join/\u{202e}AAAA",
        ] {
            assert_eq!(
                asked(words(&["chatspot", nowhere])),
                Some(Asked::Nothing),
                "{nowhere:?}"
            );
        }
    }

    #[tokio::test]
    async fn f41_a_link_that_is_no_link_is_not_opened() {
        for href in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "chatspot://join/AAAA",
            "https://user:password@example.org/",
            "--help",
            "",
        ] {
            let failure = open(href).await.unwrap_err();
            assert_eq!(failure.code, FailureCode::UnsafeLink, "{href}");
        }
    }
}
