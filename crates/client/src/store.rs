//! What the client keeps in its data folder: who this installation is and its name, and in a database the rooms with
//! their history, what is not sent yet, and what the window wants kept.
//!
//! One thread writes. Two others read, one pages and one searches, and an export or a backup has a thread of its own:
//! none of them holds up a message. In memory everything happens at once, in the thread that asks. What a message
//! means is not decided here.

mod addresses;
mod answers;
mod export;
mod keep;
mod profile;
mod read;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod unsay;
mod words;
mod worker;
mod write;

pub use self::export::new_file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use chatspot_folder::Secret;
pub use chatspot_folder::store::StoreError;
use chatspot_folder::store::{Database, Opened, Recovered};
use chatspot_folder::vault::Vault;
use chatspot_protocol::ids::{MemberId, RoomId, Token, WallMillis};
use chatspot_protocol::limits::{BACKUP_EVERY, PREFS_BYTES};
use chatspot_protocol::session::Keep;
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::{
    ExportFormat, Hits, Page, PageAt, Pending, Place, Recent, Recovery, Verified,
};
use rusqlite::Connection;
use tokio::sync::oneshot;

pub use self::answers::{
    Acquaintance, Cut, History, Kept, KnownAddress, Learnt, OpenRoom, Opening, Remembered, Saved,
    Start,
};
use self::profile::Profile;
use self::schema::{LAYOUT, Room};
use self::worker::{Aside, Ended, Worker};
use self::write::{Durability, Pruned, STATEMENTS, Writer};

/// How often it is looked whether a backup is due: a computer may sleep through any fixed time.
const BACKUP_LOOK: Duration = Duration::from_mins(5);

/// The handle to everything that is kept; clones share it. Dropped without [`Store::close`], everything is as after a
/// crash: nothing is lost, and the next start takes longer.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    database: Arc<Database>,
    threads: Threads,
    /// Waited for behind the threads that it gets its work from: a backup that is running holds the folder.
    _backups: Option<Joined>,
    /// Set when the store ends: exports stop.
    ending: Arc<AtomicBool>,
}

enum Threads {
    Own {
        writer: Worker<Writer>,
        pages: Worker<Connection>,
        searches: Worker<Connection>,
    },
    /// A lock because any thread may ask; never held across an await. None after the end.
    Callers(Box<Mutex<Option<Writer>>>),
}

impl Store {
    /// Opens the data folder, or begins a new one with a new identity. Reads the disk in the thread that asks. Secrets
    /// are kept in files.
    pub fn open(folder: &Path) -> Result<(Self, Start), StoreError> {
        Self::open_in(&Vault::off(), folder)
    }

    /// The same, with secrets in a vault.
    ///
    /// # Errors
    /// [`StoreError::Keychain`] when secrets are sealed and the keychain does not open. Nothing is written then, and no
    /// new identity is made.
    pub fn open_in(vault: &Vault, folder: &Path) -> Result<(Self, Start), StoreError> {
        match Self::open_once(vault, folder) {
            // Damage that only the first look at the rows meets, because nobody checks what was closed cleanly: it is
            // marked by now, and the next opening mends it.
            Err(StoreError::Damaged { .. }) => Self::open_once(vault, folder),
            opened => opened,
        }
    }

    fn open_once(vault: &Vault, folder: &Path) -> Result<(Self, Start), StoreError> {
        let profile = Profile::load(vault, folder)?;
        let opened = Database::open(folder, &LAYOUT)?;
        let Opened {
            database,
            connection,
            recovered,
        } = opened;
        let recovered = recovered.map(|recovered| match recovered {
            Recovered::Backup { .. } => Recovery::Backup,
            Recovered::Anew { .. } => Recovery::Anew,
        });
        let database = Arc::new(database);
        let at = |error| database.error(error);
        let mut writer = Writer::new(connection, None).map_err(at)?;
        let start = start(&mut writer, profile, folder, recovered, &database)?;
        // One is asked for at a time. Dropped with the writer, the thread of the backups ends.
        let (backups, asked) = std::sync::mpsc::sync_channel(1);
        writer.backups = Some(backups);
        let thread = |source| StoreError::Io {
            path: database.path().to_owned(),
            source,
        };
        let reader = || {
            let connection = database.connect()?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            Ok::<_, StoreError>(connection)
        };
        let writer = Worker::start("store", writer, Writer::idle).map_err(thread)?;
        let aside = writer.aside();
        let threads = Threads::Own {
            writer,
            pages: Worker::start("pages", reader()?, |_| false).map_err(thread)?,
            searches: Worker::start("search", reader()?, |_| false).map_err(thread)?,
        };
        // Not kept alive by it: the folder is free as soon as the store is gone.
        let backed_up = Arc::downgrade(&database);
        let backups = std::thread::Builder::new()
            .name("backups".to_owned())
            .spawn(move || back_up(&backed_up, &asked, aside.as_ref()))
            .map_err(thread)?;
        let inner = Inner {
            folder: folder.to_owned(),
            database,
            threads,
            _backups: Some(Joined(Some(backups))),
            ending: Arc::default(),
        };
        Ok((Self(Arc::new(inner)), start))
    }

