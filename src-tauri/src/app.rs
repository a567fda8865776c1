//! The builder: one instance, one window, what runs behind it, and how it all ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chatspot_client::{Client, ClientConfig};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::{Change, Failure, FailureCode};
use tauri::{
    AppHandle, Manager, RunEvent, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};
use tauri_plugin_window_state::StateFlags;

use crate::host::Host;
use crate::{commands, graphics, paths};

/// The one window's label; the capabilities name it.
const MAIN: &str = "main";
/// Time for the first paint, on a slow machine with a cold disk; after it the window counts as blank.
const PAINT_WITHIN: Duration = Duration::from_secs(20);
/// Time for goodbyes when quitting.
const GOODBYES: Duration = Duration::from_secs(3);

/// How long the question about quitting counts as being asked.
const ASKING: Duration = Duration::from_secs(10);

/// What runs behind the window.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) host: Host,
}

impl Running {
    /// Opens the rooms that were open when the app ended, one's own first: they are this computer's to answer for.
    pub(crate) async fn resume_all(&self) {
        self.host.resume_all().await;
        if let Err(failure) = self.client.resume().await {
            tracing::error!(?failure, "not every room is open again");
        }
    }
}

/// Either it runs, or the window says why not.
pub(crate) type Start = Result<Running, Failure>;

/// The window's life.
#[derive(Default)]
struct Life {
    painted: AtomicBool,
    /// When the window was last asked about quitting. A lock because closing comes from any thread.
    asked: Mutex<Option<Instant>>,
    quitting: AtomicBool,
}

/// Runs the app until it ends. Returns its exit code.
pub(crate) fn run() -> tauri::Result<i32> {
    let mut context = tauri::generate_context!();
    if let Some(folder) = paths::chosen() {
        // The identifier keys the single instance and the window's state.
        context
            .config_mut()
            .identifier
            .push_str(&paths::identifier_suffix(&folder));
    }
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|app, _, _| show(app)))
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(
                    StateFlags::SIZE
                        | StateFlags::POSITION
                        | StateFlags::MAXIMIZED
                        | StateFlags::FULLSCREEN,
                )
                .build(),
        )
        .manage(Life::default())
        .invoke_handler(tauri::generate_handler![
            commands::subscribe,
            commands::painted,
            commands::set_name,
            commands::host_room,
            commands::stop_hosting,
            commands::resume_hosting,
            commands::look_up,
            commands::join,
            commands::leave,
            commands::redial,
            commands::send,
            commands::retry,
            commands::discard,
            commands::typing,
            commands::forget_recent,
            commands::set_retention,
            commands::page,
            commands::read,
            commands::unread_from,
            commands::save_draft,
            commands::set_prefs,
            commands::search,
            commands::export_room,
            commands::copy_text,
            commands::quit,
            commands::stay,
        ])
        .setup(|app| {
            let handle = app.handle().clone();
            app.manage(start(&handle));
            open_window(&handle)?;
            tauri::async_runtime::spawn(resume(handle.clone()));
            tauri::async_runtime::spawn(watch_paint(handle.clone()));
            tauri::async_runtime::spawn(quit_on_signal(handle));
            Ok(())
        })
        .build(context)?;
    Ok(app.run_return(|app, event| {
        // The system asks to quit, as macOS does for Cmd+Q: that is closing the window. Our own exit has a code.
        if let RunEvent::ExitRequested {
            api, code: None, ..
        } = event
        {
            api.prevent_exit();
            tauri::async_runtime::spawn(close_requested(app.clone()));
        }
    }))
}

fn start(app: &AppHandle) -> Start {
    let storage = |message: String| Failure {
        code: FailureCode::Storage,
        message,
    };
    let folder = paths::data_dir(app).map_err(|error| storage(error.to_string()))?;
    tracing::info!(folder = %folder.display(), "data folder");
    let config = ClientConfig {
        data_dir: folder.clone(),
        suggested_name: suggested_name(),
        version: app.package_info().version.to_string(),
    };
    let client = tauri::async_runtime::block_on(async { Client::start(config) })
        .map_err(|error| chatspot_client::storage(&error))?;
    let host = Host::load(&folder, client.clone()).map_err(|error| storage(error.to_string()))?;
    Ok(Running { client, host })
}

/// The system's name for the person, or for their account.
fn suggested_name() -> String {
    let candidates = [whoami::realname().ok(), whoami::username().ok()];
    let names = candidates
        .into_iter()
        .flatten()
        .filter_map(|name| DisplayName::parse(&name).ok());
    names
        .map(|name| name.to_string())
        .next()
        .unwrap_or_default()
}

