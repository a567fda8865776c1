//! A relay and members as programs of their own, each with its data folder, to be killed and started again.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatspot_protocol::ids::Seq;
use chatspot_protocol::view::LinkState;
use chatspot_protocol::wire::Presence;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::check::{Report, check};
use crate::history::{History, HistoryError, Line, Recorder};
use crate::program::{Program, ProgramError};

/// How long anything that has to happen is waited for. Reached only when it never happens: a redial waits 15 s at
/// most, and a dead connection is noticed after 45 s.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// How far a member is, as its program prints it, one JSON object a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Messages that it wrote, over all its runs.
    pub written: u64,
    /// The last position that it was shown.
    pub shown: Seq,
    /// Own messages on their way.
    pub outbox: usize,
    /// Its connection; none before the room is open.
    pub link: Option<LinkState>,
    /// Who is in the room, as it knows.
    pub present: Vec<(String, Presence)>,
}

impl Status {
    /// Connected, and nothing on its way.
    pub fn is_quiet(&self) -> bool {
        self.link == Some(LinkState::Online) && self.outbox == 0
    }
}

/// The programs' files.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `chatspot-relay`.
    pub relay: PathBuf,
    /// `member`.
    pub member: PathBuf,
    /// `read-log`.
    pub read_log: PathBuf,
}

impl Programs {
    /// Those in the folder of the running program, where cargo puts them.
    pub fn beside_this() -> std::io::Result<Self> {
        let this = std::env::current_exe()?;
        let named =
            |name: &str| this.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        Ok(Self {
            relay: named("chatspot-relay"),
            member: named("member"),
            read_log: named("read-log"),
        })
    }
}

/// Where a program runs: words to put before its own, such as those of a program that enters a network namespace and
/// then becomes the one that is named behind.
#[derive(Debug, Clone, Default)]
pub struct Place(pub Vec<OsString>);

impl Place {
    /// The program, to be run there.
    pub fn command(&self, program: &Path) -> Command {
        let mut words = self.0.iter();
        match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(program);
                command
            }
            None => Command::new(program),
        }
    }
}

/// What went wrong with the stage; not with the rules.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Waited in vain.
    #[error("waited too long for {what}; it stands so: {board:?}")]
    Waited {
        /// For what.
        what: String,
        /// How far everybody was.
        board: Vec<Status>,
    },
    /// A file of the stage itself.
    #[error("the stage's folder: {0}")]
    Folder(#[from] std::io::Error),
    /// A member's history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The reader.
    #[error("the log could not be read; see read-log.errors")]
    Unread,
}

#[derive(Debug)]
struct MemberSeat {
    name: String,
    place: Place,
    /// None while it is not running.
    program: Option<Program>,
}

/// A relay and members.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    programs: Programs,
    address: SocketAddr,
    relay_place: Place,
    /// None while it is not running.
    relay: Option<Program>,
    listening: watch::Receiver<bool>,
    members: Vec<MemberSeat>,
    board: watch::Sender<Vec<Status>>,
    /// Most milliseconds between two messages of a member.
    pace: Duration,
    /// How somebody new comes in, as the relay's option has it.
    admission: String,
    /// See [`Stage::set_passcode`].
    passcode: Option<String>,
    /// More options of the relay.
    more: Vec<&'static str>,
    /// What the relay printed.
    printed: watch::Sender<String>,
}

impl Stage {
    /// An empty stage. Everything is kept in `folder`; the relay will listen at `address`.
    pub fn new(folder: &Path, programs: Programs, address: SocketAddr, relay_place: Place) -> Self {
        Self {
            folder: folder.to_owned(),
            programs,
            address,
            relay_place,
            relay: None,
            listening: watch::channel(false).1,
            members: Vec::new(),
            board: watch::channel(Vec::new()).0,
            pace: Duration::from_millis(60),
            admission: "open".to_owned(),
            passcode: None,
            more: Vec::new(),
            printed: watch::Sender::new(String::new()),
        }
    }

    /// Sets how somebody new comes in, before the relay's first start.
    pub fn set_admission(&mut self, admission: &str) {
        admission.clone_into(&mut self.admission);
    }

    /// Sets what opens the room, before the relay's first start.
    pub fn set_passcode(&mut self, passcode: &str) {
        self.passcode = Some(passcode.to_owned());
    }

    /// Has the room not called out, before the relay's first start.
    pub fn hide(&mut self) {
        self.more.push("--hidden");
    }

