//! Where a room's log lives. In memory for now; the room task sees nothing but this boundary.

use chatspot_protocol::event::Draft;
use chatspot_protocol::ids::{Epoch, Seq};
use chatspot_protocol::limits::MEMORY_LOG_EVENTS;
use chatspot_protocol::log::{Appended, MemoryLog, Page};
use chatspot_protocol::room::Conn;

/// A draft, and the connection that is told when it was not new.
pub(crate) type Asked = (Option<Conn>, Draft);
/// What became of it.
pub(crate) type Answered = (Option<Conn>, Appended);

/// One room's log.
#[derive(Debug)]
pub(crate) struct RoomStore(MemoryLog);

impl RoomStore {
    /// An empty log with a new epoch: what it holds dies with the process.
    pub(crate) fn in_memory() -> Result<Self, getrandom::Error> {
        let mut epoch = [0; 16];
        getrandom::fill(&mut epoch)?;
        Ok(Self(MemoryLog::new(Epoch(epoch), MEMORY_LOG_EVENTS)))
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.0.epoch()
    }

    pub(crate) fn first(&self) -> Seq {
        self.0.first()
    }

    pub(crate) fn head(&self) -> Seq {
        self.0.head()
    }

    /// Appends a batch as one commit; the answers come in the same order.
    pub(crate) fn append(&mut self, batch: Vec<Asked>) -> Vec<Answered> {
        batch
            .into_iter()
            .map(|(from, draft)| (from, self.0.append(draft)))
            .collect()
    }

    pub(crate) fn read(&self, from: Seq, to: Seq) -> Page {
        self.0.read(from, to)
    }
}
