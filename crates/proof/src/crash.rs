//! Kills a relay and its members at random moments, and checks what is left.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chatspot_protocol::ids::Seq;

use crate::check::Report;
use crate::dice::Dice;
use crate::stage::{Place, Programs, Stage, StageError, free_port};

/// The longest time between the moment at which a kill may come and the kill itself.
const AIM: Duration = Duration::from_millis(300);
/// The longest time for which a killed program stays away.
const AWAY: Duration = Duration::from_millis(200);
/// Of so many kills one comes without waiting for anything: into a start, a handshake, or another kill's aftermath.
const BLIND: usize = 4;
/// How long new events are waited for before a kill that wants to hit a busy room. More than the longest redial.
const BUSY: Duration = Duration::from_secs(20);

/// What to do.
#[derive(Debug, Clone)]
pub struct Crash {
    /// Decides who is killed when. The programs' own timing is theirs, so a seed repeats the plan, not the run.
    pub seed: u64,
    /// How many kills.
    pub kills: usize,
    /// How many members.
    pub members: usize,
    /// The longest time between two messages of one member.
    pub pace: Duration,
    /// An empty folder.
    pub folder: PathBuf,
    /// What is started.
    pub programs: Programs,
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Relay,
    Member(usize),
    Everybody,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Kills of the relay alone.
    pub relay_kills: usize,
    /// Kills of one member.
    pub member_kills: usize,
    /// Kills of everything at once.
    pub common_kills: usize,
    /// From the first start to the checker's word.
    pub wall: Duration,
    /// The checker's word.
    pub report: Report,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            relay_kills,
            member_kills,
            common_kills,
            wall,
            report,
        } = self;
        write!(
            f,
            "{relay_kills} kills of the relay, {member_kills} of a member, {common_kills} of everybody, in {:.1} s\n\
             {report}",
            wall.as_secs_f64()
        )
    }
}

impl Crash {
    /// Does it; `say` is told each kill.
    pub async fn run(self, mut say: impl FnMut(&str)) -> Result<Outcome, StageError> {
        let begun = Instant::now();
        let mut dice = Dice::new(self.seed);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut stage = Stage::new(&self.folder, self.programs, address, Place::default());
        stage.set_pace(self.pace);
        stage.start_relay()?;
        for number in 0..self.members {
            stage.add_member(&format!("member-{number}"), Place::default());
            stage.start_member(number, dice.throw(), &[])?;
        }
        let (mut relay_kills, mut member_kills, mut common_kills) = (0, 0, 0);
        for kill in 1..=self.kills {
            // Half of the kills hit the relay, most of the others one member.
            let victim = match dice.below(20) {
                0..10 => Victim::Relay,
                10..18 => Victim::Member(dice.below(self.members)),
                _ => Victim::Everybody,
            };
            if dice.below(BLIND) > 0 {
                let known = newest(&stage);
                // Nothing new is no failure yet: the next kill may mend what this one would have hit.
                stage
                    .within(BUSY, |board| {
                        board.iter().any(|status| status.shown > known)
                    })
                    .await;
            }
            tokio::time::sleep(dice.pause(AIM)).await;
            stage.all_run()?;
            say(&format!("kill {kill} of {}: {victim:?}", self.kills));
            match victim {
                Victim::Relay => {
                    relay_kills += 1;
                    stage.kill_relay().await?;
                }
                Victim::Member(number) => {
                    member_kills += 1;
                    stage.kill_member(number).await?;
                }
                Victim::Everybody => {
                    common_kills += 1;
                    stage.kill_all().await?;
                }
            }
            tokio::time::sleep(dice.pause(AWAY)).await;
            if matches!(victim, Victim::Relay | Victim::Everybody) {
                stage.start_relay()?;
            }
            for number in 0..self.members {
                if victim == Victim::Everybody || victim == Victim::Member(number) {
                    stage.start_member(number, dice.throw(), &[])?;
                }
            }
        }
        say("all kills are done, waiting for quiet");
        let report = stage.finish().await?;
        Ok(Outcome {
            relay_kills,
            member_kills,
            common_kills,
            wall: begun.elapsed(),
            report,
        })
    }
}

fn newest(stage: &Stage) -> Seq {
    let board = stage.board();
    board
        .iter()
        .map(|status| status.shown)
        .max()
        .unwrap_or_default()
}
