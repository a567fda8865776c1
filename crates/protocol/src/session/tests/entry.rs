//! By which way this member comes in, what the door says, and pauses that the relay wants.

use super::*;
use crate::door::DoorView;
use crate::identity::Channel;
use crate::limits::{
    PASSCODE_TIMEOUT, SLOW_REDIAL_FIRST, SLOW_REDIAL_MOST, SLOW_SECONDS, SLOW_SUBMIT,
};
use crate::passcode::{Binding, Setup};
use crate::view::Security;

const TOKEN: Token = Token([33; 16]);

fn passcode(text: &str) -> Passcode {
    Passcode::parse(text).unwrap()
}

fn right() -> Passcode {
    passcode("correct horse battery staple")
}

/// Comes with these.
fn with(token: Option<Token>, passcode: Option<Passcode>) -> Desk {
    let entry = Entry {
        token,
        passcode,
        ..entry()
    };
    Desk::with(entry, Resume::default(), 1)
}

fn enter(desk: &mut Desk) {
    desk.frame(ServerFrame::Welcome(Box::new(welcome())));
    assert_eq!(desk.link(), Some(LinkState::Online));
}

fn refuse(desk: &mut Desk, code: Problem, with: Option<u16>) {
    let message = String::new();
    desk.frame(ServerFrame::Error { code, message });
    desk.closed(with);
}

fn at_door(desk: &Desk) -> Option<bool> {
    match desk.link() {
        Some(LinkState::Passcode { wrong }) => Some(wrong),
        _ => None,
    }
}

fn verified(desk: &Desk) -> Option<Verified> {
    let mut kept = desk.keeps().into_iter().filter_map(|keep| match keep {
        Keep::Trust { trust } => Some(trust.verified),
        _ => None,
    });
    kept.next_back()
}

/// The relay's side of an exchange, up to what the client answers.
fn exchange(desk: &mut Desk, relay: &Passcode) -> Option<bool> {
    desk.frame(ServerFrame::Challenge);
    let [ClientFrame::PasscodeStart { message }] = &desk.sent()[..] else {
        panic!("no start but {:?}", desk.outputs);
    };
    let binding = Binding {
        channel: Channel::Tls(EXPORTER),
        nonce: NONCE,
        room: room_key().public(),
        member: me(),
    };
    let setup = Setup::new(relay, [1; 32]);
    let (server, message) = setup.answer(message, &binding, [2; 32]).unwrap();
    desk.frame(ServerFrame::PasscodeReply { message });
    match &desk.sent()[..] {
        [ClientFrame::PasscodeFinish { message }] => Some(server.finish(message).is_ok()),
        _ => None,
    }
}

#[test]
fn an_invite_is_shown_until_we_are_in() {
    let mut desk = with(Some(TOKEN), None);
    desk.greet();
    assert_eq!(desk.hello().unwrap().token, Some(TOKEN));
    desk.closed(None);
    desk.timeout();
    desk.greet();
    assert_eq!(
        desk.hello().unwrap().token,
        Some(TOKEN),
        "it may not have come"
    );
    enter(&mut desk);
    assert!(desk.keeps().contains(&Keep::TokenUsed));
    desk.closed(None);
    desk.timeout();
    desk.greet();
    assert_eq!(desk.hello().unwrap().token, None);
    enter(&mut desk);
    assert!(!desk.keeps().contains(&Keep::TokenUsed));
}

/// **f74**: whoever answers in the room's place would come in by it.
#[test]
fn f74_an_invite_is_never_shown_to_another_relay() {
    let mut desk = with(Some(TOKEN), Some(right()));
    desk.open();
    desk.greeting(1, 1, vec![hosted(&room_key(), "Lab", Vec::new())]);
    assert_eq!(desk.sent(), []);
}

