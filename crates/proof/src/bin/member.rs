//! A member without a window: writes numbered messages, and writes down what it is shown. Made to be killed.
#![allow(clippy::print_stdout)] // what it prints is how far it is, for whoever started it

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatspot_client::{Client, ClientConfig, EventSink, SinkGone};
use chatspot_proof::dice::Dice;
use chatspot_proof::exit_code;
use chatspot_proof::history::{History, Line, Recorder};
use chatspot_proof::stage::Status;
use chatspot_proof::window::Window;
use chatspot_protocol::ids::{RoomId, Seq};
use chatspot_protocol::limits::TYPING_EVERY;
use chatspot_protocol::view::{Failure, Item, RoomView, Update};
use clap::Parser;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;
use tokio::time::Instant;

/// Own messages on their way beyond which it writes nothing new, far below what an outbox takes.
const OUTBOX: usize = 40;
/// Between two questions whether the relay answers, before the room was ever joined.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Mostly messages are shorter than this, in bytes.
const SHORT: usize = 80;
/// One of [`LONG_ONE_OF`] is up to this long: it goes over pages of a file and a packet's size.
const LONG: usize = 8_000;
/// See [`LONG`].
const LONG_ONE_OF: usize = 40;

/// Writes numbered messages into the only room of a relay, and writes down what it is shown.
///
/// Told on its standard input: `quiet` and `write` stop and start its writing, `type` makes it type, and it ends with
/// its input. It prints how far it is.
#[derive(Debug, Parser)]
#[command(name = "member", version)]
struct Options {
    /// Its name.
    #[arg(long)]
    name: String,

    /// The relay, as `host:port`.
    #[arg(long)]
    address: String,

    /// Its data folder.
    #[arg(long)]
    data_dir: PathBuf,

    /// Where it writes down what it does and sees.
    #[arg(long)]
    history: PathBuf,

    /// Decides lengths and pauses.
    #[arg(long)]
    seed: u64,

    /// Longest time between two messages, in milliseconds.
    #[arg(long)]
    pace: u64,

    /// The room's passcode, if it asks for one.
    #[arg(long)]
    passcode: Option<String>,

    /// An invite link: comes in by it, and not by the address.
    #[arg(long)]
    invite: Option<String>,

    /// Begins without writing.
    #[arg(long)]
    quiet: bool,

