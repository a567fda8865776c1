//! A room's task while the disk is slow, and at its end.

use chatspot_protocol::event::{Body, Submission};
use chatspot_protocol::identity::{Channel, Identity, RoomKey};
use chatspot_protocol::ids::{ClientId, Nonce, TlsKey};
use chatspot_protocol::room::{Caller, Place, Shown};
use chatspot_protocol::text::{DisplayName, MessageText, RoomName};
use chatspot_protocol::wire::{Hello, Reject};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::RelayConfig;
use crate::store::{OpenedRoom, Opening, Store};

fn key() -> RoomKey {
    RoomKey::from_secret(&[1; 32])
}

/// Never reached when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

fn task(store: &Store) -> (RoomTask, mpsc::Sender<Input>, watch::Receiver<RoomSummary>) {
    let config = RoomConfig {
        key: key(),
        name: RoomName::parse("Lab").unwrap(),
        host: None,
        settings: RoomSettings::default(),
        max_members: 10,
    };
    let opening = Opening {
        room: key().id(),
        settings: RoomSettings::default(),
        tls_key: TlsKey([1; 32]),
        now: 0,
    };
    let OpenedRoom { log, kept, .. } = store.room(&opening).unwrap();
    let submits = RelayConfig::default().paced(100_000).member_submits;
    RoomTask::new(config, log, kept, submits)
}

async fn linked() -> (TcpStream, Arc<Link>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let link = Link::new(listener.accept().await.unwrap().0, None);
    (peer, link)
}

fn name() -> DisplayName {
    DisplayName::parse("Ada").unwrap()
}

fn join(number: u8, link: Arc<Link>) -> Input {
    let identity = Identity::from_secret(&[number; 32]);
    let room = key().id();
    let hello = Hello {
        protocol: 1,
        room,
        member: identity.member(),
        name: name(),
        signature: identity.sign_hello(&Channel::Nonce, &Nonce([0; 32]), &room),
        token: None,
        software: String::new(),
    };
    let arrival = Box::new(Arrival {
        hello,
        place: Place::Local,
        caller: Caller::App,
        shown: Shown::Nothing,
    });
    let conn = Conn(u64::from(number));
    let (voice, _) = mpsc::channel(WORDS);
    Input::Join {
        conn,
        arrival,
        link,
        voice,
    }
}

fn frame(number: u8, frame: ClientFrame) -> Input {
    let conn = Conn(u64::from(number));
    Input::Frame { conn, frame }
}

fn say(number: u8, id: u8) -> Input {
    let text = MessageText::parse("hi").unwrap();
    let message = Submission::message(ClientId([id; 16]), text);
    let author = Identity::from_secret(&[number; 32]);
    let signed = message.sign(&author, &key().id(), &name());
    frame(number, ClientFrame::Submit(Box::new(signed)))
}

/// A running room over that store, with a member in it who is told everything.
struct Running {
    inbox: mpsc::Sender<Input>,
    ended: JoinHandle<()>,
    socket: WebSocketStream<TcpStream>,
}

impl Running {
    async fn start(store: &Store) -> Self {
        let (task, inbox, _) = task(store);
        let (peer, link) = linked().await;
        let ended = tokio::spawn(task.run(CancellationToken::new()));
        let socket = WebSocketStream::from_raw_socket(peer, Role::Client, None).await;
        inbox.send(join(1, link)).await.unwrap();
        let mut running = Self {
            inbox,
            ended,
            socket,
        };
        running
            .event(|body| matches!(body, Body::Joined { .. }))
            .await;
        running
    }

    async fn input(&self, input: Input) {
        self.inbox.send(input).await.unwrap();
    }

    async fn next(&mut self) -> Option<ServerFrame> {
        let message = tokio::time::timeout(PATIENCE, self.socket.next());
        match message.await.expect("waited too long for a frame") {
            Some(Ok(Message::Text(text))) => Some(ServerFrame::decode(&text).unwrap()),
            _ => None,
        }
    }

    async fn event(&mut self, wanted: impl Fn(&Body) -> bool) {
        loop {
            match self.next().await.expect("the connection ended") {
                ServerFrame::Event(event) if wanted(&event.body) => return,
                _ => {}
            }
        }
    }

    async fn typing(&mut self) {
        self.input(frame(1, ClientFrame::Typing { active: true }))
            .await;
        let next = self.next().await;
        assert!(
            matches!(next, Some(ServerFrame::Typing { .. })),
            "told before the disk had it: {next:?}"
        );
    }
}

/// A hello that was taken just before its room closed: its client must not wait for an answer until it gives up.
#[tokio::test]
async fn whoever_comes_too_late_is_told_that_the_room_is_closed() {
    for same_batch in [false, true] {
        let (task, inbox, _summary) = task(&Store::in_memory().unwrap());
        let (mut peer, link) = linked().await;
        let reason = Closing::HostClosed;
        inbox.send(Input::Close { reason }).await.unwrap();
        // As much as one batch takes, so that the join is still in the inbox when the room is closed.
        for number in 1..if same_batch { 1 } else { ROOM_BATCH as u64 } {
            let frame = ClientFrame::Leave;
            let conn = Conn(1000 + number);
            inbox.send(Input::Frame { conn, frame }).await.unwrap();
        }
        inbox.send(join(1, link)).await.unwrap();
        task.run(CancellationToken::new()).await;
        let mut close_frame = [0; 4];
        let read = peer.read_exact(&mut close_frame);
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("nobody told it")
            .unwrap();
        assert_eq!(close_frame[2..], close::HOST_CLOSED.to_be_bytes());
        assert!(inbox.is_closed());
    }
}

