//! What the doctor asks of the system, as one trait, so that tests can answer for it.

use std::future::Future;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use chatspot_protocol::limits::{DOCTOR_DIAL, DOCTOR_OUTPUT_BYTES};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

/// The system that the doctor is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Linux,
    Windows,
    Macos,
    Other,
}

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// Its exit code; none when a signal ended it.
    pub(super) code: Option<i32>,
    /// What it printed.
    pub(super) out: String,
}

impl Said {
    /// What it printed, where it says that it succeeded.
    pub(super) fn fine(self) -> Option<String> {
        (self.code == Some(0)).then_some(self.out)
    }
}

/// What came of a connection's first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Somebody took it.
    Open,
    /// Somebody is there and does not want it.
    Refused,
    /// Nothing came back, or word that nobody is there.
    Silent,
}

/// The system.
pub(super) trait System: Sync {
    /// Which one it is.
    fn platform(&self) -> Platform;

    /// The program that this is.
    fn program(&self) -> Option<String>;

    /// Runs a program for so long at the most. None where there is none, or it took longer, or it printed too much.
    fn run(
        &self,
        program: &str,
        args: &[&str],
        patience: Duration,
    ) -> impl Future<Output = Option<Said>> + Send;

    /// A file's text; none where there is none, or it is not for us.
    fn read(&self, path: &str) -> impl Future<Output = Option<String>> + Send;

    /// Whether there is such a file, or a link of this name.
    fn exists(&self, path: &str) -> impl Future<Output = bool> + Send;

    /// Opens a connection and closes it.
    fn reach(&self, to: SocketAddr) -> impl Future<Output = Reach> + Send;

    /// Sends one byte that nobody listens for, so that the system has to ask the network who has that address.
    fn nudge(&self, to: SocketAddr);

    /// Which of its addresses the system would use towards this one. Sends nothing.
    fn source(&self, to: IpAddr) -> Option<IpAddr>;
}

/// The one that this runs on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine;

impl System for Machine {
    fn platform(&self) -> Platform {
        if cfg!(target_os = "linux") {
            Platform::Linux
        } else if cfg!(windows) {
            Platform::Windows
        } else if cfg!(target_os = "macos") {
            Platform::Macos
        } else {
            Platform::Other
        }
    }

    fn program(&self) -> Option<String> {
        let path = std::env::current_exe().ok()?;
        Some(path.to_string_lossy().into_owned())
    }

    async fn run(&self, program: &str, args: &[&str], patience: Duration) -> Option<Said> {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Whoever takes too long is dropped, and ends with that.
            .kill_on_drop(true);
        if cfg!(unix) {
            // What firewalls print is read here, and is translated otherwise. Their programs are not on everybody's path.
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("LC_ALL", "C");
            command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
        }
        #[cfg(windows)]
        {
            /// No console window flashes up (`CREATE_NO_WINDOW`).
            const NO_WINDOW: u32 = 0x0800_0000;
            command.creation_flags(NO_WINDOW);
        }
        timeout(patience, async {
            let mut child = command.spawn().ok()?;
            let mut printed = Vec::new();
            let stdout = child.stdout.take()?;
            let read = stdout
                .take(DOCTOR_OUTPUT_BYTES)
                .read_to_end(&mut printed)
                .await
                .ok()?;
            if read as u64 == DOCTOR_OUTPUT_BYTES {
                return None;
            }
            let status = child.wait().await.ok()?;
            Some(Said {
                code: status.code(),
                out: String::from_utf8_lossy(&printed).into_owned(),
            })
        })
        .await
        .ok()
        .flatten()
    }

    async fn read(&self, path: &str) -> Option<String> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path).ok());
        read.await.ok().flatten()
    }

    async fn exists(&self, path: &str) -> bool {
        let path = path.to_owned();
        let look = tokio::task::spawn_blocking(move || Path::new(&path).symlink_metadata().is_ok());
        look.await.unwrap_or(false)
    }

    async fn reach(&self, to: SocketAddr) -> Reach {
        match timeout(DOCTOR_DIAL, TcpStream::connect(to)).await {
            Ok(Ok(_)) => Reach::Open,
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Reach::Refused,
            Ok(Err(_)) | Err(_) => Reach::Silent,
        }
    }

    fn nudge(&self, to: SocketAddr) {
        if let Some(socket) = unbound(to.ip()) {
            let _ = socket.send_to(&[0], to);
        }
    }

    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        let socket = unbound(to)?;
        // The discard service's port: any would do.
        socket.connect((to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    }
}

fn unbound(like: IpAddr) -> Option<UdpSocket> {
    let any: SocketAddr = match like {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

/// An address with the scope that link-local ones need.
pub(super) fn at(ip: IpAddr, port: u16, scope: u32) -> SocketAddr {
    match ip {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            SocketAddr::V6(SocketAddrV6::new(v6, port, 0, scope))
        }
        ip => SocketAddr::new(ip, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn programs_are_asked_and_end() {
        let patience = Duration::from_secs(60);
        let said = Machine.run("sh", &["-c", "echo $LC_ALL; exit 3"], patience);
        let expected = Said {
            code: Some(3),
            out: "C\n".to_owned(),
        };
        assert_eq!(said.await, Some(expected));
        assert_eq!(Machine.run("no-such-program", &[], patience).await, None);
        // Too long, and too much: both are ended.
        let short = Duration::from_millis(10);
        assert_eq!(Machine.run("sleep", &["600"], short).await, None);
        assert_eq!(Machine.run("yes", &[], patience).await, None);
    }

    #[tokio::test]
    async fn connections_are_taken_or_refused() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(Machine.reach(address).await, Reach::Open);
        // Bound, so that nobody else takes the port, and not listening.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let refused = Machine.reach(socket.local_addr().unwrap()).await;
        assert_eq!(refused, Reach::Refused);
    }

    #[test]
    fn packets_for_this_computer_stay_here() {
        let here: IpAddr = [127, 0, 0, 1].into();
        assert_eq!(Machine.source(here), Some(here));
    }
}
