//! A thread with a state of its own, usually a connection to the database, that does one job after the other.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use chatspot_protocol::limits::STORE_JOBS;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

enum Job<S> {
    Do(Box<dyn FnOnce(&mut S) + Send>),
    End(Box<dyn FnOnce(S) + Send>),
}

/// The way to the thread. It ends when this is dropped, after what was brought before.
pub(super) struct Worker<S> {
    jobs: Option<mpsc::Sender<Job<S>>>,
    /// A lock only so that the worker can be shared: taken by the drop, which is alone.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A way to the thread that does not keep it from ending.
pub(super) struct Aside<S>(mpsc::WeakSender<Job<S>>);

impl<S: Send + 'static> Aside<S> {
    /// Has it done, unless the thread is ending. Blocks while the queue is full.
    pub(super) fn bring(&self, job: impl FnOnce(&mut S) + Send + 'static) {
        if let Some(jobs) = self.0.upgrade() {
            // An error means that it ended meanwhile.
            let _ = jobs.blocking_send(Job::Do(Box::new(job)));
        }
    }
}

/// The thread was ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended;

impl<S: Send + 'static> Worker<S> {
    /// Starts the thread. `idle` is called while nothing waits, as long as it says that there is more to do.
    pub(super) fn start(
        name: &str,
        mut state: S,
        idle: impl Fn(&mut S) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, mut waiting) = mpsc::channel(STORE_JOBS);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                loop {
                    let job = match waiting.try_recv() {
                        Err(TryRecvError::Empty) if idle(&mut state) => continue,
                        Err(TryRecvError::Empty) => waiting.blocking_recv(),
                        Err(TryRecvError::Disconnected) => None,
                        Ok(job) => Some(job),
                    };
                    match job {
                        Some(Job::Do(job)) => job(&mut state),
                        Some(Job::End(end)) => return end(state),
                        None => return,
                    }
                }
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// For a thread that has something for this one to do. None when this is being dropped.
    pub(super) fn aside(&self) -> Option<Aside<S>> {
        Some(Aside(self.jobs.as_ref()?.downgrade()))
    }

    /// Has it done, even if nobody waits for the answer any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        self.bring(Job::Do(Box::new(move |state| {
            // Nobody may wait any more: what was to be done is done all the same.
            let _ = answer.send(job(state));
        })))
        .await?;
        answered.await.map_err(|_| Ended)
    }

    /// Has it done if somebody still waits for the answer when its turn comes.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        self.bring(Job::Do(Box::new(move |state| {
            if !answer.is_closed() {
                // As above, from here on.
                let _ = answer.send(question(state));
            }
        })))
        .await?;
        answered.await.map_err(|_| Ended)
    }

    /// Ends the thread after what was brought before.
    pub(super) async fn end<T: Send + 'static>(
        &self,
        last: impl FnOnce(S) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        self.bring(Job::End(Box::new(move |state| {
            // As above.
            let _ = answer.send(last(state));
        })))
        .await?;
        answered.await.map_err(|_| Ended)
    }

    async fn bring(&self, job: Job<S>) -> Result<(), Ended> {
        let jobs = self.jobs.as_ref().ok_or(Ended)?;
        jobs.send(job).await.map_err(|_| Ended)
    }
}

impl<S> Drop for Worker<S> {
    /// Waits for the thread: when this is gone, so are its files.
    fn drop(&mut self) {
        self.jobs = None;
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread of the store panicked");
        }
    }
}
