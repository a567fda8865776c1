//! A plan carried out: the computers, the network between them, and what became of it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chatspot_proof::check::{Report, check};
use chatspot_proof::history::{History, Line, Origin};
use chatspot_proof::readout::{Readout, ReadoutError};
use chatspot_protocol::identity::RoomKey;
use chatspot_protocol::ids::Seq;
use chatspot_protocol::text::RoomName;
use chatspot_relay::net::TcpListener;
use chatspot_relay::tls::Tls;
use chatspot_relay::{Relay, RelayConfig, RoomSpec};
use turmoil::Sim;

use crate::member::{Member, Stands};
use crate::plan::{Fault, Host, Plan, Step};

/// The relay's port.
const PORT: u16 = 4040;
/// Where the relay is, in names of the simulation.
pub(crate) const ADDRESS: &str = "relay:4040";
/// The room's name.
pub(crate) const ROOM: &str = "Simulated";
/// Who reads the log in the end.
const READER: &str = "reader";
/// Time goes on in pieces of this length, in which each computer runs once. Shorter ones take longer and show the same.
const TICK: Duration = Duration::from_millis(10);
/// After the last trouble everybody has everything within this time: a dead connection is noticed after 45 s at the
/// most, the next dial is at most 15 s away, and a lost tail is told every 20 s. Twice that, and more.
const SETTLES: Duration = Duration::from_secs(240);
/// So long nothing changes any more before it counts as settled: more than a round trip.
const QUIET: Duration = Duration::from_secs(2);
/// Time for the members to open their rooms from their own disks.
const OPENS: Duration = Duration::from_secs(1);
/// Time for the log to be read.
const READS: Duration = Duration::from_secs(30);

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What the checker says.
    pub report: Report,
    /// How long it took after the last trouble until everybody had everything; that it never came to an end when none.
    pub settled: Option<Duration>,
    /// Of the whole history, without what the wall clock says.
    pub hash: u64,
    /// What everybody did and saw.
    pub history: History,
}

