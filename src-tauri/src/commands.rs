//! What the window may call. Each command hands on; nothing is decided here.

use std::path::PathBuf;

use chatspot_client::History;
use chatspot_protocol::compare::CompareWish;
use chatspot_protocol::event::{Moderation, Role, RoomSettings, Target};
use chatspot_protocol::ids::{ClientId, InviteId, MemberId, RoomId};
use chatspot_protocol::invite::{self, InviteLink};
use chatspot_protocol::limits::PASSCODE_WORDS;
use chatspot_protocol::view::{
    Checkup, Discovery, ExportFormat, Failure, FailureCode, Found, Handout, Hits, LinkQuestion,
    Page, PageAt, PictureFormat, Place, Update,
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

fn internal(error: &dyn std::error::Error) -> Failure {
    Failure {
        code: FailureCode::Internal,
        message: error.to_string(),
    }
}

/// Where files go that people get.
fn for_exports(app: &AppHandle) -> Result<PathBuf, Failure> {
    crate::paths::for_exports(app).map_err(|error| Failure {
        code: FailureCode::Storage,
        message: error.to_string(),
    })
}

#[tauri::command]
pub(crate) async fn subscribe(
    app: AppHandle,
    start: State<'_, Start>,
    channel: Channel<Update>,
) -> Done {
    let client = &running(&start)?.client;
    client.subscribe(Box::new(Window(channel))).await;
    crate::links::subscribed(&app).await;
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
    settings: RoomSettings,
    passcode: Option<String>,
) -> Result<RoomId, Failure> {
    let host = &running(&start)?.host;
    host.create(&name, settings, passcode.as_deref()).await
}

#[tauri::command]
pub(crate) async fn suggest_passcode() -> Result<String, Failure> {
    let mut random = [0; 2 * PASSCODE_WORDS];
    getrandom::fill(&mut random).map_err(|error| internal(&error))?;
    Ok(chatspot_protocol::passcode::generate(&random)
        .as_str()
        .to_owned())
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
pub(crate) async fn look_nearby(start: State<'_, Start>, active: bool) -> Done {
    running(&start)?.client.look_nearby(active).await
}

#[tauri::command]
pub(crate) async fn set_discovery(start: State<'_, Start>, discovery: Discovery) -> Done {
    running(&start)?.client.set_discovery(discovery).await
}

#[tauri::command]
pub(crate) async fn scan(start: State<'_, Start>) -> Done {
    running(&start)?.client.scan().await
}

#[tauri::command]
pub(crate) async fn stop_scan(start: State<'_, Start>) -> Done {
    running(&start)?.client.stop_scan().await
}

#[tauri::command]
pub(crate) async fn join_nearby(start: State<'_, Start>, room: RoomId) -> Done {
    running(&start)?.client.join_nearby(room).await
}

#[tauri::command]
pub(crate) async fn check_up(start: State<'_, Start>) -> Result<Checkup, Failure> {
    let running = running(&start)?;
    let port = running.host.port().await;
    running.client.check_up(port).await
}

/// What a link says, as everything that can be handed out of it.
fn handout(link: &str) -> Result<Handout, Failure> {
    let link = InviteLink::decode(link).map_err(chatspot_client::bad_link)?;
    Ok(invite::handout(&link))
}

#[tauri::command]
pub(crate) async fn hand_out(link: String) -> Result<Handout, Failure> {
    handout(&link)
}

#[tauri::command]
pub(crate) async fn save_qr(
    app: AppHandle,
    link: String,
    format: PictureFormat,
) -> Result<String, Failure> {
    let qr = handout(&link)?.qr;
    let path = crate::picture::save(&qr, format, for_exports(&app)?).await?;
    Ok(path.display().to_string())
}

#[tauri::command]
pub(crate) async fn copy_qr(app: AppHandle, link: String) -> Done {
    let picture = crate::picture::of(&handout(&link)?.qr);
    let written = app.clipboard().write_image(&picture);
    written.map_err(|error| internal(&error))
}

#[tauri::command]
pub(crate) async fn leave(start: State<'_, Start>, room: RoomId, keep: bool) -> Done {
    let running = running(&start)?;
    let copy = if keep { History::Keep } else { History::Delete };
    running.host.forget(room).await?;
    running.client.leave(room, copy).await
}

#[tauri::command]
pub(crate) async fn read_link(
    start: State<'_, Start>,
    text: String,
) -> Result<LinkQuestion, Failure> {
    running(&start)?.client.read_link(&text).await
}

#[tauri::command]
pub(crate) async fn join_link(start: State<'_, Start>, link: String) -> Result<RoomId, Failure> {
    running(&start)?.client.join_link(&link).await
}

#[tauri::command]
pub(crate) async fn passcode(start: State<'_, Start>, room: RoomId, text: String) -> Done {
    running(&start)?.client.passcode(room, &text).await
}

#[tauri::command]
pub(crate) async fn set_settings(
    start: State<'_, Start>,
    room: RoomId,
    settings: RoomSettings,
) -> Done {
    running(&start)?.client.set_settings(room, settings).await
}

#[tauri::command]
pub(crate) async fn moderate(
    start: State<'_, Start>,
    room: RoomId,
    member: MemberId,
    action: Moderation,
) -> Done {
    let client = &running(&start)?.client;
    client.moderate(room, member, action).await
}

#[tauri::command]
pub(crate) async fn set_role(
    start: State<'_, Start>,
    room: RoomId,
    member: MemberId,
    role: Role,
) -> Done {
    running(&start)?.client.set_role(room, member, role).await
}

#[tauri::command]
pub(crate) async fn delete_message(start: State<'_, Start>, room: RoomId, target: Target) -> Done {
    running(&start)?.client.delete_message(room, target).await
}

#[tauri::command]
pub(crate) async fn set_passcode(start: State<'_, Start>, room: RoomId, text: String) -> Done {
    running(&start)?.client.set_passcode(room, &text).await
}

#[tauri::command]
pub(crate) async fn make_invite(
    start: State<'_, Start>,
    room: RoomId,
    role: Role,
    uses: Option<u32>,
    seconds: Option<u32>,
) -> Result<String, Failure> {
    let client = &running(&start)?.client;
    client.make_invite(room, role, uses, seconds).await
}

#[tauri::command]
pub(crate) async fn invite_link(
    start: State<'_, Start>,
    room: RoomId,
    invite: Option<InviteId>,
) -> Result<String, Failure> {
    running(&start)?.client.invite_link(room, invite).await
}

#[tauri::command]
pub(crate) async fn revoke_invite(start: State<'_, Start>, room: RoomId, invite: InviteId) -> Done {
    running(&start)?.client.revoke_invite(room, invite).await
}

#[tauri::command]
pub(crate) async fn answer_knock(
    start: State<'_, Start>,
    room: RoomId,
    member: MemberId,
    admit: bool,
) -> Done {
    let client = &running(&start)?.client;
    client.answer_knock(room, member, admit).await
}

#[tauri::command]
pub(crate) async fn compare(start: State<'_, Start>, room: RoomId, wish: CompareWish) -> Done {
    running(&start)?.client.compare(room, wish).await
}

#[tauri::command]
pub(crate) async fn open_link(href: String) -> Done {
    crate::links::open(&href).await
}

#[tauri::command]
pub(crate) async fn export_identity(
    app: AppHandle,
    start: State<'_, Start>,
    passphrase: String,
) -> Result<String, Failure> {
    let folder = for_exports(&app)?;
    let client = &running(&start)?.client;
    let path = client.export_identity(&passphrase, folder).await?;
    Ok(path.display().to_string())
}

#[tauri::command]
pub(crate) async fn import_identity(
    start: State<'_, Start>,
    text: String,
    passphrase: String,
) -> Done {
    let client = &running(&start)?.client;
    client.import_identity(&text, &passphrase).await
}

#[tauri::command]
pub(crate) async fn restart(app: AppHandle) -> Done {
    crate::ending::restart(app).await;
    Ok(())
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
    let folder = for_exports(&app)?;
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
    let written = app.clipboard().write_text(text);
    written.map_err(|error| internal(&error))
}

#[tauri::command]
pub(crate) async fn quit(app: AppHandle) -> Done {
    crate::ending::quit(app).await;
    Ok(())
}

#[tauri::command]
pub(crate) async fn stay(app: AppHandle) -> Done {
    crate::ending::stay(&app);
    Ok(())
}
