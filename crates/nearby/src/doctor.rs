//! The doctor: looks at everything on this computer and around it that keeps rooms from being found, and says what it saw
//! as data. Never asks for rights that the app has not, and changes nothing.

mod firewall;
mod networks;
#[cfg(test)]
mod packaging;
mod passage;
mod port;
mod route;
mod system;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use chatspot_protocol::limits::{DOCTOR_LISTENS, DOCTOR_STEP};
use chatspot_protocol::view::Finding;
use tokio::time::timeout;

use self::system::{Machine, System};
use crate::networks::Network;
use crate::{Echoes, Nearby};

/// What the doctor is told beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Questions {
    /// The port of the rooms that are hosted here.
    pub hosting: Option<u16>,
    /// Where others were reached since the app started.
    pub met: Vec<SocketAddr>,
    /// Where others were reached before that, room by room. Addresses in other networks are left out, of both.
    pub known: Vec<Vec<SocketAddr>>,
    /// How many rooms of others in this network are heard of now.
    pub heard: usize,
}

/// Looks at everything, in less than ten seconds whatever hangs. Worst first.
pub async fn examine(nearby: &Nearby, questions: Questions) -> Vec<Finding> {
    let networks = nearby.networks().borrow().clone();
    let ping = nearby.ping(DOCTOR_LISTENS);
    examine_with(&Machine, &networks.0, ping, &questions).await
}

/// Puts the worst first, and leaves what is as bad as each other in its order.
pub fn worst_first(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| finding.level);
}

async fn examine_with(
    system: &impl System,
    networks: &[Network],
    ping: impl Future<Output = Echoes>,
    questions: &Questions,
) -> Vec<Finding> {
    let (echoes, port, firewalls, answers) = tokio::join!(
        timeout(DOCTOR_STEP, ping),
        port::look(system, networks, questions.hosting),
        firewall::look(system, networks, questions.hosting),
        timeout(DOCTOR_STEP, route::ask(system, networks, questions)),
    );
    let mut echoes = echoes.unwrap_or_default();
    let open = answers.as_ref().map_or(0, |answers| answers.open);
    // What comes back from this computer itself says nothing of others.
    echoes
        .echoes
        .retain(|echo| networks.iter().all(|network| network.ip != echo.from.ip()));

    let mut findings = vec![networks::judge(networks)];
    findings.extend(route::vpn(system, networks));
    let others = echoes.echoes.len() + questions.heard;
    findings.extend(firewalls.into_iter().map(|finding| Finding {
        level: firewall::level(&finding, questions.hosting, others),
        ..finding
    }));
    findings.push(port);
    findings.extend(passage::judge(&echoes, open));
    if let Ok(answers) = answers {
        findings.extend(route::judge(&answers, networks, others));
    }
    worst_first(&mut findings);
    findings
}
