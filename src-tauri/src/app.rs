//! The builder: one instance, one window, and what runs behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chatspot_client::{Client, ClientConfig, StoreError, Vault};
use chatspot_nearby::Nearby;
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::{Failure, FailureCode};
use tauri::{
    AppHandle, Manager, RunEvent, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};
use tauri_plugin_window_state::StateFlags;

use crate::ending::Ending;
use crate::host::Host;
use crate::links::Links;
use crate::{commands, ending, graphics, links, paths};

/// The one window's label; the capabilities name it.
pub(crate) const MAIN: &str = "main";
/// Time for the first paint, on a slow machine with a cold disk; after it the window counts as blank.
const PAINT_WITHIN: Duration = Duration::from_secs(20);

/// Time for the program before to let go of the data folder.
const FOLDER_FREE: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const FOLDER_LOOK: Duration = Duration::from_millis(100);

/// Set to `off`, it keeps all of discovery off: nothing is called out, nothing is heard.
const NEARBY: &str = "CHATSPOT_NEARBY";

/// What runs behind the window.
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) host: Host,
    /// None where the environment keeps discovery off.
    pub(crate) nearby: Option<Nearby>,
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

/// Whether the window's first frame is on the screen.
#[derive(Default)]
struct Painted(AtomicBool);

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
        .plugin(tauri_plugin_single_instance::init(|app, words, _| {
            show(app);
            if let Some(link) = links::asked(words) {
                tauri::async_runtime::spawn(links::ask(app.clone(), link));
            }
        }))
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
        .manage(Painted::default())
        .manage(Links::default())
        .manage(Ending::default())
        .invoke_handler(tauri::generate_handler![
            commands::subscribe,
            commands::painted,
            commands::set_name,
            commands::host_room,
            commands::stop_hosting,
            commands::resume_hosting,
            commands::look_up,
            commands::join,
            commands::look_nearby,
            commands::set_discovery,
            commands::scan,
            commands::stop_scan,
            commands::join_nearby,
            commands::check_up,
            commands::hand_out,
            commands::save_qr,
            commands::copy_qr,
            commands::leave,
            commands::redial,
            commands::send,
            commands::retry,
            commands::discard,
            commands::typing,
            commands::forget_recent,
            commands::suggest_passcode,
            commands::set_settings,
            commands::passcode,
            commands::read_link,
            commands::join_link,
            commands::moderate,
            commands::set_role,
            commands::delete_message,
            commands::set_passcode,
            commands::make_invite,
            commands::invite_link,
            commands::revoke_invite,
            commands::answer_knock,
            commands::compare,
            commands::open_link,
            commands::export_identity,
            commands::import_identity,
            commands::restart,
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
            if let Some(link) = links::asked(std::env::args()) {
                tauri::async_runtime::spawn(links::ask(handle.clone(), link));
            }
            tauri::async_runtime::spawn(resume(handle.clone()));
            tauri::async_runtime::spawn(watch_paint(handle.clone()));
            tauri::async_runtime::spawn(ending::quit_on_signal(handle));
            Ok(())
        })
        .build(context)?;
    Ok(app.run_return(|app, event| {
        // The system's way to hand over links where programs are not started for them.
        #[cfg(target_os = "macos")]
        if let RunEvent::Opened { urls } = &event {
            show(app);
            if let Some(url) = urls.first() {
                let link = links::Asked::of(url.as_str().to_owned());
                tauri::async_runtime::spawn(links::ask(app.clone(), link));
            }
        }
        // The system asks to quit, as macOS does for Cmd+Q: that is closing the window. Our own exit has a code.
        if let RunEvent::ExitRequested {
            api, code: None, ..
        } = event
        {
            api.prevent_exit();
            tauri::async_runtime::spawn(ending::close_requested(app.clone()));
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
    let vault = Vault::system(&folder);
    let client = tauri::async_runtime::block_on(start_client(&vault, config))
        .map_err(|error| chatspot_client::storage(&error))?;
    let nearby = tauri::async_runtime::block_on(discover(&client));
    let host = Host::load(&folder, vault, client.clone(), nearby.clone())
        .map_err(|error| storage(error.to_string()))?;
    Ok(Running {
        client,
        host,
        nearby,
    })
}

/// Has the client find rooms, unless the environment says that nothing is to be sent or heard.
async fn discover(client: &Client) -> Option<Nearby> {
    if std::env::var_os(NEARBY).is_some_and(|value| value == "off") {
        return None;
    }
    let (nearby, sightings) = Nearby::start(chatspot_nearby::Config::default());
    client.attach(nearby.clone(), sightings).await;
    Some(nearby)
}

/// After a restart the program before may hold the folder for a moment yet.
async fn start_client(vault: &Vault, config: ClientConfig) -> Result<Client, StoreError> {
    let since = Instant::now();
    loop {
        match Client::start_in(vault, config.clone()) {
            Err(StoreError::InUse { .. }) if since.elapsed() < FOLDER_FREE => {
                tokio::time::sleep(FOLDER_LOOK).await;
            }
            started => return started,
        }
    }
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
            tauri::async_runtime::spawn(ending::close_requested(handle.clone()));
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
    if !app.state::<Painted>().0.swap(true, Ordering::Relaxed) {
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
    if seen && others == 0 && !app.state::<Painted>().0.load(Ordering::Relaxed) {
        graphics::safest();
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

    /// What a script could do that found its way into the page is what the page may do: so little is stated here once
    /// more, and no change to the configuration goes by unseen.
    #[test]
    fn f85_the_page_may_do_what_is_needed_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let config = read(include_str!("../../tauri.conf.json"));
        let app = &config["app"];
        assert_eq!(app["withGlobalTauri"], false);
        assert_eq!(app["windows"], serde_json::json!([]));
        let security = &app["security"];
        assert_eq!(security["freezePrototype"], true);
        assert_eq!(security["capabilities"], serde_json::json!(["main"]));
        assert!(
            security
                .get("dangerousDisableAssetCspModification")
                .is_none()
        );
        assert!(security.get("assetProtocol").is_none());
        let csp = security["csp"].as_str().unwrap();
        let mut directives: Vec<&str> = csp.split(';').map(str::trim).collect();
        directives.sort_unstable();
        assert_eq!(
            directives,
            [
                "base-uri 'none'",
                "connect-src ipc: http://ipc.localhost",
                "default-src 'none'",
                "font-src 'self'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "object-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
            ]
        );
        let capability = read(include_str!("../capabilities/main.json"));
        assert_eq!(capability["windows"], serde_json::json!(["main"]));
        assert_eq!(capability["permissions"], serde_json::json!(["chat"]));
        assert!(capability.get("remote").is_none());
        // Nothing of the system by way of a plugin.
        let plugins = config["plugins"].as_object().unwrap();
        assert_eq!(plugins.keys().collect::<Vec<_>>(), ["deep-link"]);
    }

    #[test]
    fn every_command_of_the_window_is_allowed_and_no_other() {
        let permissions = include_str!("../permissions/chat.toml");
        let (_, list) = permissions.split_once("commands.allow = [").unwrap();
        let mut allowed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        let source = include_str!("app.rs");
        let (_, handler) = source.split_once("generate_handler![").unwrap();
        let (handler, _) = handler.split_once("])").unwrap();
        let mut handled: Vec<&str> = handler
            .split(',')
            .filter_map(|name| name.trim().strip_prefix("commands::"))
            .collect();
        allowed.sort_unstable();
        handled.sort_unstable();
        assert_eq!(allowed, handled);
    }

    #[test]
    fn a_suggested_name_can_be_a_name() {
        let name = suggested_name();
        assert!(name.is_empty() || DisplayName::parse(&name).is_ok());
    }
}
