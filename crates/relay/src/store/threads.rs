//! The threads of a store on the disk: the writer, the readers, and the keeper, who looks after old history and
//! backups. All of them end with [`Threads::end`].

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use chatspot_folder::store::{Database, StoreError};
use chatspot_protocol::ids::Seq;
use chatspot_protocol::limits::{
    BACKUP_EVERY, COMMIT_DRAFTS, KEEPER_ORDERS, RELAY_CONNECTIONS, RELAY_ROOMS, TIDY_EVERY,
};
use chatspot_protocol::log::Page;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::log::{Log, Request};
use super::state::Shared;
use super::{Committed, pages};

/// Threads that read: one goes on while the other one waits for the disk.
const READERS: usize = 2;
/// What the writer does.
#[derive(Debug)]
pub(super) enum Job {
    /// Append a room's drafts.
    Commit {
        request: Request,
        answer: oneshot::Sender<Committed>,
    },
    /// Delete what grew too old.
    Tidy,
    /// Write down that backups were made anew.
    Renewed(i64),
}

/// What a reader does.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) room: Arc<Shared>,
    pub(super) from: Seq,
    pub(super) to: Seq,
    pub(super) answer: oneshot::Sender<Page>,
}

/// What the keeper is told.
enum Order {
    /// History was deleted on request: make a backup without it, and remove those that have it.
    Renew(i64),
    End,
}

#[derive(Debug)]
pub(super) struct Threads {
    /// Bounded by the rooms, each of which waits for its commit before the next; when it is full, they wait here.
    jobs: mpsc::Sender<Job>,
    /// Bounded by the connections, each of which waits for its page; when it is full, they wait here.
    readings: mpsc::Sender<Reading>,
    orders: SyncSender<Order>,
    database: Arc<Database>,
    keeper: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(log: Arc<Mutex<Log>>, database: Arc<Database>) -> Result<Self, StoreError> {
        let no_thread = |source: io::Error| StoreError::Io {
            path: database.path().to_owned(),
            source,
        };
        let (jobs, queue) = mpsc::channel(2 * RELAY_ROOMS);
        let (readings, wanted) = mpsc::channel(RELAY_CONNECTIONS);
        let (orders, ordered) = sync_channel(KEEPER_ORDERS);
        let wanted = Arc::new(Mutex::new(wanted));
        let mut others = Vec::with_capacity(READERS + 1);
        for _ in 0..READERS {
            let (connection, database) = (database.connect()?, database.clone());
            let wanted = wanted.clone();
            let reader = move || read(&connection, &database, &wanted);
            others.push(spawn("store-reader", reader).map_err(no_thread)?);
        }
        let renew = orders.clone();
        let writer = move || write(&log, queue, &renew);
        others.push(spawn("store-writer", writer).map_err(no_thread)?);
        let (kept, told) = (database.clone(), jobs.clone());
        let keeper = move || keep(&kept, &told, &ordered);
        let keeper = spawn("store-keeper", keeper).map_err(no_thread)?;
        Ok(Self {
            jobs,
            readings,
            orders,
            database,
            keeper,
            others,
        })
    }

    /// Weak, so that the end need not wait for whoever has not handed in anything yet.
    pub(super) fn jobs(&self) -> mpsc::WeakSender<Job> {
        self.jobs.downgrade()
    }

    /// See [`Threads::jobs`].
    pub(super) fn readings(&self) -> mpsc::WeakSender<Reading> {
        self.readings.downgrade()
    }

    /// Waits until everything that was handed in is done.
    pub(super) fn end(self) {
        let Self {
            jobs,
            readings,
            orders,
            database,
            keeper,
            others,
        } = self;
        database.give_up_backups();
        let _ = orders.send(Order::End);
        join(keeper);
        drop((jobs, readings));
        others.into_iter().for_each(join);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(run)
}

fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the store panicked");
    }
}

/// Commits what is in the queue, as much as is there at once, until nobody can hand in anything any more. Between
/// commits, and when there is nothing else to do, old history is swept.
fn write(log: &Mutex<Log>, mut queue: mpsc::Receiver<Job>, renew: &SyncSender<Order>) {
    let mut sweeping = true;
    loop {
        let first = if sweeping {
            match queue.try_recv() {
                Ok(job) => Some(job),
                Err(mpsc::error::TryRecvError::Empty) => None,
                Err(mpsc::error::TryRecvError::Disconnected) => return,
            }
        } else {
            match queue.blocking_recv() {
                Some(job) => Some(job),
                None => return,
            }
        };
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        let (mut drafts, mut tidy, mut renewed) = (0, false, None);
        let mut next = first;
        while let Some(job) = next {
            match job {
                Job::Commit { request, answer } => {
                    drafts += request.drafts.len();
                    requests.push(request);
                    answers.push(answer);
                }
                Job::Tidy => tidy = true,
                Job::Renewed(number) => renewed = Some(number),
            }
            next = (drafts < COMMIT_DRAFTS)
                .then(|| queue.try_recv().ok())
                .flatten();
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if !requests.is_empty() {
            let answered = log.commit(&requests);
            // Answered while the lock is held: whoever opens a room meanwhile may wait a little longer.
            for (answer, answered) in answers.into_iter().zip(answered) {
                // Whoever asked may be gone; it is committed all the same.
                let _ = answer.send(answered);
            }
        }
        if tidy {
            log.tidy(now());
        }
        if let Some(number) = renewed {
            log.renewed(number);
        }
        sweeping = log.sweep();
        if !sweeping && let Some(number) = log.take_renewal() {
            // When it is full, an order to the same end is waiting.
            let _ = renew.try_send(Order::Renew(number));
        }
    }
}

/// Reads pages until nobody can ask for any.
fn read(connection: &Connection, database: &Database, wanted: &Mutex<mpsc::Receiver<Reading>>) {
    loop {
        let reading = {
            // Whoever waits for a reading holds the lock; the other reader waits for the lock.
            let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
            wanted.blocking_recv()
        };
        let Some(reading) = reading else { return };
        match pages::read(connection, &reading.room, reading.from, reading.to) {
            Ok(page) => {
                let _ = reading.answer.send(page);
            }
            Err(error) => {
                let error = database.error(error);
                tracing::error!(%error, "a page cannot be read");
            }
        }
    }
}

/// At the start and then once an hour: has the writer look for old history, and makes a backup when one is due.
fn keep(database: &Database, jobs: &mpsc::Sender<Job>, orders: &Receiver<Order>) {
    let mut renewal = None;
    loop {
        let made = if renewal.is_some() {
            database.backup_alone()
        } else if database.backup_is_due(BACKUP_EVERY) {
            database.backup()
        } else {
            Ok(())
        };
        let failed = made.is_err();
        let job = match (made, renewal) {
            (Ok(()), Some(number)) => Job::Renewed(number),
            (Ok(()), None) => Job::Tidy,
            (Err(error), _) => {
                tracing::error!(%error, "no backup could be made; it is tried again in an hour");
                Job::Tidy
            }
        };
        if jobs.blocking_send(job).is_err() {
            return;
        }
        renewal = match orders.recv_timeout(TIDY_EVERY) {
            Ok(Order::Renew(number)) => Some(number),
            Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
            // What failed before is tried again.
            Err(RecvTimeoutError::Timeout) => renewal.filter(|_| failed),
        };
    }
}

fn now() -> chatspot_protocol::ids::WallMillis {
    crate::room::wall()
}