/// Why a run came to no end.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A store in memory could not be made.
    #[error(transparent)]
    Store(#[from] chatspot_client::store::StoreError),
    /// A program on a simulated computer ended with an error.
    #[error("a program ended: {0}")]
    Program(Box<dyn std::error::Error>),
    /// The log cannot be read.
    #[error(transparent)]
    Readout(#[from] ReadoutError),
    /// It does not come.
    #[error("the log could not be read within {READS:?}")]
    NoLog,
}

/// Carries out a plan.
pub fn run(plan: &Plan) -> Result<Outcome, WorldError> {
    let mut world = World::new(plan)?;
    let mut steps = plan.steps.iter().copied().peekable();
    while world.sim.elapsed() < Plan::end() {
        while let Some((_, step)) = steps.next_if(|(at, _)| *at <= world.sim.elapsed()) {
            world.take(step);
        }
        world.tick()?;
    }
    for (_, step) in steps {
        world.take(step);
    }
    world.heal();
    let settled = world.settle()?;
    world.remember()?;
    world.finish(settled)
}

struct World<'a> {
    plan: &'a Plan,
    sim: Sim<'a>,
    room: RoomKey,
    members: Vec<Member>,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan) -> Result<Self, WorldError> {
        let mut sim = turmoil::Builder::new()
            .rng_seed(plan.seed)
            .tick_duration(TICK)
            .simulation_duration(Plan::end() + SETTLES + OPENS + READS + QUIET)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(plan.latency)
            .enable_random_order()
            .build();
        let room = RoomKey::from_secret(&[77; 32]);
        let (key, store) = (room.clone(), chatspot_relay::Store::in_memory()?);
        sim.host(Host::Relay.to_string(), move || {
            relay(key.clone(), store.clone())
        });
        let mut members = Vec::new();
        for (number, writer) in (0..).zip(&plan.writers) {
            let store = chatspot_client::Store::in_memory()?;
            let member = Member::new(number, room.id(), store);
            members.push(member.clone());
            let host = Host::Member(number.into());
            sim.host(host.to_string(), move || member.clone().run(writer.clone()));
        }
        Ok(Self {
            plan,
            sim,
            room,
            members,
        })
    }

    fn tick(&mut self) -> Result<(), WorldError> {
        self.sim.step().map(drop).map_err(WorldError::Program)
    }

    fn pass(&mut self, time: Duration) -> Result<(), WorldError> {
        let end = self.sim.elapsed() + time;
        while self.sim.elapsed() < end {
            self.tick()?;
        }
        Ok(())
    }

    fn take(&mut self, step: Step) {
        let relay = Host::Relay.to_string();
        let name = |number: usize| Host::Member(number).to_string();
        let sim = &mut self.sim;
        match step {
            Step::Begin(Fault::Cut(member)) => sim.partition(name(member), relay),
            Step::Begin(Fault::Mute(member)) => sim.partition_oneway(name(member), relay),
            Step::Begin(Fault::Deafen(member)) => sim.partition_oneway(relay, name(member)),
            Step::Begin(Fault::Hold(member)) => sim.hold(name(member), relay),
            Step::Begin(Fault::Lose(member, one_of)) => {
                sim.set_link_fail_rate(name(member), relay, 1.0 / f64::from(one_of));
            }
            Step::Begin(Fault::Slow(member, latency)) => {
                let latency = latency.max(self.plan.latency);
                sim.set_link_max_message_latency(name(member), relay, latency);
            }
            Step::Begin(Fault::Kill(host)) => sim.crash(host.to_string()),
            Step::Begin(Fault::PowerOff(host)) => {
                self.unplug(host);
                self.sim.crash(host.to_string());
            }
            Step::End(Fault::Cut(member) | Fault::Mute(member) | Fault::Deafen(member)) => {
                sim.repair(name(member), relay);
            }
            Step::End(Fault::Hold(member)) => sim.release(name(member), relay),
            Step::End(Fault::Lose(member, _)) => sim.set_link_fail_rate(name(member), relay, 0.0),
            Step::End(Fault::Slow(member, _)) => {
                sim.set_link_max_message_latency(name(member), relay, self.plan.latency);
            }
            Step::End(Fault::Kill(host)) => self.boot(host),
            Step::End(Fault::PowerOff(host)) => {
                self.plug_in(host);
                self.boot(host);
            }
        }
    }

    /// The members whose link to the relay is one of this computer's.
    fn links(&self, host: Host) -> Vec<String> {
        let members = match host {
            Host::Relay => 0..self.members.len(),
            Host::Member(number) => number..number + 1,
        };
        members
            .map(|number| Host::Member(number).to_string())
            .collect()
    }

    fn unplug(&mut self, host: Host) {
        for member in self.links(host) {
            self.sim.partition(member, Host::Relay.to_string());
        }
    }

    fn plug_in(&mut self, host: Host) {
        for member in self.links(host) {
            self.sim.repair(member, Host::Relay.to_string());
        }
    }

    /// Another trouble may have it running again already.
    fn boot(&mut self, host: Host) {
        if !self.sim.is_host_running(host.to_string()) {
            self.sim.bounce(host.to_string());
        }
    }

    /// Every trouble has ended by itself; where two were one over the other, the network may be left with one.
    fn heal(&mut self) {
        for number in 0..self.members.len() {
            let member = Host::Member(number).to_string();
            self.sim.release(member.clone(), Host::Relay.to_string());
            self.sim.repair(member, Host::Relay.to_string());
        }
    }

    /// Waits until everybody is online, with nothing on the way and with the same head.
    fn settle(&mut self) -> Result<Option<Duration>, WorldError> {
        let begin = self.sim.elapsed();
        let mut since: Option<(Vec<Stands>, Duration)> = None;
        while self.sim.elapsed() < begin + SETTLES {
            self.tick()?;
            let stands: Vec<_> = self.members.iter().map(Member::stands).collect();
            let written = self.members.iter().zip(&self.plan.writers);
            let written = written
                .clone()
                .all(|(member, writer)| member.written() == writer.writes.len());
            let quiet = |stand: &Stands| stand.online && stand.outbox == 0;
            let level = stands.iter().all(|stand| stand.shown == stands[0].shown);
            if !(written && level && stands.iter().all(quiet)) {
                since = None;
                continue;
            }
            let now = self.sim.elapsed();
            match &since {
                Some((stood, at)) if *stood == stands => {
                    if now >= *at + QUIET {
                        return Ok(Some(at.saturating_sub(begin)));
                    }
                }
                _ => since = Some((stands, now)),
            }
        }
        Ok(None)
    }

    /// Restarts the members where there is no relay: what they show now is on their own disks.
    fn remember(&mut self) -> Result<(), WorldError> {
        self.unplug(Host::Relay);
        for number in 0..self.members.len() {
            let host = Host::Member(number).to_string();
            self.sim.crash(host.clone());
            self.sim.bounce(host);
        }
        self.pass(OPENS)
    }

    /// Reads the log, and compares.
    fn finish(mut self, settled: Option<Duration>) -> Result<Outcome, WorldError> {
        let head = self.members.iter().map(|member| member.stands().shown);
        let end = Line::End {
            head: head.max().unwrap_or(Seq::ZERO),
        };
        let log = self.read_log()?;
        let mut history = History::default();
        let mut add = |file: String, lines: Vec<Line>| {
            let file: Arc<str> = file.into();
            let origins = (1..).map(|line| Origin {
                file: file.clone(),
                line,
            });
            history.0.extend(origins.zip(lines));
        };
        for (member, writer) in self.members.iter().zip(&self.plan.writers) {
            add(writer.name.clone(), member.lines());
        }
        add("log".to_owned(), log);
        if settled.is_some() {
            add("end".to_owned(), vec![end]);
        }
        // Inside of the simulation: the programs still have connections to close.
        for host in (0..self.members.len())
            .map(Host::Member)
            .chain([Host::Relay])
        {
            self.sim.crash(host.to_string());
        }
        Ok(Outcome {
            report: check(&history),
            settled,
            hash: hash(&history),
            history,
        })
    }

    fn read_log(&mut self) -> Result<Vec<Line>, WorldError> {
        let room = self.room.id();
        let answer = Arc::new(Mutex::new(None));
        let told = answer.clone();
        self.sim.client(READER, async move {
            let stream = turmoil::net::TcpStream::connect(ADDRESS).await?;
            let read = Readout::over(stream, ADDRESS, Some(room)).await;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
            Ok(())
        });
        let end = self.sim.elapsed() + READS;
        while self.sim.elapsed() < end {
            self.tick()?;
            let read = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(read) = read {
                return Ok(read?.lines());
            }
        }
        Err(WorldError::NoLog)
    }
}

/// What runs on the relay's computer.
async fn relay(key: RoomKey, store: chatspot_relay::Store) -> turmoil::Result {
    let listener = TcpListener::bind(PORT).await?;
    // Another key after each crash: the room vouches for it anew, with a higher term.
    let tls = Tls::in_memory()?;
    let relay = Relay::start(listener, RelayConfig::default(), store, tls)?;
    relay.open(RoomSpec {
        key,
        name: RoomName::parse(ROOM)?,
        host: None,
        settings: None,
        passcode: None,
    })?;
    std::future::pending().await
}

/// The same for two runs that went the same way.
fn hash(history: &History) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (origin, line) in &history.0 {
        let mut line = serde_json::to_value(line).unwrap_or_default();
        if let Some(event) = line
            .get_mut("event")
            .and_then(|event| event.as_object_mut())
        {
            event.remove("at");
        }
        (origin.file.as_ref(), origin.line, line.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}
