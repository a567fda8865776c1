//! What the window may call. Each command hands on; nothing is decided here.

use chatspot_client::History;
use chatspot_protocol::event::{Retention, RoomSettings};
use chatspot_protocol::ids::{ClientId, RoomId};
use chatspot_protocol::view::{
    ExportFormat, Failure, FailureCode, Found, Hits, Page, PageAt, Place, Update,
};
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_clipboard_manager::ClipboardExt;

use crate::app::{Running, Start};
use crate::bridge::Window;

type Done = Result<(), Failure>;

/// Whatever runs, or why it does not: the window says it in words.
fn running<'a>(start: &'a State<'_, Start>) -> Result<&'a Running, Failure> {
    start.as_ref().map_err(Clone::clone)
}

#[tauri::command]
pub(crate) async fn subscribe(start: State<'_, Start>, channel: Channel<Update>) -> Done {
    running(&start)?
        .client
        .subscribe(Box::new(Window(channel)))
        .await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn painted(app: AppHandle) -> Done {
    crate::app::painted(&app);
    Ok(())
}

#[tauri::command]
pub(crate) async fn set_name(start: State<'_, Start>, name: String) -> Done {
    let running = running(&start)?;
    let first = running.client.name().is_none();
    running.client.set_name(&name).await?;
    if first {
        // Rooms of an earlier profile wait for somebody with a name.
        running.resume_all().await;
    }
    Ok(())
}

#[tauri::command]
pub(crate) async fn host_room(
    start: State<'_, Start>,
    name: String,
    retention: Retention,
) -> Result<RoomId, Failure> {
    running(&start)?.host.create(&name, retention).await
}

#[tauri::command]
pub(crate) async fn stop_hosting(start: State<'_, Start>, room: RoomId) -> Done {
    running(&start)?.host.stop(room).await
}

#[tauri::command]
pub(crate) async fn resume_hosting(start: State<'_, Start>, room: RoomId) -> Done {
    running(&start)?.host.resume(room).await
}

#[tauri::command]
pub(crate) async fn look_up(start: State<'_, Start>, text: String) -> Result<Found, Failure> {
    running(&start)?.client.look_up(&text).await
}

#[tauri::command]
pub(crate) async fn join(
    start: State<'_, Start>,
    address: String,
    room: RoomId,
    name: String,
) -> Done {
    running(&start)?.client.join(&address, room, &name).await
}

#[tauri::command]
pub(crate) async fn leave(start: State<'_, Start>, room: RoomId, keep: bool) -> Done {
    let running = running(&start)?;
    let copy = if keep { History::Keep } else { History::Delete };
    running.host.forget(room).await?;
    running.client.leave(room, copy).await
}

#[tauri::command]
pub(crate) async fn set_retention(
    start: State<'_, Start>,
    room: RoomId,
    retention: Retention,
) -> Done {
    let settings = RoomSettings { retention };
    running(&start)?.client.set_settings(room, settings).await
}

#[tauri::command]
pub(crate) async fn page(
    start: State<'_, Start>,
    room: RoomId,
    at: PageAt,
) -> Result<Page, Failure> {
    running(&start)?.client.page(room, at).await
}

#[tauri::command]
pub(crate) async fn read(start: State<'_, Start>, room: RoomId, place: Place) -> Done {
    running(&start)?.client.read(room, place).await
}

#[tauri::command]
pub(crate) async fn unread_from(start: State<'_, Start>, room: RoomId, place: Place) -> Done {
    running(&start)?.client.unread_from(room, place).await
}

#[tauri::command]
pub(crate) async fn save_draft(start: State<'_, Start>, room: RoomId, text: String) -> Done {
    running(&start)?.client.save_draft(room, text).await
}

#[tauri::command]
pub(crate) async fn set_prefs(start: State<'_, Start>, prefs: String) -> Done {
    running(&start)?.client.set_prefs(prefs).await
}

#[tauri::command]
pub(crate) async fn search(
    start: State<'_, Start>,
    room: Option<RoomId>,
    query: String,
    before: Option<i64>,
) -> Result<Hits, Failure> {
    running(&start)?.client.search(room, query, before).await
}

#[tauri::command]
pub(crate) async fn export_room(
    app: AppHandle,
    start: State<'_, Start>,
    room: RoomId,
    format: ExportFormat,
) -> Result<String, Failure> {
    let folder = crate::paths::for_exports(&app).map_err(|error| Failure {
        code: FailureCode::Storage,
        message: error.to_string(),
    })?;
    let path = running(&start)?.client.export(room, format, folder).await?;
    Ok(path.display().to_string())
}

#[tauri::command]
pub(crate) async fn redial(start: State<'_, Start>, room: RoomId) -> Done {
    running(&start)?.client.redial(room).await
}

#[tauri::command]
pub(crate) async fn send(start: State<'_, Start>, room: RoomId, text: String) -> Done {
    running(&start)?.client.send(room, &text).await
}

#[tauri::command]
pub(crate) async fn retry(start: State<'_, Start>, room: RoomId, id: ClientId) -> Done {
    running(&start)?.client.retry(room, id).await
}

#[tauri::command]
pub(crate) async fn discard(
    start: State<'_, Start>,
    room: RoomId,
    id: ClientId,
) -> Result<bool, Failure> {
    running(&start)?.client.discard(room, id).await
}

#[tauri::command]
pub(crate) async fn typing(start: State<'_, Start>, room: RoomId, active: bool) -> Done {
    running(&start)?.client.typing(room, active).await
}

#[tauri::command]
pub(crate) async fn forget_recent(start: State<'_, Start>, room: RoomId) -> Done {
    running(&start)?.client.forget_recent(room).await
}

#[tauri::command]
pub(crate) async fn copy_text(app: AppHandle, text: String) -> Done {
    app.clipboard().write_text(text).map_err(|error| Failure {
        code: FailureCode::Internal,
        message: error.to_string(),
    })
}

#[tauri::command]
pub(crate) async fn quit(app: AppHandle) -> Done {
    crate::app::quit(app).await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn stay(app: AppHandle) -> Done {
    crate::app::stay(&app);
    Ok(())
}
