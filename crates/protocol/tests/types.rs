//! The TypeScript types of the window are generated from the Rust ones; this fails when the file in the tree is stale.
//! `npm run types` writes it anew.
#![allow(clippy::format_push_string)] // read once, in a test

use chatspot_protocol::{compare, door, event, ids, limits, markdown, passcode, view, wire};
use ts_rs::{Config, TS};

fn declaration<T: TS + 'static>(config: &Config) -> String {
    format!("export {}\n", T::decl(config))
}

#[test]
fn the_typescript_types_are_up_to_date() {
    let config = Config::default();
    let mut file = String::from(
        "/** Generated from crates/protocol by `npm run types`. Do not edit: the tests compare it with the Rust types. */\n\n",
    );
    macro_rules! declare {
        ($($type:ty),* $(,)?) => { $(file.push_str(&declaration::<$type>(&config)); file.push('\n');)* };
    }
    declare!(
        ids::RoomId,
        ids::MemberId,
        ids::ClientId,
        ids::Epoch,
        ids::Seq,
        ids::Token,
        ids::InviteId,
        event::Event,
        event::Body,
        event::Leaving,
        event::Submission,
        event::Target,
        event::RoomSettings,
        event::Retention,
        event::Moderation,
        event::Admission,
        event::Role,
        event::Via,
        event::Proof,
        door::Invite,
        door::Knock,
        door::Banned,
        door::DoorView,
        passcode::Passcode,
        compare::CompareWish,
        markdown::Rich,
        markdown::Block,
        markdown::Inline,
        wire::Presence,
        wire::Reject,
        wire::RoomSummary,
        wire::Back,
        view::Update,
        view::View,
        view::Me,
        view::Keeping,
        view::Security,
        view::Verified,
        view::Comparison,
        view::CompareStage,
        view::CodeEmoji,
        view::FoundRoom,
        view::Known,
        view::LinkQuestion,
        view::RoomView,
        view::Hosting,
        view::HostAddress,
        view::AddressKind,
        view::LinkState,
        view::Trouble,
        view::MemberView,
        view::Place,
        view::Item,
        view::PageAt,
        view::Page,
        view::Hits,
        view::Hit,
        view::ExportFormat,
        view::Recovery,
        view::Pending,
        view::PendingState,
        view::Recent,
        view::Found,
        view::Failure,
        view::FailureCode,
        view::Nearby,
        view::Search,
        view::NearbyRoom,
        view::Way,
        view::RoomProof,
        view::Life,
        view::Vanished,
        view::Scan,
        view::Handout,
        view::Qr,
        view::PictureFormat,
        view::Discovery,
        view::Checkup,
        view::Finding,
        view::Level,
        view::Symptom,
        view::NetworkView,
        view::Passage,
        view::PortState,
        view::Firewall,
        view::FirewallState,
        view::VpnTakes,
        view::Change,
        view::RoomChange,
    );
    file.push_str(&format!(
        "export const LIMITS = {{\n  textBytes: {},\n  viewItems: {},\n  windowItems: {},\n  unreadCounted: {},\n  retentionDays: {},\n  searchBytes: {},\n  typingEveryMs: {},\n}} as const;\n",
        limits::MAX_TEXT_BYTES,
        limits::VIEW_ITEMS,
        limits::WINDOW_ITEMS,
        limits::UNREAD_COUNTED,
        limits::RETENTION_DAYS,
        limits::SEARCH_BYTES,
        limits::TYPING_EVERY.as_millis(),
    ));
    // Newtypes are what they hold.
    for name in ["DisplayName", "RoomName", "MessageText", "Reaction"] {
        file.push_str(&format!("\nexport type {name} = string;\n"));
    }
    file.push_str("\nexport type Days = number;\n");
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../ui/src/generated/protocol.ts"
    );
    if std::env::var_os("CHATSPOT_UPDATE_TYPES").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &file).unwrap();
    }
    let current = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        current == file,
        "ui/src/generated/protocol.ts is stale: run `npm run types`"
    );
}