    /// A store that keeps nothing, and does everything at once in the thread that asks.
    pub fn in_memory() -> Result<Self, StoreError> {
        let opened = Database::in_memory(&LAYOUT)?;
        let database = Arc::new(opened.database);
        let writer = Writer::new(opened.connection, None).map_err(|error| database.error(error))?;
        Ok(Self(Arc::new(Inner {
            folder: PathBuf::new(),
            database,
            threads: Threads::Callers(Box::new(Mutex::new(Some(writer)))),
            _backups: None,
            ending: Arc::default(),
        })))
    }

    /// Marks a room as open, and reads what it goes on with. `me` is whose messages are own ones.
    pub async fn open_room(
        &self,
        room: RoomId,
        opening: Opening,
        me: MemberId,
    ) -> Result<Kept, StoreError> {
        self.write(Durability::Soon, move |tx| {
            write::open_room(tx, room, &opening, me)
        })
        .await
    }

    /// The rooms that are marked as open, in the order of opening.
    pub async fn open_rooms(&self) -> Result<Vec<OpenRoom>, StoreError> {
        self.read(read::open_rooms).await
    }

    /// The room is not open any more. With its history it is among the recent ones, as left `now` if it was hosted.
    pub async fn close_room(
        &self,
        room: RoomId,
        history: History,
        now: WallMillis,
    ) -> Result<(), StoreError> {
        match history {
            History::Keep => {
                self.write(Durability::Soon, move |tx| write::close_room(tx, room, now))
                    .await
            }
            History::Delete => self.forget(room).await,
        }
    }

    /// The rooms that were joined before, latest first; a bounded number of them.
    pub async fn recents(&self) -> Result<Vec<Recent>, StoreError> {
        self.read(read::recents).await
    }

    /// Every room that was joined before.
    pub async fn acquaintances(&self) -> Result<Vec<Acquaintance>, StoreError> {
        self.read(read::acquaintances).await
    }

    /// The term that a warrant of the room has to have at least: 0 where nothing is known of it.
    pub async fn term(&self, room: RoomId) -> Result<u64, StoreError> {
        self.read(move |connection| {
            let room = Room::find(connection, room)?;
            Ok(room.map_or(0, |room| room.trust.term))
        })
        .await
    }

    /// An invite for a room that is open, and by what it is known for the right one: what was kept stays where it is
    /// better.
    pub async fn invited(
        &self,
        room: RoomId,
        token: Option<Token>,
        verified: Verified,
    ) -> Result<(), StoreError> {
        self.write(Durability::Now, move |tx| {
            write::invited(tx, room, token, verified)
        })
        .await
    }

    /// Deletes everything of a room. Nobody can read it when this returns; the disk is cleared of it afterwards, when
    /// nothing else waits.
    pub async fn forget(&self, room: RoomId) -> Result<(), StoreError> {
        self.with_writer(move |writer| {
            if writer.transaction(Durability::Now, |tx| write::forget(tx, room))? {
                writer.pruned(Pruned::All);
            }
            Ok(())
        })
        .await
    }

    /// Writes down an own message, behind all others that wait. It is on the disk when this returns.
    pub async fn put_pending(&self, room: RoomId, pending: Pending) -> Result<(), StoreError> {
        self.write(Durability::Now, move |tx| {
            keep::put_pending(tx, room, &pending)
        })
        .await
    }

    /// Writes down what a session wants kept, all of it or nothing; own messages are on the disk when this returns.
    /// `now` is what the room's rules are held against.
    pub async fn keep(
        &self,
        room: RoomId,
        keeps: Vec<Keep>,
        now: WallMillis,
    ) -> Result<Saved, StoreError> {
        self.with_writer(move |writer| keep::keep(writer, room, keeps, now))
            .await
    }

    /// Deletes what the rooms' rules want deleted by now, in every room. Returns the open ones that lost something.
    pub async fn prune(&self, now: WallMillis) -> Result<Vec<RoomId>, StoreError> {
        self.with_writer(move |writer| keep::prune_all(writer, now))
            .await
    }