    /// The first word of that beginning that the relay prints.
    pub async fn printed(&mut self, beginning: &str) -> Result<String, StageError> {
        let found = |text: &str| {
            let mut words = text.split_whitespace();
            words
                .find(|word| word.starts_with(beginning))
                .map(str::to_owned)
        };
        let mut printed = self.printed.subscribe();
        let waited = printed.wait_for(|text| found(text).is_some());
        let text = tokio::time::timeout(PATIENCE, waited).await.map(|text| {
            // It cannot end while this side of it is here.
            text.ok().and_then(|text| found(&text))
        });
        match text {
            Ok(Some(word)) => Ok(word),
            Ok(None) | Err(_) => Err(self.waited(beginning)),
        }
    }

    /// Sets the longest time between two messages of a member.
    pub fn set_pace(&mut self, pace: Duration) {
        self.pace = pace;
    }

    /// Adds a member that is not started yet, and returns its number.
    pub fn add_member(&mut self, name: &str, place: Place) -> usize {
        self.members.push(MemberSeat {
            name: name.to_owned(),
            place,
            program: None,
        });
        self.board
            .send_modify(|board| board.push(Status::default()));
        self.members.len() - 1
    }

    /// Starts the relay. It may not listen yet.
    pub fn start_relay(&mut self) -> Result<(), StageError> {
        let mut command = self.relay_place.command(&self.programs.relay);
        command
            .env_remove("PORT")
            .env_remove("CHATSPOT_RELAY_DATA_DIR")
            .envs(
                self.passcode
                    .iter()
                    .map(|passcode| ("CHATSPOT_RELAY_PASSCODE", passcode)),
            )
            .arg("--listen")
            .arg(self.address.ip().to_string())
            .arg("--port")
            .arg(self.address.port().to_string())
            // Its members are programs, which write faster than a relay lets people.
            .args(["--frames-per-second", "600"])
            .args(&self.more)
            .args([
                "--room",
                "Proof",
                "--admission",
                &self.admission,
                "--data-dir",
            ])
            .arg(self.folder.join("relay"));
        let (sender, listening) = watch::channel(false);
        let printed = self.printed.clone();
        let started = Program::start("the relay", command, &self.errors("relay"), move |line| {
            printed.send_modify(|text| {
                text.push_str(line);
                text.push('\n');
            });
            if line.contains("listens on port") {
                sender.send_replace(true);
            }
        });
        self.relay = Some(started?);
        self.listening = listening;
        Ok(())
    }

    /// Waits until the relay listens.
    pub async fn relay_listens(&mut self) -> Result<(), StageError> {
        let mut listening = self.listening.clone();
        let listens = listening.wait_for(|listens| *listens);
        // An error is a relay that ended, which is told below.
        if matches!(tokio::time::timeout(PATIENCE, listens).await, Ok(Ok(_))) {
            return Ok(());
        }
        self.all_run()?;
        Err(self.waited("the relay to listen"))
    }

    /// Kills the relay, if it runs.
    pub async fn kill_relay(&mut self) -> Result<(), StageError> {
        match self.relay.take() {
            Some(relay) => Ok(relay.kill().await?),
            None => Ok(()),
        }
    }

    /// Starts a member; `more` are options of its program.
    pub fn start_member(
        &mut self,
        number: usize,
        seed: u64,
        more: &[&str],
    ) -> Result<(), StageError> {
        let history = self.history(number);
        let seat = &self.members[number];
        let mut command = seat.place.command(&self.programs.member);
        command
            .args(["--name", &seat.name, "--address"])
            .arg(self.address.to_string())
            .arg("--data-dir")
            .arg(self.folder.join(&seat.name))
            .arg("--history")
            .arg(history)
            .arg("--seed")
            .arg(seed.to_string())
            .arg("--pace")
            .arg(self.pace.as_millis().to_string())
            .args(more);
        let board = self.board.clone();
        board.send_modify(|board| board[number] = Status::default());
        let what = format!("the member {}", seat.name);
        let errors = self.errors(&seat.name);
        let started = Program::start(&what, command, &errors, move |line| {
            if let Ok(status) = serde_json::from_str(line) {
                board.send_modify(|board| board[number] = status);
            }
        });
        self.members[number].program = Some(started?);
        Ok(())
    }

    /// Kills a member, if it runs.
    pub async fn kill_member(&mut self, number: usize) -> Result<(), StageError> {
        match self.members[number].program.take() {
            Some(member) => Ok(member.kill().await?),
            None => Ok(()),
        }
    }

    /// Waits for a member that ends by itself.
    pub async fn member_ended(&mut self, number: usize) -> Result<(), StageError> {
        let Some(member) = self.members[number].program.take() else {
            return Ok(());
        };
        let Ok(ended) = tokio::time::timeout(PATIENCE, member.ended()).await else {
            return Err(self.waited("a member to end"));
        };
        ended?;
        Ok(())
    }

