//! Everything that goes over the cable is written down and searched for what must not be in it.

use std::process::{Command, Stdio};

use chatspot_proof::program::Program;
use chatspot_proof::stage::Stage;
use chatspot_protocol::invite::InviteLink;
use chatspot_protocol::view::LinkState;
use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER};
use tokio::sync::watch;

use crate::network::Network;
use crate::person::PASSCODE;
use crate::programs::{Folder, programs};

/// Messages that each of the two writes: some hundred packets.
const MESSAGES: u64 = 20;

/// Said openly, so that it is seen that everything is heard.
const CANARY: &str = "plainly-visible-canary";

/// How somebody may write bytes down.
fn spellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut spellings = vec![bytes.to_vec()];
    for shift in 0..3 {
        // In base64 the same bytes look otherwise by where they begin: what the bytes before do not touch is searched.
        let shifted = [vec![0; shift], bytes.to_vec()].concat();
        for text in [BASE64.encode(&shifted), BASE64URL_NOPAD.encode(&shifted)] {
            let whole = text.trim_end_matches('=');
            let inner = &whole[(shift * 8).div_ceil(6)..whole.len() - 1];
            spellings.push(inner.as_bytes().to_vec());
        }
    }
    spellings.push(HEXLOWER.encode(bytes).into_bytes());
    let base32 = BASE32_NOPAD.encode(bytes);
    spellings.push(base32.as_bytes()[..base32.len() - 1].to_vec());
    spellings
}

fn holds(traffic: &[u8], bytes: &[u8]) -> bool {
    spellings(bytes).iter().any(|spelling| {
        traffic
            .windows(spelling.len())
            .any(|window| window == spelling.as_slice())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_on_the_network_learns_no_name_no_word_no_passcode_and_no_token() {
    let network = match Network::new() {
        Ok(network) => network,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let folder = Folder::new();
    let into = folder.path().join("traffic");
    let (listens, mut listening) = watch::channel(false);
    let mut sniff = command(&network.near().0, env!("CARGO_BIN_EXE_sniff"));
    sniff.arg("--into").arg(&into).args(["--until", CANARY]);
    let sniffer = Program::start(
        "sniff",
        sniff,
        &folder.path().join("sniff.errors"),
        move |_| {
            listens.send_replace(true);
        },
    );
    let sniffer = sniffer.unwrap();
    listening.wait_for(|listens| *listens).await.unwrap();

    let address = Network::address();
    let mut stage = Stage::new(folder.path(), programs(), address, network.near());
    stage.set_admission("passcode");
    stage.set_passcode(PASSCODE);
    // What a room that is not hidden calls out is meant to be heard.
    stage.hide();
    stage.start_relay().unwrap();
    stage.relay_listens().await.unwrap();
    let link = stage.printed("chatspot://").await.unwrap();
    let mut invite = InviteLink::decode(&link).unwrap();
    invite.addresses = vec![address.to_string().parse().unwrap()];
    let token = invite.token.unwrap();

    // Names that are in no other bytes by chance.
    let (guest, owner) = ("Zwentibold-Kjkqx", "Wulfhild-Vvxzq");
    for (seed, (name, more)) in [
        (guest, ["--passcode", PASSCODE, "--quiet"]),
        (owner, ["--invite", &invite.encode(), "--quiet"]),
    ]
    .into_iter()
    .enumerate()
    {
        let number = stage.add_member(name, network.far());
        stage.start_member(number, seed as u64, &more).unwrap();
    }
    stage
        .until("both to be in", |board| {
            board
                .iter()
                .all(|status| status.link == Some(LinkState::Online) && status.present.len() == 2)
        })
        .await
        .unwrap();
    stage.tell_all("write").await.unwrap();
    stage
        .until("messages", |board| {
            board.iter().all(|status| status.written >= MESSAGES)
        })
        .await
        .unwrap();
    stage.tell_all("quiet").await.unwrap();
    stage
        .until("the end", |board| {
            board.iter().all(chatspot_proof::stage::Status::is_quiet)
        })
        .await
        .unwrap();

    let mut ask = command(&network.far().0, "bash");
    let script = format!(
        "exec 3<>/dev/tcp/{}/{}; printf 'GET /health HTTP/1.1\\r\\nHost: {}\\r\\nUser-Agent: {CANARY}\\r\\n\\r\\n' >&3; cat <&3",
        address.ip(),
        address.port(),
        address.ip(),
    );
    let answer = ask.args(["-c", &script]).stdin(Stdio::null()).output();
    assert!(answer.unwrap().status.success());

    stage.kill_all().await.unwrap();
    // It ends by itself with what was asked last.
    sniffer.ended().await.unwrap();
    let traffic = std::fs::read(&into).unwrap();
    println!("{} bytes of traffic", traffic.len());
    assert!(holds(&traffic, CANARY.as_bytes()));
    assert!(traffic.len() > 50_000, "the conversation is in it");
    let history = std::fs::read_to_string(stage.history(0)).unwrap();
    let said = format!("{guest} {MESSAGES} ");
    assert!(history.contains(&said), "it was said");
    let searched: [(&str, &[u8]); 10] = [
        ("a name", guest.as_bytes()),
        ("a name", owner.as_bytes()),
        ("a message", said.as_bytes()),
        ("a word", b"word word word"),
        ("the room's name", b"\"Proof\""),
        ("the room", &invite.key.room().0),
        ("the passcode", PASSCODE.as_bytes()),
        ("the token", &token.0),
        ("the token's public name", &token.id().0),
        ("a frame", b"\"type\":\""),
    ];
    for (what, bytes) in searched {
        assert!(!holds(&traffic, bytes), "{what} went over the network");
    }
    for word in PASSCODE.split('-').filter(|word| word.len() > 4) {
        assert!(!holds(&traffic, word.as_bytes()), "{word} of the passcode");
    }
}

fn command(words: &[std::ffi::OsString], program: &str) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(program);
    command
}
