//! Where rooms' logs live: a database in a data folder, or the same tables in memory. One thread writes for all rooms
//! and commits together what came meanwhile; two read pages. The room task sees nothing but [`RoomStore`].

mod log;
mod pages;
mod schema;
mod staged;
mod state;
mod threads;

use std::future::{Future, ready};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chatspot_folder::store::{Database, Opened};
pub use chatspot_folder::store::{Recovered, StoreError};
use chatspot_protocol::door::Door;
use chatspot_protocol::event::{Draft, RoomSettings};
use chatspot_protocol::ids::{RoomId, Seq, TlsKey, WallMillis};
use chatspot_protocol::log::{Appended, Page};
use chatspot_protocol::room::{Conn, Kept};
use tokio::sync::oneshot;

use self::log::{Log, OpenRoom, Request};
use self::state::Shared;
use self::threads::{Job, Reading, Threads};

/// A draft, and the connection that is told when it was not new.
pub(crate) type Asked = (Option<Conn>, Draft);
/// What became of it.
pub(crate) type Answered = (Option<Conn>, Appended);
/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// In the order of the drafts.
    pub(crate) answers: Vec<Answered>,
    /// The door, if it could not be written down.
    pub(crate) unkept: Option<Door>,
}
/// A room to be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    pub(crate) room: RoomId,
    /// The rules if there is no such room yet.
    pub(crate) settings: RoomSettings,
    /// Under which it is hosted now.
    pub(crate) tls_key: TlsKey,
    pub(crate) now: WallMillis,
}
/// An answer that may take as long as the disk.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The logs of all rooms of one data folder. Clones are the same store; it is closed with [`Store::close`] or the last
/// of them.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A lock because rooms are opened by other threads than the writer. Held for one transaction.
    log: Arc<Mutex<Log>>,
    recovered: Option<Recovered>,
    /// None in memory, where the caller's thread does everything; taken by the end.
    threads: Mutex<Option<Threads>>,
}

impl Store {
    /// Opens the store in `folder`, which is made if missing.
    ///
    /// # Errors
    /// See [`StoreError`]; what was in the folder is as it was.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let Opened {
            database,
            connection,
            recovered,
        } = Database::open(folder, &schema::LAYOUT)?;
        let database = Arc::new(database);
        let mut log = Log::new(connection, database.clone());
        if recovered.is_some() {
            // What was written after the backup is gone: the positions must not be taken for the same ones.
            log.rename_all()?;
            database.settled()?;
        }
        let log = Arc::new(Mutex::new(log));
        let threads = Threads::start(log.clone(), database)?;
        Ok(Self(Arc::new(Inner {
            log,
            recovered,
            threads: Mutex::new(Some(threads)),
        })))
    }

    /// The same in memory, on the caller's thread: for simulations and tests. It lives as long as a clone of it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let opened = Database::in_memory(&schema::LAYOUT)?;
        let log = Log::new(opened.connection, Arc::new(opened.database));
        Ok(Self(Arc::new(Inner {
            log: Arc::new(Mutex::new(log)),
            recovered: None,
            threads: Mutex::new(None),
        })))
    }

    /// For measuring what it costs that the disk has what is said: opens a store whose commits do not wait for it, and
    /// are lost with the machine's power.
    #[doc(hidden)]
    pub fn open_without_waiting_for_the_disk(folder: &Path) -> Result<Self, StoreError> {
        let store = Self::open(folder)?;
        store.0.log().do_not_wait()?;
        Ok(store)
    }

    /// Keeps the writer waiting, as a slow disk does.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.0.log()
    }

    /// What happened when the database was damaged.
    pub fn recovered(&self) -> Option<&Recovered> {
        self.0.recovered.as_ref()
    }

    /// The log of that room, begun if there is none. Waits for a commit that is running.
    pub(crate) fn room(&self, opening: &Opening) -> Result<OpenedRoom, StoreError> {
        let mut log = self.0.log();
        let OpenRoom { shared, door, term } = log.open_room(opening)?;
        let present = log.present(&shared)?;
        let kept = {
            let state = shared.state();
            Kept {
                epoch: shared.epoch,
                first: state.first,
                head: state.head,
                present,
                roster: state.roster.clone(),
                door,
            }
        };
        if self.0.threads().is_none() {
            log.sweep_all();
        }
        drop(log);
        let log = RoomStore {
            store: self.clone(),
            shared,
        };
        Ok(OpenedRoom { log, kept, term })
    }

    /// Forgets a room that is not open, with everything that was said in it.
    pub fn forget(&self, room: RoomId) -> Result<(), StoreError> {
        let mut log = self.0.log();
        log.forget(room)?;
        match self.0.threads().as_ref() {
            Some(threads) => {
                if let Some(jobs) = threads.jobs().upgrade() {
                    // Full: then it is swept behind what is in it.
                    let _ = jobs.try_send(Job::Tidy);
                }
            }
            None => log.sweep_all(),
        }
        Ok(())
    }

    /// Does for a folder whose store is not open what an open one does in its own time: deletes what was forgotten or grew
    /// too old, from backups as well. Blocks as long as that takes; where there is no store it does nothing.
    pub fn put_in_order(folder: &Path) -> Result<(), StoreError> {
        if !folder.join(schema::LAYOUT.name).exists() {
            return Ok(());
        }
        let Opened {
            database,
            connection,
            recovered,
        } = Database::open(folder, &schema::LAYOUT)?;
        if recovered.is_some() {
            // Not closed, a restored backup is said again to whoever opens the store, and tells of it.
            return Ok(());
        }
        let database = Arc::new(database);
        let mut log = Log::new(connection, database.clone());
        log.tidy(crate::room::wall());
        log.sweep_all();
        let renewed = match log.take_renewal() {
            Some(renewal) => database.backup_alone().map(|()| log.renewed(renewal)),
            None => Ok(()),
        };
        log.close();
        renewed
    }

    /// Ends it: what was handed in is committed, then the files are closed. In memory it does nothing. Blocks as long
    /// as that takes.
    pub fn close(&self) {
        self.0.end();
    }
}

