//! From the client's feed to the window's channel.

use chatspot_client::{EventSink, SinkGone};
use chatspot_protocol::view::Update;
use tauri::ipc::Channel;

/// A window's channel, as the client sees it.
pub(crate) struct Window(pub(crate) Channel<Update>);

impl EventSink for Window {
    fn update(&self, update: &Update) -> Result<(), SinkGone> {
        self.0.send(update.clone()).map_err(|error| {
            tracing::debug!(%error, "the window does not listen");
            SinkGone
        })
    }
}