    /// Ends itself as a kill would, right after the outbox took so many messages in this run.
    #[arg(long)]
    die_after: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut dice = Dice::new(options.seed);
    let recorder = Records(Arc::new(Mutex::new(Recorder::append_to(&options.history)?)));
    let written = last_number(&options)?;
    let client = Client::start(ClientConfig {
        data_dir: options.data_dir.clone(),
        suggested_name: options.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let by = client.member();
    let name = options.name.clone();
    recorder.write(&[Line::Start { by, name }]);
    let status = watch::Sender::new(Status {
        written,
        ..Status::default()
    });
    let sink = Sink {
        recorder: recorder.clone(),
        status: status.clone(),
        window: Mutex::new(Window::new(by)),
    };
    client.subscribe(Box::new(sink)).await;
    if client.name().is_none() {
        client
            .set_name(&options.name)
            .await
            .map_err(|failure| said(&failure))?;
    }
    client.resume().await.map_err(|failure| said(&failure))?;
    tokio::spawn(print(status.subscribe()));
    let room = enter(&client, &options).await?;

    let mut words = BufReader::new(tokio::io::stdin()).lines();
    let mut writes = !options.quiet;
    let mut types = false;
    let mut taken = 0;
    let mut due = Instant::now();
    let mut typing = tokio::time::interval(TYPING_EVERY);
    loop {
        tokio::select! {
            word = words.next_line() => match word?.as_deref() {
                Some("quiet") => (writes, types) = (false, false),
                Some("write") => writes = true,
                Some("type") => types = true,
                Some(other) => return Err(format!("{other:?} is not understood").into()),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(due), if writes => {
                due = Instant::now() + dice.pause(Duration::from_millis(options.pace));
                if status.borrow().outbox >= OUTBOX {
                    continue;
                }
                let n = status.borrow().written + 1;
                let text = text(&options.name, n, &mut dice);
                recorder.write(&[Line::Wrote { by, n, text: text.clone() }]);
                match client.send(room, &text).await {
                    Ok(()) => {
                        recorder.write(&[Line::Taken { by, n }]);
                        taken += 1;
                        if options.die_after == Some(taken) {
                            std::process::abort();
                        }
                    }
                    Err(failure) => {
                        let why = said(&failure);
                        recorder.write(&[Line::Refused { by, n, why }]);
                    }
                }
                status.send_modify(|status| status.written = n);
            }
            _ = typing.tick(), if types => {
                client.typing(room, true).await.map_err(|failure| said(&failure))?;
            }
        }
    }
}

fn said(failure: &Failure) -> String {
    format!("{:?}: {}", failure.code, failure.message)
}

/// The number of the last message that was written in an earlier run.
fn last_number(options: &Options) -> Result<u64, Box<dyn std::error::Error>> {
    let mut history = History::default();
    history.read_file(&options.history)?;
    let number = |line: &Line| match line {
        Line::Wrote { n, .. } => Some(*n),
        _ => None,
    };
    let numbers = history.0.iter().filter_map(|(_, line)| number(line));
    Ok(numbers.max().unwrap_or(0))
}

/// The room that is open already, or the only one at the address, as soon as the relay answers.
async fn enter(client: &Client, options: &Options) -> Result<RoomId, Box<dyn std::error::Error>> {
    let address = &options.address;
    loop {
        // A room that is resumed may take a moment to open.
        if let Some(room) = client.view().await.rooms.first() {
            return Ok(room.room);
        }
        if let Some(link) = &options.invite {
            if let Ok(room) = client.join_link(link).await {
                return Ok(room);
            }
            tokio::time::sleep(ASK_AGAIN).await;
            continue;
        }
        let found = client.look_up(address).await;
        if let Some(found) = found.ok().and_then(|found| found.rooms.into_iter().next()) {
            let room = found.summary;
            let joined = client.join(address, room.room, room.name.as_str()).await;
            joined.map_err(|failure| said(&failure))?;
            if let Some(passcode) = &options.passcode {
                let told = client.passcode(room.room, passcode).await;
                told.map_err(|failure| said(&failure))?;
            }
            return Ok(room.room);
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

/// A text that this member writes only once.
fn text(name: &str, n: u64, dice: &mut Dice) -> String {
    let most = if dice.below(LONG_ONE_OF) == 0 {
        LONG
    } else {
        SHORT
    };
    let filler = "word ".repeat(dice.below(most) / 5);
    format!("{name} {n} {filler}.")
}

/// Prints how far it is whenever that has changed.
async fn print(mut status: watch::Receiver<Status>) {
    loop {
        let line = serde_json::to_string(&*status.borrow_and_update());
        println!("{}", line.expect("a status is always JSON"));
        if status.changed().await.is_err() {
            return;
        }
    }
}

#[derive(Debug, Clone)]
struct Records(Arc<Mutex<Recorder>>);

impl Records {
    /// A member that cannot write down what it sees proves nothing, so it ends.
    fn write(&self, lines: &[Line]) {
        let mut recorder = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = recorder.write_all(lines) {
            eprintln!("the history cannot be written: {error}");
            std::process::exit(2);
        }
    }
}

/// What the client tells, written down.
struct Sink {
    recorder: Records,
    status: watch::Sender<Status>,
    /// A lock because a sink is told through a shared reference; nobody else takes it.
    window: Mutex<Window>,
}

impl EventSink for Sink {
    fn update(&self, update: &Update) -> Result<(), SinkGone> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.recorder.write(&window.update(update));
        if let Some(room) = window.room() {
            self.status.send_if_modified(|status| stands(status, room));
        }
        Ok(())
    }
}

/// Takes over what the room says; false when that is nothing new.
fn stands(status: &mut Status, room: &RoomView) -> bool {
    let shown = room.items.iter().rev().find_map(Item::place);
    let new = Status {
        written: status.written,
        shown: shown.map_or(Seq::ZERO, |place| place.seq),
        outbox: room.outbox.len(),
        link: Some(room.link.clone()),
        present: room
            .members
            .iter()
            .map(|member| (member.name.to_string(), member.presence))
            .collect(),
    };
    let changed = *status != new;
    *status = new;
    changed
}