#[test]
fn an_invite_that_does_not_hold_is_shown_once() {
    let mut desk = with(Some(TOKEN), None);
    desk.greet();
    refuse(&mut desk, Problem::BadInvite, Some(close::NOT_ADMITTED));
    assert_eq!(
        (desk.trouble(), desk.is_closed()),
        (Trouble::BadInvite, true)
    );
    assert!(desk.keeps().contains(&Keep::TokenUsed));
    desk.session.redial();
    desk.take();
    desk.greet();
    assert_eq!(desk.hello().unwrap().token, None, "like anybody new");
}

#[test]
fn an_invite_that_comes_later_is_gone_in_with() {
    let invite = |desk: &mut Desk| {
        desk.session.invited(Some(TOKEN), Verified::Invite);
        desk.take();
    };
    let mut closed = with(None, None);
    closed.greet();
    refuse(
        &mut closed,
        Problem::InviteNeeded,
        Some(close::NOT_ADMITTED),
    );
    let mut at_door = with(None, None);
    at_door.greet();
    at_door.frame(ServerFrame::Challenge);
    let mut waiting = with(None, None);
    let now = waiting.now();
    waiting.session.dial_failed(Trouble::NobodyAnswers, now);
    for desk in [&mut closed, &mut at_door, &mut waiting] {
        invite(desk);
        assert!(desk.did(&Output::Dial));
        assert!(!desk.did(&Output::Hangup(close::NORMAL)), "nothing is open");
        desk.greet();
        assert_eq!(desk.hello().unwrap().token, Some(TOKEN));
        enter(desk);
        assert_eq!(verified(desk), Some(Verified::Invite));
    }
    // One who knocks need not knock any longer.
    let mut desk = with(None, None);
    desk.greet();
    desk.frame(ServerFrame::Knocking);
    desk.session.invited(None, Verified::Invite);
    desk.take();
    assert!(
        !desk.did(&Output::Dial),
        "a link without an invite opens nothing"
    );
    invite(&mut desk);
    assert!(desk.did(&Output::Hangup(close::NORMAL)) && desk.did(&Output::Dial));
    // Who is in stays in.
    let mut desk = Desk::online();
    invite(&mut desk);
    assert!(!desk.did(&Output::Dial));
}

#[test]
fn a_passcode_at_hand_is_proven_without_asking() {
    let mut desk = with(None, Some(right()));
    desk.greet();
    assert_eq!(exchange(&mut desk, &right()), Some(true));
    enter(&mut desk);
    assert_eq!(verified(&desk), Some(Verified::Passcode));
    let security = Security {
        fingerprint: room().fingerprint(),
        verified: Verified::Passcode,
        offered: None,
    };
    assert!(desk.did(&Output::Change(RoomChange::Security { security })));
    // Asked anew, it is at hand.
    desk.closed(None);
    desk.timeout();
    desk.greet();
    assert_eq!(exchange(&mut desk, &right()), Some(true));
    // What is known better stays known better.
    enter(&mut desk);
    assert_eq!(verified(&desk), None);
}

#[test]
fn without_an_exchange_nothing_is_verified() {
    let mut desk = with(None, Some(right()));
    desk.greet();
    enter(&mut desk);
    assert_eq!(verified(&desk), Some(Verified::No));
    // Nor by one that did not come to its end.
    let mut desk = with(None, Some(right()));
    desk.greet();
    desk.frame(ServerFrame::Challenge);
    enter(&mut desk);
    assert_eq!(verified(&desk), Some(Verified::No));
}

#[test]
fn a_room_that_asks_for_a_passcode_waits_for_somebody_to_type_it() {
    let mut desk = with(None, None);
    desk.greet();
    desk.frame(ServerFrame::Challenge);
    assert!(desk.did(&Output::Hangup(close::NORMAL)));
    assert_eq!((desk.sent(), at_door(&desk)), (Vec::new(), Some(false)));
    assert_eq!(desk.session.next_timeout(), None);
    desk.closed(None);
    desk.session.woke();
    desk.take();
    assert_eq!(desk.outputs, [], "nothing happens before");
    desk.session.passcode(right());
    desk.take();
    assert!(desk.did(&Output::Dial));
    desk.greet();
    assert_eq!(exchange(&mut desk, &right()), Some(true));
}

