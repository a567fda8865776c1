//! How it all ends: asked about, with goodbyes, once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chatspot_nearby::Nearby;
use chatspot_protocol::view::Change;
use tauri::{AppHandle, Manager};

use crate::app::{MAIN, Start};

/// Time for goodbyes when quitting.
const GOODBYES: Duration = Duration::from_secs(3);
/// How long the question about quitting counts as being asked.
const ASKING: Duration = Duration::from_secs(10);

/// How far it is.
#[derive(Default)]
pub(crate) struct Ending {
    /// When the window was last asked about quitting. A lock because closing comes from any thread.
    asked: Mutex<Option<Instant>>,
    quitting: AtomicBool,
}

/// Quits, unless others are in rooms hosted here: then the window asks first. Closing it again while it asks is an
/// answer, so that a window that shows nothing can be closed too.
pub(crate) async fn close_requested(app: AppHandle) {
    if let Ok(running) = app.state::<Start>().as_ref() {
        let others = running.host.others().await;
        let ending = app.state::<Ending>();
        let before = ending
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(Instant::now());
        if others > 0 && before.is_none_or(|before| before.elapsed() > ASKING) {
            running.client.publish(Change::QuitAsked { others }).await;
            return;
        }
    }
    quit(app).await;
}

/// Somebody chose to stay: the next time is asked again.
pub(crate) fn stay(app: &AppHandle) {
    let ending = app.state::<Ending>();
    *ending.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Says goodbye everywhere and ends the app.
pub(crate) async fn quit(app: AppHandle) {
    if goodbye(&app).await {
        app.exit(0);
    }
}

/// The same, and begins anew: what was changed at the root takes effect, and a keychain is asked again.
pub(crate) async fn restart(app: AppHandle) {
    if goodbye(&app).await {
        app.request_restart();
    }
}

/// False if somebody else does it already.
async fn goodbye(app: &AppHandle) -> bool {
    if app.state::<Ending>().quitting.swap(true, Ordering::Relaxed) {
        return false;
    }
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.hide()
    {
        tracing::debug!(%error, "the window cannot be hidden");
    }
    if let Ok(running) = app.state::<Start>().as_ref() {
        // Side by side: somebody asleep in a room hosted here must not cost the others our goodbye.
        let goodbyes = async {
            tokio::join!(
                running.host.stop_all(),
                running.client.goodbye(),
                unseen(running.nearby.as_ref())
            )
        };
        if tokio::time::timeout(GOODBYES, goodbyes).await.is_err() {
            tracing::info!("not every goodbye was heard");
        }
    }
    true
}

/// Takes back what is called out.
async fn unseen(nearby: Option<&Nearby>) {
    if let Some(nearby) = nearby {
        nearby.end().await;
    }
}

/// Ctrl-C in the terminal that started it, or the end of the session.
pub(crate) async fn quit_on_signal(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, hangup) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        );
        if let (Ok(mut terminate), Ok(mut hangup)) = (terminate, hangup) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            quit(app).await;
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        quit(app).await;
    }
}
