//! The headless program. Every process is ended by its own id.

// Signals are sent on Unix only.
#![cfg_attr(not(unix), allow(unused_imports, dead_code))]

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use chatspot_protocol::address::Address;
use chatspot_protocol::event::Admission;
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::wire::{Closing, RoomSummary, ServerFrame, close};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::peer::{Peer, within};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatspot-relay"));
    command
        .env_remove("PORT")
        .env_remove("CHATSPOT_RELAY_DATA_DIR")
        .kill_on_drop(true);
    command
}

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    printed: Vec<String>,
}

impl Running {
    async fn start(folder: &Path, more: &[&str]) -> Self {
        let mut child = program()
            .args(["--listen", "127.0.0.1", "--port", "0", "--data-dir"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut printed, mut port) = (Vec::new(), None);
        while port.is_none()
            || !printed
                .last()
                .is_some_and(|line: &String| line.starts_with("  "))
        {
            let line = within("the program to say where it listens", lines.next_line()).await;
            let line = line.unwrap().expect("the program ended");
            if let Some((_, number)) = line.split_once("listens on port ") {
                port = number.trim_end_matches('.').parse().ok();
            }
            printed.push(line);
        }
        Self {
            child,
            lines,
            port: port.unwrap(),
            printed,
        }
    }

    async fn peer(&self, number: u8) -> Peer {
        Peer::connect(([127, 0, 0, 1], self.port).into(), number).await
    }

    async fn rooms(&self) -> Vec<RoomSummary> {
        let rooms = self.peer(200).await.greeting.rooms;
        rooms.into_iter().map(|hosted| hosted.summary).collect()
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        let told = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status();
        assert!(told.unwrap().success());
    }

    async fn ended(&mut self) -> ExitStatus {
        within("the program to end", self.child.wait())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn help_teaches() {
    let output = program().arg("--help").output().await.unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "Join by address",
        "--room",
        "--port",
        "--data-dir",
        "--keep",
        "--admission",
        "--hidden",
        "--nearby",
        "--plain",
        "--domain",
        "--allow-origin",
        "--host-name",
        "Examples:",
        "Ctrl-C",
    ] {
        assert!(text.contains(word), "{word} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_a_room_is_refused() {
    let output = program()
        .args(["--room", "\u{200b}"])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be a room's name"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminated_relay_says_goodbye_and_keeps_its_rooms_identity() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = ["--room", "Workshop", "--room", "Lab", "--admission", "open"];
    let mut running = Running::start(folder.path(), &rooms).await;
    let address = format!("  127.0.0.1:{}", running.port);
    assert_eq!(running.printed.last(), Some(&address));
    assert!(
        running.printed.iter().any(|line| line.contains("Workshop")),
        "{:?}",
        running.printed
    );
    let before: Vec<_> = running.rooms().await;
    assert_eq!(before.len(), 2);
    let mut member = running.peer(2).await;
    member.hello(before[0].room).await;
    let epoch = member.expect_welcome().await.epoch;
    running.terminate();
    let reason = member
        .until(|frame| match frame {
            ServerFrame::Closing { reason } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, Closing::RelayStopping);
    assert_eq!(member.end().await, Some(close::RELAY_STOPPING));
    drop(member);
    assert!(running.ended().await.success());
    assert_eq!(
        running.lines.next_line().await.unwrap().as_deref(),
        Some("Closing the rooms.")
    );

    let mut running = Running::start(folder.path(), &rooms).await;
    let after = running.rooms().await;
    let ids = |rooms: &[RoomSummary]| rooms.iter().map(|room| room.room).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    let mut member = running.peer(2).await;
    member.hello(after[0].room).await;
    assert_eq!(member.expect_welcome().await.epoch, epoch);
    drop(member);
    running.terminate();
    assert!(running.ended().await.success());
}

#[cfg(unix)]
#[tokio::test]
async fn it_says_how_long_history_is_kept_and_what_happened_to_it() {
    let folder = tempfile::tempdir().unwrap();
    for (more, said) in [
        (
            &["--admission", "open"][..],
            "may come in. Its history is kept.",
        ),
        (&["--keep", "30d"][..], "Its history is kept for 30 days."),
        (&[][..], "Its history is kept for 30 days."),
        (&["--keep", "nothing"][..], "Its history is not kept."),
    ] {
        let mut running = Running::start(folder.path(), more).await;
        let lines = running.printed.join("\n");
        assert!(lines.contains(said), "{more:?}: {lines}");
        // The rule is written down before anybody is let in.
        let room = running.rooms().await[0].room;
        let mut member = running.peer(2).await;
        member.hello(room).await;
        member.expect_welcome().await;
        drop(member);
        running.terminate();
        assert!(running.ended().await.success());
    }
    for (more, is_hidden) in [
        (&[][..], false),
        (&["--hidden"][..], true),
        (&[][..], true),
        (&["--hidden=no"][..], false),
    ] {
        let mut running = Running::start(folder.path(), more).await;
        let lines = running.printed.join("\n");
        assert_eq!(lines.contains("It is hidden"), is_hidden, "{more:?}");
        assert!(lines.contains("Nothing is called out"), "{lines}");
        let mut member = running.peer(2).await;
        let room = member.greeting.rooms[0].summary.room;
        member.hello(room).await;
        // Whoever is in hears of the rule in the order of the log.
        assert_eq!(member.expect_welcome().await.settings.hidden, is_hidden);
        drop(member);
        running.terminate();
        assert!(running.ended().await.success());
    }
    for number in 1..=3 {
        // There may be none.
        let _ = std::fs::remove_file(folder.path().join(format!("relay.db.backup-{number}")));
    }
    std::fs::write(folder.path().join("relay.db"), "no database").unwrap();
    let mut running = Running::start(folder.path(), &[]).await;
    let lines = running.printed.join("\n");
    assert!(
        lines.contains("The history was damaged and is now in"),
        "{lines}"
    );
    assert!(lines.contains("relay.db.damaged-20"), "{lines}");
    running.terminate();
    assert!(running.ended().await.success());
}

#[tokio::test]
async fn f58_a_folder_or_a_time_that_cannot_be_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data");
    let below = below.to_str().unwrap();
    for (arguments, said) in [
        (["--keep", "0d"], "from 1d to 3650d"),
        (["--keep", "always"], "say forever, nothing"),
        (["--data-dir", below], "cannot use"),
        (["--admission", "always"], "possible values"),
        (
            ["--allow-origin", "chat.example"],
            "like https://chat.example",
        ),
        (["--allow-origin", "null"], "like https://chat.example"),
        (["--domain", "https://chat.example"], "without a scheme"),
        (["--nearby", "sometimes"], "possible values"),
    ] {
        let elsewhere = folder.path().join("data");
        let output = program()
            .args(["--listen", "127.0.0.1", "--port", "0"])
            .env("CHATSPOT_RELAY_DATA_DIR", elsewhere)
            .args(arguments)
            .output();
        let output = within("the program to refuse", output).await.unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains(said), "{arguments:?}: {words}");
    }
}

/// Nobody knows the passcode of a new room before its owner does, who comes in by the link.
#[cfg(unix)]
#[tokio::test]
async fn a_new_room_asks_for_a_passcode_and_prints_a_link_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), &[]).await;
    let link = |running: &Running| {
        let lines = running.printed.iter();
        let links: Vec<_> = lines
            .filter_map(|line| InviteLink::decode(line).ok())
            .collect();
        links
    };
    let printed = link(&running);
    assert_eq!(printed.len(), 1, "{:?}", running.printed);
    let found = running.peer(2).await.greeting.rooms.remove(0);
    assert_eq!(printed[0].key, found.key);
    assert_eq!(found.summary.admission, Admission::Passcode);
    let address = Address {
        host: "127.0.0.1".to_owned(),
        port: running.port,
    };
    assert_eq!(printed[0].addresses, [address]);
    let mut owner = running.peer(2).await;
    let room = found.summary.room;
    owner.hello_with(room, printed[0].token.unwrap()).await;
    owner.expect_welcome().await;
    let view = owner
        .until(|frame| match frame {
            ServerFrame::Door(view) => Some(view),
            _ => None,
        })
        .await;
    assert!(view.passcode.is_some());
    drop(owner);
    running.terminate();
    assert!(running.ended().await.success());
    let mut running = Running::start(folder.path(), &["--admission", "knock"]).await;
    assert!(link(&running).is_empty(), "{:?}", running.printed);
    let mut stranger = running.peer(3).await;
    stranger.hello(room).await;
    assert_eq!(stranger.next().await, Ok(ServerFrame::Knocking));
    drop(stranger);
    running.terminate();
    assert!(running.ended().await.success());
}
