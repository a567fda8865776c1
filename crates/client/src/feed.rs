//! The one task that knows the whole view and tells it to the window: a snapshot, then batches of changes.

use std::time::Duration;

use chatspot_protocol::limits::FEED_CHANGES;
use chatspot_protocol::view::{Change, Update, View};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::nearby::{Digest, concerns};

/// The shortest time between two batches: one frame of a 60 Hz display.
const BATCH_EVERY: Duration = Duration::from_millis(16);

/// The window is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkGone;

/// Where updates go: the window's channel, or a test.
pub trait EventSink: Send + 'static {
    /// Takes an update.
    ///
    /// # Errors
    /// When nobody listens any more; the sink is dropped then.
    fn update(&self, update: &Update) -> Result<(), SinkGone>;
}

enum Input {
    Change(Box<Change>),
    Subscribe(Box<dyn EventSink>),
    View(oneshot::Sender<View>),
}

/// The way to the task.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    inputs: mpsc::Sender<Input>,
    digests: watch::Receiver<Digest>,
}

impl Feed {
    pub(crate) fn start(view: View) -> Self {
        let (sender, inputs) = mpsc::channel(FEED_CHANGES);
        let (digest, digests) = watch::channel(Digest::of(&view));
        tokio::spawn(run(view, inputs, digest));
        Self {
            inputs: sender,
            digests,
        }
    }

    /// What discovery has to know of the view, as it changes.
    pub(crate) fn digests(&self) -> watch::Receiver<Digest> {
        self.digests.clone()
    }

    pub(crate) async fn tell(&self, change: Change) {
        self.put(Input::Change(Box::new(change))).await;
    }

    pub(crate) async fn subscribe(&self, sink: Box<dyn EventSink>) {
        self.put(Input::Subscribe(sink)).await;
    }

    pub(crate) async fn view(&self) -> View {
        let (sender, view) = oneshot::channel();
        self.put(Input::View(sender)).await;
        view.await
            .expect("the feed lives as long as a sender to it")
    }

    async fn put(&self, input: Input) {
        assert!(
            self.inputs.send(input).await.is_ok(),
            "the feed lives as long as a sender to it"
        );
    }
}

async fn run(mut view: View, mut inputs: mpsc::Receiver<Input>, digest: watch::Sender<Digest>) {
    let mut sink: Option<Box<dyn EventSink>> = None;
    let mut taken = Vec::new();
    let mut next_batch = Instant::now();
    while inputs.recv_many(&mut taken, FEED_CHANGES).await > 0 {
        let mut changes = Vec::new();
        let mut concerned = false;
        for input in taken.drain(..) {
            match input {
                Input::Change(change) => {
                    concerned |= concerns(&change);
                    view.apply((*change).clone());
                    changes.push(*change);
                }
                Input::Subscribe(new) => {
                    // Whatever was taken so far is in the snapshot.
                    changes.clear();
                    let snapshot = Update::Snapshot { view: view.clone() };
                    sink = new.update(&snapshot).is_ok().then_some(new);
                }
                Input::View(answer) => {
                    // Nobody waits any more: nothing to do.
                    let _ = answer.send(view.clone());
                }
            }
        }
        if concerned {
            let next = Digest::of(&view);
            digest.send_if_modified(|last| {
                let modified = *last != next;
                *last = next;
                modified
            });
        }
        if !changes.is_empty()
            && sink
                .as_ref()
                .is_some_and(|sink| sink.update(&Update::Changes { changes }).is_err())
        {
            sink = None;
        }
        // The first change is told at once, those that follow quickly are told together.
        next_batch = next_batch.max(Instant::now()) + BATCH_EVERY;
        sleep_until(next_batch - BATCH_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use chatspot_protocol::identity::Identity;
    use chatspot_protocol::view::{Keeping, Me};

    use super::*;

    struct Sink(mpsc::Sender<Update>);

    impl EventSink for Sink {
        fn update(&self, update: &Update) -> Result<(), SinkGone> {
            self.0.try_send(update.clone()).map_err(|_| SinkGone)
        }
    }

    fn me(version: &str) -> Me {
        let member = Identity::from_secret(&[1; 32]).member();
        Me {
            member,
            tag: member.tag(),
            fingerprint: member.fingerprint(),
            kept: Keeping::File,
            name: None,
            suggested_name: String::new(),
            version: version.to_owned(),
        }
    }

    /// On one thread nothing yields here, so that the task finds everything at once: the worst case.
    #[tokio::test]
    async fn a_snapshot_holds_what_came_before_and_nothing_of_it_is_told_again() {
        let view = View {
            me: me("0"),
            rooms: Vec::new(),
            recents: Vec::new(),
            prefs: String::new(),
            recovered: None,
            nearby: chatspot_protocol::view::Nearby::default(),
        };
        let feed = Feed::start(view.clone());
        let (sender, mut updates) = mpsc::channel(10);
        feed.tell(Change::Me { me: me("1") }).await;
        feed.subscribe(Box::new(Sink(sender))).await;
        for version in ["2", "3"] {
            feed.tell(Change::Me { me: me(version) }).await;
        }
        let snapshot = View {
            me: me("1"),
            ..view
        };
        assert_eq!(
            updates.recv().await,
            Some(Update::Snapshot { view: snapshot })
        );
        let changes = ["2", "3"].map(|version| Change::Me { me: me(version) });
        assert_eq!(
            updates.recv().await,
            Some(Update::Changes {
                changes: changes.into()
            })
        );
    }
}