#[test]
fn f12_a_wrong_passcode_is_not_tried_again_by_itself() {
    let mut desk = with(None, Some(passcode("wrong horse")));
    desk.greet();
    assert_eq!(exchange(&mut desk, &right()), None, "it is not shown");
    assert!(desk.did(&Output::Hangup(close::NORMAL)));
    assert_eq!(at_door(&desk), Some(true));
    assert_eq!(desk.session.next_timeout(), None);
    desk.session.redial();
    desk.take();
    desk.greet();
    desk.frame(ServerFrame::Challenge);
    assert_eq!(
        (desk.sent(), at_door(&desk)),
        (Vec::new(), Some(false)),
        "each try counts at the relay"
    );
    desk.session.passcode(right());
    desk.take();
    desk.greet();
    assert_eq!(exchange(&mut desk, &right()), Some(true));
    // The relay's word counts, too.
    refuse(&mut desk, Problem::WrongPasscode, Some(close::NOT_ADMITTED));
    assert_eq!(at_door(&desk), Some(true));
}

#[test]
fn a_passcode_exchange_on_another_connection_is_worth_nothing() {
    let mut desk = with(None, Some(right()));
    desk.open_line(Line {
        exporter: Exporter([99; 32]),
        ..line()
    });
    desk.greeting(1, 1, vec![genuine()]);
    assert_eq!(
        exchange(&mut desk, &right()),
        None,
        "somebody stands between"
    );
    assert_eq!(at_door(&desk), Some(true));
}

#[test]
fn an_exchange_that_stands_still_is_given_up() {
    let mut desk = with(None, Some(right()));
    desk.greet();
    desk.frame(ServerFrame::Challenge);
    // A second challenge is no second try.
    desk.frame(ServerFrame::Challenge);
    assert_eq!(desk.sent(), []);
    let start = desk.mono;
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), PASSCODE_TIMEOUT);
    assert_eq!((desk.trouble(), desk.is_closed()), (Trouble::Lost, false));
}

#[test]
fn one_who_knocks_waits_as_long_as_it_takes() {
    let mut desk = with(None, None);
    desk.greet();
    desk.frame(ServerFrame::Knocking);
    assert_eq!(desk.link(), Some(LinkState::Knocking));
    let start = desk.mono;
    desk.timeout();
    assert_eq!(desk.mono.checked_sub(start).unwrap(), PING_AFTER);
    assert_eq!(desk.outputs, [Output::Ping]);
    let now = desk.now();
    desk.session.heard(now);
    assert!(desk.wait() > GREETING_TIMEOUT);
    enter(&mut desk);
    // A relay that is gone is noticed, and knocked at again.
    let mut desk = with(None, None);
    desk.greet();
    desk.frame(ServerFrame::Knocking);
    desk.timeout();
    desk.timeout();
    assert!(desk.did(&Output::Hangup(close::SILENT)));
    assert!(!desk.is_closed());
    // In the room as the relay sees it, and nobody told us.
    let mut desk = with(None, None);
    desk.greet();
    desk.frame(ServerFrame::Knocking);
    desk.frame(ServerFrame::Head {
        epoch: EPOCH,
        seq: Seq(1),
    });
    assert!(desk.did(&Output::Hangup(close::PROTOCOL)));
    assert_eq!((desk.trouble(), desk.is_closed()), (Trouble::Lost, false));
    // Who does not want to wait any longer says so.
    let mut desk = with(None, None);
    desk.greet();
    desk.frame(ServerFrame::Knocking);
    desk.session.leave();
    desk.take();
    assert!(desk.did(&Output::Transmit(ClientFrame::Leave)));
}