impl Inner {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Option<Threads>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let threads = self.threads().take();
        if let Some(threads) = threads {
            threads.end();
            self.log().close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

/// A room that was opened.
#[derive(Debug)]
pub(crate) struct OpenedRoom {
    pub(crate) log: RoomStore,
    /// What is known of it.
    pub(crate) kept: Kept,
    /// How many TLS keys it was hosted under.
    pub(crate) term: u64,
}

/// One room's log.
#[derive(Debug, Clone)]
pub(crate) struct RoomStore {
    store: Store,
    shared: Arc<Shared>,
}

impl RoomStore {
    #[cfg(test)]
    pub(crate) fn epoch(&self) -> chatspot_protocol::ids::Epoch {
        self.shared.epoch
    }

    /// Writes down who may come in, before the room runs. Waits for a commit that is running.
    pub(crate) fn keep_door(&self, door: &Door) -> Result<(), StoreError> {
        self.store.0.log().keep_door(&self.shared, door)
    }

    /// The oldest position that has content; one past the head when none has.
    pub(crate) fn first(&self) -> Seq {
        self.shared.state().first
    }

    #[cfg(test)]
    pub(crate) fn head(&self) -> Seq {
        self.shared.state().head
    }

    pub(crate) fn settings(&self) -> RoomSettings {
        self.shared.state().settings
    }

    /// Appends a batch as one commit, or as a part of one; the answers come in the same order, and once they come the
    /// disk has them.
    pub(crate) fn append(&self, drafts: Vec<Asked>, door: Option<Door>) -> Pending<Committed> {
        let room = self.shared.clone();
        let request = Request { room, drafts, door };
        let Some(jobs) = self.store.0.threads().as_ref().map(Threads::jobs) else {
            let mut log = self.store.0.log();
            let mut answers = log.commit(&[request]);
            log.sweep_all();
            return Box::pin(ready(answers.pop().unwrap_or_default()));
        };
        let lost = not_saved(&request);
        let (answer, answered) = oneshot::channel();
        let job = Job::Commit { request, answer };
        Box::pin(async move {
            // Lost after the end, and with the writer's thread.
            match jobs.upgrade() {
                Some(jobs) => drop(jobs.send(job).await),
                None => drop(job),
            }
            answered.await.unwrap_or(lost)
        })
    }

    /// Reads a page as [`chatspot_protocol::log::MemoryLog::read`] does. None when it cannot be read just now.
    pub(crate) fn read(&self, from: Seq, to: Seq) -> Pending<Option<Page>> {
        let room = self.shared.clone();
        let Some(readings) = self.store.0.threads().as_ref().map(Threads::readings) else {
            return Box::pin(ready(self.store.0.log().page(&room, from, to)));
        };
        let (answer, answered) = oneshot::channel();
        let reading = Reading {
            room,
            from,
            to,
            answer,
        };
        Box::pin(async move {
            match readings.upgrade() {
                Some(readings) => drop(readings.send(reading).await),
                None => drop(reading),
            }
            answered.await.ok()
        })
    }
}

/// The answers when nothing could be written.
fn not_saved(request: &Request) -> Committed {
    let drafts = request.drafts.iter();
    let answers = drafts.map(|(from, draft)| (*from, Appended::NotSaved(draft.body.id())));
    Committed {
        answers: answers.collect(),
        unkept: request.door.clone(),
    }
}

#[cfg(test)]
mod tests;