    /// What an open room has now, as [`Store::open_room`] has told it.
    pub async fn kept(&self, room: RoomId) -> Result<Kept, StoreError> {
        self.read(move |connection| read::kept(connection, &Room::get(connection, room)?))
            .await
    }

    /// A part of a room's timeline.
    pub async fn page(&self, room: RoomId, at: PageAt) -> Result<Page, StoreError> {
        self.read(move |connection| read::page(connection, room, at))
            .await
    }

    /// Everything up to that place was read; what was read before stays read. How far it was read now, and how many
    /// messages of others come after that.
    pub async fn mark_read(
        &self,
        room: RoomId,
        place: Place,
    ) -> Result<(Option<Place>, u32), StoreError> {
        self.write(Durability::Soon, move |tx| {
            write::mark_read(tx, room, place)
        })
        .await
    }

    /// What stands at that place and after it was not read. The answer is that of [`Store::mark_read`].
    pub async fn mark_unread_from(
        &self,
        room: RoomId,
        place: Place,
    ) -> Result<(Option<Place>, u32), StoreError> {
        self.write(Durability::Soon, move |tx| {
            write::mark_unread_from(tx, room, place)
        })
        .await
    }

    /// Keeps what is typed and not sent; cut at [`chatspot_protocol::limits::DRAFT_BYTES`].
    pub async fn save_draft(&self, room: RoomId, text: String) -> Result<(), StoreError> {
        self.write(Durability::Soon, move |tx| {
            write::save_draft(tx, room, &text)
        })
        .await
    }

    /// Keeps what the window wants kept. More than [`PREFS_BYTES`] is refused, because a part of it means nothing.
    pub async fn set_prefs(&self, prefs: String) -> Result<(), StoreError> {
        if prefs.len() > PREFS_BYTES {
            let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
            return Err(self.0.failed(error));
        }
        self.write(Durability::Soon, move |tx| write::set_prefs(tx, &prefs))
            .await
    }

    /// Keeps the display name.
    pub async fn set_name(&self, name: DisplayName) -> Result<(), StoreError> {
        let folder = self.0.folder.clone();
        let set = move |writer: &mut Writer| match &mut writer.profile {
            Some(profile) => profile.set_name(&folder, &name),
            None => Ok(()),
        };
        self.with_writer(move |writer| Ok(set(writer))).await?
    }

    /// The secret half of this installation's identity. None in memory.
    pub(crate) async fn secret(&self) -> Result<Option<Secret>, StoreError> {
        self.with_writer(|writer| Ok(writer.profile.as_ref().map(Profile::secret)))
            .await
    }

    /// Becomes somebody else from the next start on. Who it was is kept beside.
    pub(crate) async fn set_secret(&self, secret: Secret) -> Result<(), StoreError> {
        let folder = self.0.folder.clone();
        let set = move |writer: &mut Writer| match &mut writer.profile {
            Some(profile) => profile.set_secret(&folder, secret),
            None => Ok(()),
        };
        self.with_writer(move |writer| Ok(set(writer))).await?
    }

    /// Messages that hold all terms of a query, newest first, in all rooms or in one. `before` is [`Hits::next`] of
    /// the hits before.
    pub async fn search(
        &self,
        room: Option<RoomId>,
        query: String,
        before: Option<i64>,
    ) -> Result<Hits, StoreError> {
        let search =
            move |connection: &Connection| search::search(connection, room, &query, before);
        match &self.0.threads {
            Threads::Own { searches, .. } => {
                let searched = searches.ask(move |connection| search(connection)).await;
                self.0.answer(searched)
            }
            Threads::Callers(_) => self.read(search).await,
        }
    }

    /// Writes a room's history to a new file in `folder`, under a name that begins with `stem` as far as file names
    /// may. The file is there whole or not at all.
    pub async fn export(
        &self,
        room: RoomId,
        format: ExportFormat,
        folder: PathBuf,
        stem: String,
    ) -> Result<PathBuf, StoreError> {
        let ending = Arc::clone(&self.0.ending);
        let export = move |connection: &Connection, at: &dyn Fn(rusqlite::Error) -> StoreError| {
            export::export(connection, room, format, &folder, &stem, &ending, at)
        };
        match &self.0.threads {
            Threads::Own { .. } => {
                let database = Arc::clone(&self.0.database);
                let (answer, answered) = oneshot::channel();
                std::thread::Builder::new()
                    .name("export".to_owned())
                    .spawn(move || {
                        let at = |error| database.error(error);
                        let exported = database
                            .connect()
                            .and_then(|connection| export(&connection, &at));
                        drop(database);
                        // Nobody waits any more when the window was reloaded; the file is there all the same.
                        let _ = answer.send(exported);
                    })
                    .map_err(|error| self.0.failed(error))?;
                answered.await.unwrap_or_else(|_| Err(self.0.ended()))
            }
            Threads::Callers(writer) => {
                let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let Writer { connection, .. } = writer.as_ref().ok_or_else(|| self.0.ended())?;
                export(connection, &|error| self.0.database.error(error))
            }
        }
    }