fn open_window(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let mut builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("ChatSpot")
        .inner_size(1100.0, 720.0)
        .min_inner_size(360.0, 480.0)
        .on_document_title_changed(|window, title| {
            // The page knows the room in front and how much is unread.
            if let Err(error) = window.set_title(&title) {
                tracing::debug!(%error, "the window keeps its title");
            }
        })
        .on_navigation(is_own_page)
        .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny);
    if let Some(folder) = paths::chosen() {
        builder = builder.data_directory(folder.join("webview"));
    }
    let window = builder.build()?;
    let handle = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            tauri::async_runtime::spawn(close_requested(handle.clone()));
        }
    });
    Ok(window)
}

/// Whether the window may go there: only to the app's own page, or to the dev server while developing.
fn is_own_page(url: &Url) -> bool {
    let dev_server = cfg!(dev) && url.host_str() == Some("127.0.0.1") && url.port() == Some(5173);
    // Windows serves the page by this name; elsewhere it would be whatever listens on port 80.
    let own = if cfg!(windows) {
        url.scheme() == "http" && url.host_str() == Some("tauri.localhost") && url.port().is_none()
    } else {
        url.scheme() == "tauri" && url.host_str() == Some("localhost")
    };
    if !(own || dev_server) {
        tracing::warn!(%url, "navigation denied");
    }
    own || dev_server
}

/// Brings the one window to the front.
fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else {
        return;
    };
    for result in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(error) = result {
            tracing::debug!(%error, "the window cannot be brought to the front");
        }
    }
}

async fn resume(app: AppHandle) {
    if let Ok(running) = app.state::<Start>().as_ref() {
        running.resume_all().await;
        running.host.watch_addresses().await;
    }
}

/// The window's first frame is on the screen.
pub(crate) fn painted(app: &AppHandle) {
    if !app.state::<Life>().painted.swap(true, Ordering::Relaxed) {
        tracing::info!("painted");
    }
}

async fn watch_paint(app: AppHandle) {
    tokio::time::sleep(PAINT_WITHIN).await;
    // A hidden window paints nothing, and is no reason to throw anybody out of a room.
    let seen = app.get_webview_window(MAIN).is_some_and(|window| {
        window.is_visible().unwrap_or(false) && !window.is_minimized().unwrap_or(false)
    });
    let others = match app.state::<Start>().as_ref() {
        Ok(running) => running.host.others().await,
        Err(_) => 0,
    };
    if seen && others == 0 && !app.state::<Life>().painted.load(Ordering::Relaxed) {
        graphics::safest();
    }
}

/// Quits, unless others are in rooms hosted here: then the window asks first. Closing it again while it asks is an
/// answer, so that a window that shows nothing can be closed too.
async fn close_requested(app: AppHandle) {
    if let Ok(running) = app.state::<Start>().as_ref() {
        let others = running.host.others().await;
        let life = app.state::<Life>();
        let before = life
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
    let life = app.state::<Life>();
    *life.asked.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Says goodbye everywhere and ends the app.
pub(crate) async fn quit(app: AppHandle) {
    if app.state::<Life>().quitting.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.hide()
    {
        tracing::debug!(%error, "the window cannot be hidden");
    }
    if let Ok(running) = app.state::<Start>().as_ref() {
        // Side by side: somebody asleep in a room hosted here must not cost the others our goodbye.
        let goodbyes = async { tokio::join!(running.host.stop_all(), running.client.goodbye()) };
        if tokio::time::timeout(GOODBYES, goodbyes).await.is_err() {
            tracing::info!("not every goodbye was heard");
        }
    }
    app.exit(0);
}

/// Ctrl-C in the terminal that started it, or the end of the session.
async fn quit_on_signal(app: AppHandle) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f86_the_window_goes_nowhere_else() {
        for url in [
            "https://example.org/",
            "http://tauri.localhost.example.org/",
            "http://tauri.localhost:8080/",
            "file:///etc/passwd",
            "data:text/html,x",
            "tauri://elsewhere/",
        ] {
            assert!(!is_own_page(&url.parse().unwrap()), "{url}");
        }
        let own = if cfg!(windows) {
            "http://tauri.localhost/"
        } else {
            "tauri://localhost/"
        };
        assert!(is_own_page(&own.parse().unwrap()));
    }

    #[test]
    fn a_suggested_name_can_be_a_name() {
        let name = suggested_name();
        assert!(name.is_empty() || DisplayName::parse(&name).is_ok());
    }
}