    /// Tells every member that runs: `quiet`, `write` or `type`.
    pub async fn tell_all(&mut self, word: &str) -> Result<(), StageError> {
        for number in 0..self.members.len() {
            self.tell(number, word).await?;
        }
        Ok(())
    }

    /// Tells a member, if it runs.
    pub async fn tell(&mut self, number: usize, word: &str) -> Result<(), StageError> {
        if let Some(member) = &mut self.members[number].program {
            member.tell(word).await?;
        }
        Ok(())
    }

    /// How far the members are.
    pub fn board(&self) -> Vec<Status> {
        self.board.borrow().clone()
    }

    /// Waits until it is so, for at most [`PATIENCE`].
    pub async fn until(
        &mut self,
        what: &str,
        is_so: impl FnMut(&Vec<Status>) -> bool,
    ) -> Result<(), StageError> {
        if self.within(PATIENCE, is_so).await {
            return Ok(());
        }
        self.all_run()?;
        Err(self.waited(what))
    }

    /// Waits until it is so; false when the time is over before.
    pub async fn within(&self, time: Duration, is_so: impl FnMut(&Vec<Status>) -> bool) -> bool {
        let mut board = self.board.subscribe();
        let so = board.wait_for(is_so);
        matches!(tokio::time::timeout(time, so).await, Ok(Ok(_)))
    }

    /// Reads the log over the wire into a file, and returns it.
    pub async fn read_log(&mut self) -> Result<History, StageError> {
        let read = Arc::new(Mutex::new(String::new()));
        let mut command = self.relay_place.command(&self.programs.read_log);
        command.arg("--address").arg(self.address.to_string());
        let into = read.clone();
        let program = Program::start("read-log", command, &self.errors("read-log"), move |line| {
            let mut text = into.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(line);
            text.push('\n');
        });
        let status = program?.ended().await?;
        if !status.success() {
            return Err(StageError::Unread);
        }
        let text = std::mem::take(&mut *read.lock().unwrap_or_else(PoisonError::into_inner));
        let path = self.folder.join("log.jsonl");
        std::fs::write(&path, &text)?;
        let mut history = History::default();
        history.read_file(&path)?;
        Ok(history)
    }

    /// Nobody writes any more; returns the log's head when all outboxes are empty and everybody was shown it.
    pub async fn settle(&mut self) -> Result<Seq, StageError> {
        self.tell_all("quiet").await?;
        self.until("empty outboxes", |board| board.iter().all(Status::is_quiet))
            .await?;
        let history = self.read_log().await?;
        let head = history.0.iter().find_map(|(_, line)| match line {
            Line::Log { head, .. } => Some(*head),
            _ => None,
        });
        let head = head.ok_or(StageError::Unread)?;
        self.until("everybody to have the head", |board| {
            board.iter().all(|status| status.shown >= head)
        })
        .await?;
        Ok(head)
    }

    /// Settles, and checks. Before, everything is killed once more: the members show what is on their disks while
    /// nobody answers, and a new relay shows what is on its own.
    pub async fn finish(mut self) -> Result<Report, StageError> {
        let head = self.settle().await?;
        self.kill_all().await?;
        for number in 0..self.members.len() {
            self.start_member(number, 0, &["--quiet"])?;
        }
        self.until("the rooms to open without a relay", |board| {
            board.iter().all(|status| status.link.is_some())
        })
        .await?;
        self.kill_all().await?;
        self.start_relay()?;
        self.relay_listens().await?;
        let mut history = self.read_log().await?;
        self.kill_all().await?;
        let end = self.folder.join("end.jsonl");
        Recorder::append_to(&end)?.write(&Line::End { head })?;
        history.read_file(&end)?;
        for number in 0..self.members.len() {
            history.read_file(&self.history(number))?;
        }
        Ok(check(&history))
    }

    /// Kills everything at once, as when the power goes.
    pub async fn kill_all(&mut self) -> Result<(), StageError> {
        self.kill_relay().await?;
        for number in 0..self.members.len() {
            self.kill_member(number).await?;
        }
        Ok(())
    }

    /// An error when one of the programs has ended by itself.
    pub fn all_run(&mut self) -> Result<(), StageError> {
        let members = self.members.iter_mut().map(|seat| &mut seat.program);
        for program in members.chain([&mut self.relay]).flatten() {
            program.runs()?;
        }
        Ok(())
    }

    /// A member's history.
    pub fn history(&self, number: usize) -> PathBuf {
        self.folder
            .join(format!("{}.jsonl", self.members[number].name))
    }

    fn errors(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.errors"))
    }

    fn waited(&self, what: &str) -> StageError {
        StageError::Waited {
            what: what.to_owned(),
            board: self.board(),
        }
    }
}

/// A port of this computer that nothing listens on now.
pub fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