    /// Ends it cleanly, after what was begun before. Everything asked of it later fails.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.0.ending.store(true, Ordering::Relaxed);
        let database = Arc::clone(&self.0.database);
        match &self.0.threads {
            Threads::Own {
                writer,
                pages,
                searches,
                ..
            } => {
                database.give_up_backups();
                // Ended before, they are ended.
                let _ = searches.end(drop).await;
                let _ = pages.end(drop).await;
                let closed = writer
                    .end(move |writer| database.close(writer.connection))
                    .await;
                closed.unwrap_or(Ok(()))
            }
            Threads::Callers(writer) => {
                let ended = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
                ended.map_or(Ok(()), |writer| database.close(writer.connection))
            }
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.with_writer(move |writer| writer.transaction(durability, work))
            .await
    }

    async fn with_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.0.threads {
            Threads::Own { writer, .. } => {
                let written = writer.run(work).await;
                self.0.answer(written)
            }
            Threads::Callers(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let writer = writer.as_mut().ok_or_else(|| self.0.ended())?;
                let result = work(writer).map_err(|error| self.0.database.error(error));
                while writer.idle() {}
                result
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.0.threads {
            Threads::Own { pages, .. } => {
                let read = pages.ask(move |connection| work(connection)).await;
                self.0.answer(read)
            }
            Threads::Callers(_) => self.with_writer(|writer| work(&writer.connection)).await,
        }
    }
}

impl Inner {
    fn answer<T>(&self, answer: Result<rusqlite::Result<T>, Ended>) -> Result<T, StoreError> {
        match answer {
            Ok(result) => result.map_err(|error| self.database.error(error)),
            Err(Ended) => Err(self.ended()),
        }
    }

    fn ended(&self) -> StoreError {
        self.failed(std::io::Error::other("the store was closed"))
    }

    fn failed(&self, source: std::io::Error) -> StoreError {
        StoreError::Io {
            path: self.database.path().to_owned(),
            source,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        self.database.give_up_backups();
    }
}

/// A thread that has ended when this is gone.
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        if self.0.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the backups panicked");
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Store");
        shown
            .field("path", &self.database.path())
            .finish_non_exhaustive()
    }
}

/// Reads what was there, and takes over what an older version kept elsewhere.
fn start(
    writer: &mut Writer,
    mut profile: Profile,
    folder: &Path,
    recovered: Option<Recovery>,
    database: &Database,
) -> Result<Start, StoreError> {
    let at = |error| database.error(error);
    let old = profile.recents();
    if !old.is_empty() {
        writer
            .transaction(Durability::Now, |tx| write::import(tx, old))
            .map_err(at)?;
        profile.clear_recents(folder)?;
    }
    let start = Start {
        identity: profile.identity(),
        kept: profile.keeping(),
        name: profile.name(),
        recents: read::recents(&writer.connection).map_err(at)?,
        prefs: write::prefs(&writer.connection).map_err(at)?,
        recovered,
    };
    writer.profile = Some(profile);
    Ok(start)
}

/// Makes a backup whenever one is due or asked for, until the store ends.
fn back_up(database: &Weak<Database>, asked: &Receiver<()>, writer: Option<&Aside<Writer>>) {
    loop {
        // Not in the first minutes: the start of the app is busy enough.
        let asked = match asked.recv_timeout(BACKUP_LOOK) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(database) = database.upgrade() else {
            return;
        };
        let made = if asked {
            database.backup_alone()
        } else if database.backup_is_due(BACKUP_EVERY) {
            database.backup()
        } else {
            Ok(())
        };
        drop(database);
        if let Err(error) = &made {
            tracing::warn!(%error, "no backup of the history");
        }
        if let Some(writer) = writer.filter(|_| asked) {
            writer.bring(move |writer| {
                if let Err(error) = writer.renewed(made.is_ok()) {
                    tracing::warn!(%error, "backups are made anew at the next start");
                }
            });
        }
    }
}