#[test]
fn the_door_says_why_somebody_does_not_come_in() {
    let cases = [
        (Problem::Banned, close::BANNED, Trouble::Banned),
        (Problem::Locked, close::NOT_ADMITTED, Trouble::Locked),
        (
            Problem::InviteNeeded,
            close::NOT_ADMITTED,
            Trouble::InviteNeeded,
        ),
        (Problem::BadInvite, close::NOT_ADMITTED, Trouble::BadInvite),
        (Problem::NotLocal, close::NOT_ADMITTED, Trouble::NotLocal),
        (Problem::Denied, close::NOT_ADMITTED, Trouble::Denied),
    ];
    for (problem, code, trouble) in cases {
        // The close frame may be lost.
        for code in [Some(code), None] {
            let mut desk = Desk::new(1);
            desk.greet();
            refuse(&mut desk, problem, code);
            assert_eq!((desk.trouble(), desk.is_closed()), (trouble, true));
            let mut desk = Desk::new(1);
            desk.greet();
            desk.frame(ServerFrame::Knocking);
            refuse(&mut desk, problem, code);
            assert_eq!((desk.trouble(), desk.is_closed()), (trouble, true));
        }
    }
    let mut desk = Desk::new(1);
    desk.greet();
    desk.closed(Some(close::NOT_ADMITTED));
    assert_eq!(desk.trouble(), Trouble::Denied);
}

#[test]
fn f34_who_is_sent_out_stays_away_and_loses_nothing_unsent() {
    for (code, trouble) in [
        (close::BANNED, Trouble::Banned),
        (close::KICKED, Trouble::Kicked),
    ] {
        let mut desk = Desk::online();
        desk.write(1);
        desk.closed(Some(code));
        assert_eq!((desk.trouble(), desk.is_closed()), (trouble, true));
        assert!(
            desk.session.can_discard(ClientId([1; 16])),
            "it is still here"
        );
        desk.session.redial();
        desk.take();
        desk.enter();
        assert!(desk.did(&submit(1)));
    }
}

#[test]
fn a_relay_that_wants_a_pause_gets_one() {
    let mut desk = Desk::new(1);
    for attempt in 0..8 {
        desk.greet();
        refuse(&mut desk, Problem::SlowDown, Some(close::SLOW_DOWN));
        assert_eq!(
            (desk.trouble(), desk.is_closed()),
            (Trouble::SlowDown, false)
        );
        let least = (SLOW_REDIAL_FIRST * (1 << attempt)).min(SLOW_REDIAL_MOST);
        assert!(
            least <= desk.wait() && desk.wait() <= 2 * least,
            "{attempt}: {:?}",
            desk.wait()
        );
        desk.timeout();
        assert!(desk.did(&Output::Dial));
    }
    // What is too fast in the room ends nothing.
    let mut desk = Desk::online();
    let message = String::new();
    let code = Problem::SlowDown;
    desk.frame(ServerFrame::Error { code, message });
    desk.closed(None);
    assert_eq!(desk.trouble(), Trouble::Lost);
}

fn too_fast(id: u8, wait: Option<u32>) -> ServerFrame {
    ServerFrame::Rejected {
        id: ClientId([id; 16]),
        code: Reject::SlowDown,
        message: String::new(),
        wait,
    }
}

fn slow(desk: &Desk) -> Vec<Option<WallMillis>> {
    let told = desk
        .changes()
        .into_iter()
        .filter_map(|change| match change {
            RoomChange::Slow { until } => Some(until),
            _ => None,
        });
    told.collect()
}

