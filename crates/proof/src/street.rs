//! Programs on a [`Lan`]: relays that host rooms, and neighbours that look for them.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chatspot_protocol::ids::RoomId;
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::limits::DEFAULT_PORT;
use tokio::sync::watch;

use crate::lan::{HostId, Lan};
use crate::namespace::NamespaceError;
use crate::neighbour::{Seen, Word};
use crate::program::{Program, ProgramError};

/// The programs' files.
#[derive(Debug, Clone)]
pub struct StreetPrograms {
    /// `chatspot-relay`.
    pub relay: PathBuf,
    /// `neighbour`.
    pub neighbour: PathBuf,
    /// `impostor`.
    pub impostor: PathBuf,
}

impl StreetPrograms {
    /// Those in the folder of the running program, where cargo puts them.
    pub fn beside_this() -> std::io::Result<Self> {
        let this = std::env::current_exe()?;
        Ok(Self {
            relay: this.with_file_name("chatspot-relay"),
            neighbour: this.with_file_name("neighbour"),
            impostor: this.with_file_name("impostor"),
        })
    }
}

/// How long anything that has to happen is waited for. Reached only when it never happens: a dead connection is noticed
/// after 45 s, and a room that is silent leaves the list after that.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What went wrong with the programs; not with what they should show.
#[derive(thiserror::Error)]
pub enum StreetError {
    /// A program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NamespaceError),
    /// Waited in vain.
    #[error("{who} waited too long for {what}; it sees: {seen}")]
    Waited {
        /// Who.
        who: String,
        /// For what.
        what: String,
        /// What was seen by then.
        seen: String,
    },
    /// A folder.
    #[error("a folder: {0}")]
    Folder(#[from] std::io::Error),
}

/// As it is said: what was seen is long, and is read in a test's output.
impl std::fmt::Debug for StreetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// The network, the programs' files, and a folder for what they leave.
#[derive(Debug)]
pub struct Street {
    /// The network.
    pub lan: Lan,
    programs: StreetPrograms,
    folder: PathBuf,
}

impl Street {
    /// An empty one.
    pub fn new(lan: Lan, programs: StreetPrograms, folder: &Path) -> Self {
        Self {
            lan,
            programs,
            folder: folder.to_owned(),
        }
    }

    /// Hosts these rooms at this computer, and returns when the relay listens.
    pub async fn relay(&self, at: HostId, rooms: &[&str]) -> Result<Host, StreetError> {
        self.relay_with(at, rooms, &[]).await
    }

    /// The same; `more` are options of its program.
    pub async fn relay_with(
        &self,
        at: HostId,
        rooms: &[&str],
        more: &[&str],
    ) -> Result<Host, StreetError> {
        let who = format!("relay-{}", rooms.first().unwrap_or(&"none"));
        let mut command = self.lan.place(at).command(&self.programs.relay);
        command
            .env_remove("PORT")
            .env_remove("CHATSPOT_RELAY_DATA_DIR")
            .env_remove("CHATSPOT_RELAY_PASSCODE")
            .env_remove("CHATSPOT_RELAY_NEARBY")
            .args(rooms.iter().flat_map(|room| ["--room", room]))
            .args(["--admission", "open", "--data-dir"])
            .arg(self.folder.join(&who))
            .args(more);
        let (sender, printed) = watch::channel(String::new());
        let errors = self.folder.join(format!("{who}.errors"));
        let program = Program::start(&who, command, &errors, move |line| {
            sender.send_modify(|text| {
                text.push_str(line);
                text.push('\n');
            });
        })?;
        let mut host = Host {
            who,
            program,
            printed,
        };
        host.printed("listens on port ", |_| true).await?;
        // The last that it prints.
        host.printed("Others choose", |_| true).await?;
        Ok(host)
    }

    /// Starts a neighbour at this computer; `more` are options of its program.
    pub fn neighbour(
        &self,
        at: HostId,
        name: &str,
        more: &[&str],
    ) -> Result<Neighbour, StreetError> {
        self.neighbour_with(at, name, more, &[])
    }

    /// The same; `env` is set for it.
    pub fn neighbour_with(
        &self,
        at: HostId,
        name: &str,
        more: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Neighbour, StreetError> {
        let mut command = self.lan.place(at).command(&self.programs.neighbour);
        command
            .envs(env.iter().copied())
            .args(["--name", name, "--data-dir"])
            .arg(self.folder.join(name))
            .args(more);
        let (sender, seen) = watch::channel(Seen::default());
        let errors = self.folder.join(format!("{name}.errors"));
        let program = Program::start(name, command, &errors, move |line| {
            if let Ok(seen) = serde_json::from_str(line) {
                sender.send_replace(seen);
            }
        })?;
        Ok(Neighbour {
            name: name.to_owned(),
            program,
            seen,
            told: 0,
        })
    }

    /// Starts somebody at this computer who says that a room is here, and has not its key.
    pub async fn impostor(
        &self,
        at: HostId,
        link: &InviteLink,
        name: &str,
    ) -> Result<Impostor, StreetError> {
        let mut command = self.lan.place(at).command(&self.programs.impostor);
        command.args(["--link", &link.encode(), "--name", name]);
        let (sender, printed) = watch::channel(String::new());
        let errors = self.folder.join("impostor.errors");
        let program = Program::start("impostor", command, &errors, move |line| {
            sender.send_modify(|text| {
                text.push_str(line);
                text.push('\n');
            });
        })?;
        let mut impostor = Impostor { program, printed };
        impostor.until("listens").await?;
        Ok(impostor)
    }
}

/// A relay that runs.
#[derive(Debug)]
pub struct Host {
    who: String,
    program: Program,
    printed: watch::Receiver<String>,
}

impl Host {
    /// Waits for a line that holds this and of which that is so, and returns what stands behind it.
    async fn printed(
        &mut self,
        what: &str,
        is_so: impl Fn(&str) -> bool,
    ) -> Result<String, StreetError> {
        let found = |text: &str| {
            let mut lines = text.lines().filter(|line| is_so(line));
            let behind = lines.find_map(|line| line.split_once(what))?.1;
            Some(behind.to_owned())
        };
        let waited = self.printed.wait_for(|text| found(text).is_some());
        let text = tokio::time::timeout(PATIENCE, waited).await;
        let line = text.ok().and_then(|text| found(&text.ok()?));
        self.program.runs()?;
        line.ok_or_else(|| StreetError::Waited {
            who: self.who.clone(),
            what: what.to_owned(),
            seen: self.printed.borrow().clone(),
        })
    }