/// G3: nobody is told anything before its commit; what needs no disk goes on; the next commit takes the rest.
#[tokio::test]
#[allow(clippy::await_holding_lock)] // the disk is slow for as long as it is held
async fn nothing_is_told_before_the_disk_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut room = Running::start(&store).await;
    let slow = store.hold();
    room.input(say(1, 1)).await;
    room.typing().await;
    room.input(say(1, 2)).await;
    room.input(say(1, 1)).await;
    room.typing().await;
    drop(slow);
    for id in [1, 2, 1] {
        let next = room.next().await;
        let Some(ServerFrame::Event(event)) = &next else {
            panic!("{next:?}");
        };
        assert_eq!(event.body.id(), Some(ClientId([id; 16])));
    }
}

/// Who is told that the room closes was told everything before.
#[tokio::test]
#[allow(clippy::await_holding_lock)] // the disk is slow for as long as it is held
async fn a_room_closes_after_what_it_took_is_committed_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut room = Running::start(&store).await;
    let slow = store.hold();
    room.input(say(1, 1)).await;
    room.typing().await;
    room.input(say(1, 2)).await;
    let reason = Closing::RelayStopping;
    room.input(Input::Close { reason }).await;
    room.input(say(1, 3)).await;
    // The task takes the close, and may not end by it.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!room.ended.is_finished());
    drop(slow);
    room.event(|body| body.id() == Some(ClientId([1; 16])))
        .await;
    let next = room.next().await;
    assert!(
        matches!(&next, Some(ServerFrame::Event(event)) if event.body.id() == Some(ClientId([2; 16]))),
        "{next:?}"
    );
    assert_eq!(room.next().await, Some(ServerFrame::Closing { reason }));
    assert_eq!(room.next().await, None);
    let ended = tokio::time::timeout(PATIENCE, room.ended);
    ended.await.unwrap().unwrap();
}

/// While the disk does not come along, the inbox and with it the sockets wait: memory stays flat.
#[tokio::test]
#[allow(clippy::await_holding_lock)] // the disk is slow for as long as it is held
async fn f23_what_waits_for_the_disk_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut room = Running::start(&store).await;
    let slow = store.hold();
    let most = ROOM_BATCH + ROOM_WAITING + ROOM_BATCH + ROOM_INBOX;
    let mut taken = 0;
    let mut idle = 0;
    while idle < 1_000 {
        match room.inbox.try_send(say(1, 1)) {
            Ok(()) => (taken, idle) = (taken + 1, 0),
            Err(_) => idle += 1,
        }
        assert!(taken <= most, "{taken} are waiting");
        tokio::task::yield_now().await;
    }
    assert!(taken >= ROOM_WAITING + ROOM_INBOX, "{taken}");
    drop(slow);
    room.event(|body| body.id() == Some(ClientId([1; 16])))
        .await;
    let inbox = room.inbox.clone();
    let more = tokio::time::timeout(PATIENCE, inbox.send(say(1, 2)));
    more.await.expect("the room takes nothing more").unwrap();
    room.event(|body| body.id() == Some(ClientId([2; 16])))
        .await;
}

/// One page at a time for a connection, and a few that wait.
#[tokio::test]
async fn who_asks_for_too_many_pages_at_once_is_told_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut room = Running::start(&store).await;
    let fetch = || {
        let (from, to) = (Seq(1), Seq(1));
        frame(1, ClientFrame::Fetch { from, to })
    };
    // All of them are in the inbox before the task runs again.
    for _ in 0..FETCHES_WAITING + 3 {
        room.inbox.try_send(fetch()).unwrap();
    }
    let (mut refused, mut pages) = (0, 0);
    while refused + pages < FETCHES_WAITING + 3 {
        match room.next().await.expect("the connection ended") {
            ServerFrame::Error { code, .. } => {
                assert_eq!((code, pages), (Problem::OutOfTurn, 0));
                refused += 1;
            }
            ServerFrame::Events { events, .. } => {
                assert_eq!(events.len(), 1);
                pages += 1;
            }
            _ => {}
        }
    }
    assert_eq!((refused, pages), (2, FETCHES_WAITING + 1));
    room.input(fetch()).await;
    while !matches!(room.next().await, Some(ServerFrame::Events { .. })) {}
}

#[tokio::test]
async fn after_the_end_of_the_store_nothing_is_told_as_saved() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut room = Running::start(&store).await;
    tokio::task::spawn_blocking(move || store.close())
        .await
        .unwrap();
    room.input(say(1, 1)).await;
    let next = room.next().await;
    assert!(
        matches!(
            next,
            Some(ServerFrame::Rejected {
                code: Reject::NotSaved,
                ..
            })
        ),
        "{next:?}"
    );
}