#[test]
fn what_comes_too_fast_goes_by_itself_in_a_while() {
    let mut desk = Desk::online();
    desk.write(1);
    desk.write(2);
    desk.frame(too_fast(1, Some(3_000)));
    let until = desk.now().wall + 3_000;
    assert_eq!(slow(&desk), [Some(until)]);
    let queued = Pending {
        id: ClientId([1; 16]),
        submission: message(1),
        at: 1000,
        state: PendingState::Queued,
        rich: None,
    };
    assert!(desk.did(&Output::Change(RoomChange::Pending { pending: queued })));
    assert_eq!(desk.keeps(), [], "it waits on the disk as it did");
    assert_eq!(desk.sent(), [], "nor does another one overtake it");
    desk.write(3);
    assert_eq!(desk.sent(), []);
    // The same answer twice is one answer.
    desk.frame(too_fast(1, Some(900_000)));
    assert_eq!(desk.outputs, []);
    assert_eq!(desk.wait(), Duration::from_secs(3));
    desk.timeout();
    assert_eq!(slow(&desk), [None]);
    assert!(desk.did(&submit(1)));
    desk.frame(ServerFrame::Event(mine(1, 1)));
    assert!(desk.did(&submit(2)));
}

#[test]
fn a_pause_has_a_bound_and_ends_with_the_rules_that_made_it() {
    for (wait, waits) in [
        (None, SLOW_SUBMIT),
        (Some(u32::MAX), Duration::from_secs(u64::from(SLOW_SECONDS))),
    ] {
        let mut desk = Desk::online();
        desk.write(1);
        let now = desk.now();
        desk.frame(too_fast(1, wait));
        assert_eq!(slow(&desk), [Some(now.wall_at(now.mono + waits))]);
    }
    // Over a new connection it holds on.
    let mut desk = Desk::online();
    desk.write(1);
    desk.frame(too_fast(1, Some(3_600_000)));
    desk.closed(None);
    desk.timeout();
    desk.enter();
    assert_eq!((desk.sent(), slow(&desk)), (Vec::new(), Vec::new()));
    let settings = RoomSettings {
        slow: 5,
        ..RoomSettings::default()
    };
    let rules = Submission::settings(ClientId([9; 16]), settings);
    desk.frame(ServerFrame::Event(said(1, &bob(), "Bob", rules)));
    assert_eq!(slow(&desk), [None]);
    assert!(desk.did(&submit(1)));
}

#[test]
fn who_may_only_read_may_try_again() {
    let mut desk = Desk::online();
    desk.write(1);
    desk.frame(ServerFrame::Rejected {
        id: ClientId([1; 16]),
        code: Reject::Muted,
        message: String::new(),
        wait: None,
    });
    let keeps = desk.keeps();
    let [Keep::Pending { pending }] = &keeps[..] else {
        panic!("{keeps:?}");
    };
    let code = Reject::Muted;
    assert_eq!(pending.state, PendingState::Failed { code, retry: true });
}

fn doors(desk: &Desk) -> Vec<Option<DoorView>> {
    let told = desk
        .changes()
        .into_iter()
        .filter_map(|change| match change {
            RoomChange::Door { door } => Some(door),
            _ => None,
        });
    told.collect()
}

#[test]
fn the_door_is_shown_while_it_is_ours_to_keep() {
    let order = || DoorOrder::Revoke { invite: TOKEN.id() };
    let mut desk = Desk::new(1);
    assert_eq!(desk.session.door(order()), Err(NotConnected));
    desk.enter();
    let view = DoorView {
        wrong: 3,
        ..DoorView::default()
    };
    let shown = ServerFrame::Door(view.clone());
    desk.frame(shown.clone());
    assert_eq!(doors(&desk), [Some(view.clone())]);
    desk.session.door(order()).unwrap();
    desk.take();
    assert_eq!(desk.sent(), [ClientFrame::Door(order())]);
    let presence = |role| {
        ServerFrame::Presence(Member {
            role,
            ..in_room(me(), "Ada")
        })
    };
    desk.frame(presence(Role::Moderator));
    assert_eq!(doors(&desk), []);
    desk.frame(presence(Role::Member));
    assert_eq!(doors(&desk), [None], "not any more");
    desk.frame(shown);
    desk.closed(None);
    assert_eq!(doors(&desk), [None], "nor without a connection");
    desk.timeout();
    desk.enter();
    desk.closed(None);
    assert_eq!(doors(&desk), [], "there was none");
}