    /// The port on which it listens.
    pub async fn port(&mut self) -> Result<Option<u16>, StreetError> {
        let line = self.printed("listens on port ", |_| true).await?;
        Ok(line.trim_end_matches('.').parse().ok())
    }

    /// The links for the rooms' owners, one for each room, in the order of the rooms.
    pub fn links(&self) -> Vec<InviteLink> {
        let printed = self.printed.borrow();
        let links = printed.lines().filter(|line| line.starts_with("chatspot:"));
        links
            .filter_map(|line| InviteLink::decode(line).ok())
            .collect()
    }

    /// The room of that name.
    pub fn room(&self, name: &str) -> Option<RoomId> {
        let mut links = self.links().into_iter();
        let is_this = |link: &InviteLink| link.name.as_ref().is_some_and(|it| it.as_str() == name);
        links.find(is_this).map(|link| link.key.room())
    }

    /// Tells it to end, and waits until it has.
    pub async fn stop(self) -> Result<(), StreetError> {
        self.program.terminate().await?;
        Ok(())
    }

    /// Kills it: it says no goodbye.
    pub async fn kill(self) -> Result<(), StreetError> {
        Ok(self.program.kill().await?)
    }
}

/// A neighbour that runs.
#[derive(Debug)]
pub struct Neighbour {
    name: String,
    program: Program,
    seen: watch::Receiver<Seen>,
    /// Words so far.
    told: usize,
}

impl Neighbour {
    /// What it saw so far.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until it sees this, for at most [`PATIENCE`].
    pub async fn until(
        &mut self,
        what: &str,
        is_so: impl FnMut(&Seen) -> bool,
    ) -> Result<Seen, StreetError> {
        if let Some(seen) = self.within(PATIENCE, is_so).await {
            return Ok(seen);
        }
        self.program.runs()?;
        let seen = serde_json::to_string(&self.seen()).unwrap_or_default();
        Err(StreetError::Waited {
            who: self.name.clone(),
            what: what.to_owned(),
            seen,
        })
    }

    /// Waits until it sees this; none when the time is over before, or when it ended.
    pub async fn within(
        &mut self,
        time: Duration,
        is_so: impl FnMut(&Seen) -> bool,
    ) -> Option<Seen> {
        let so = self.seen.wait_for(is_so);
        let seen = tokio::time::timeout(time, so).await.ok()?.ok()?;
        Some(seen.clone())
    }

    /// Tells it something, and waits until that is done or failed. What it sees then.
    pub async fn tell(&mut self, word: &Word) -> Result<Seen, StreetError> {
        let line = serde_json::to_string(word).map_err(std::io::Error::other)?;
        self.program.tell(&line).await?;
        self.told += 1;
        let told = self.told;
        let what = format!("an answer to {line}");
        self.until(&what, |seen| seen.answers.len() >= told).await
    }

    /// Joins a room of its list, and waits until it is in.
    pub async fn join(&mut self, name: &str) -> Result<Seen, StreetError> {
        let what = format!("the room {name}");
        let seen = self
            .until(&what, |seen| seen.listed(name).is_some())
            .await?;
        let room = seen
            .listed(name)
            .map(chatspot_protocol::view::NearbyRoom::room);
        if let Some(room) = room {
            self.tell(&Word::Join { room }).await?;
        }
        self.until(&format!("being in {name}"), |seen| seen.is_in(name))
            .await
    }

    /// Joins what is hosted at an address at the usual port, and waits until it is in.
    pub async fn join_at(&mut self, address: IpAddr, name: &str) -> Result<Seen, StreetError> {
        self.join_at_port(address, DEFAULT_PORT, name).await
    }

    /// The same at another port.
    pub async fn join_at_port(
        &mut self,
        address: IpAddr,
        port: u16,
        name: &str,
    ) -> Result<Seen, StreetError> {
        let address = SocketAddr::new(address, port).to_string();
        self.tell(&Word::JoinAt { address }).await?;
        self.until(&format!("being in {name}"), |seen| seen.is_in(name))
            .await
    }

    /// Kills it.
    pub async fn kill(self) -> Result<(), StreetError> {
        Ok(self.program.kill().await?)
    }
}

/// Somebody who says that a room is here, and has not its key.
#[derive(Debug)]
pub struct Impostor {
    program: Program,
    printed: watch::Receiver<String>,
}

impl Impostor {
    /// Waits for a line that it prints.
    pub async fn until(&mut self, line: &str) -> Result<(), StreetError> {
        let waited = self.printed.wait_for(|text| text.contains(line));
        let came = matches!(tokio::time::timeout(PATIENCE, waited).await, Ok(Ok(_)));
        self.program.runs()?;
        if came {
            return Ok(());
        }
        Err(StreetError::Waited {
            who: "the impostor".to_owned(),
            what: line.to_owned(),
            seen: self.printed.borrow().clone(),
        })
    }

    /// What it printed so far.
    pub fn printed(&self) -> String {
        self.printed.borrow().clone()
    }
}
