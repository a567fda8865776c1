//! The passcode of a room and the exchange that proves it, behind one small door so that the scheme can be changed.
//!
//! Randomness comes in as an argument. Neither side learns anything of the other's passcode but whether it is the same,
//! and that once per exchange. The scheme is OPAQUE (RFC 9807); why is in `docs/decisions/0008-passcode-exchange.md`.

use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialFinalization, CredentialRequest,
    CredentialResponse, Identifiers, Ristretto255, ServerLogin, ServerLoginParameters,
    ServerRegistration, ServerSetup, TripleDh, ksf,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::identity::Channel;
use crate::ids::{MemberId, Nonce, RoomPublicKey};
use crate::limits::{PASSCODE_BYTES, PASSCODE_CHARS, PASSCODE_MESSAGE_BYTES, PASSCODE_WORDS};

/// What opens a room: words that people tell each other. Case, accents' spelling and what stands between words make no
/// difference.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
pub struct Passcode(String);

/// Why a text is no passcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPasscode {
    /// Below [`PASSCODE_CHARS`].
    #[error("it is too short")]
    TooShort,
    /// Over [`PASSCODE_BYTES`].
    #[error("it is too long")]
    TooLong,
}

impl Passcode {
    /// Takes what somebody typed.
    pub fn parse(text: &str) -> Result<Self, BadPasscode> {
        use unicode_normalization::UnicodeNormalization;
        if text.len() > 4 * PASSCODE_BYTES {
            return Err(BadPasscode::TooLong);
        }
        let lower: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let passcode = words.join("-");
        if passcode.len() > PASSCODE_BYTES {
            return Err(BadPasscode::TooLong);
        }
        if passcode.chars().count() < PASSCODE_CHARS {
            return Err(BadPasscode::TooShort);
        }
        Ok(Self(passcode))
    }

    /// As it is shown: lower case, with `-` between the words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A new passcode of [`PASSCODE_WORDS`] English words out of 2,048 (the list of BIP 39), each as likely as any other.
///
/// # Panics
/// With less than two random bytes a word.
pub fn generate(random: &[u8]) -> Passcode {
    assert!(
        random.len() >= 2 * PASSCODE_WORDS,
        "a passcode takes two random bytes a word"
    );
    let list = bip39::Language::English.word_list();
    // The list's length is a power of two, so no word is more likely than another.
    let word = |pair: &[u8]| list[usize::from(u16::from_be_bytes([pair[0], pair[1]])) % list.len()];
    let words: Vec<&str> = random
        .chunks_exact(2)
        .take(PASSCODE_WORDS)
        .map(word)
        .collect();
    Passcode(words.join("-"))
}

impl std::fmt::Debug for Passcode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passcode")
    }
}

impl<'de> Deserialize<'de> for Passcode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A message of the exchange: at most [`PASSCODE_MESSAGE_BYTES`], as unpadded base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        if text.len() > 2 * PASSCODE_MESSAGE_BYTES {
            return Err(de::Error::custom("too long"));
        }
        let bytes = data_encoding::BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| de::Error::custom("not unpadded base64url"))?;
        if bytes.len() > PASSCODE_MESSAGE_BYTES {
            return Err(de::Error::custom("too long"));
        }
        Ok(Self(bytes))
    }
}

/// What an exchange is bound to: it succeeds only where both sides have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The connection, as this side sees it.
    pub channel: Channel,
    /// The relay's nonce for it.
    pub nonce: Nonce,
    /// The room.
    pub room: RoomPublicKey,
    /// Who wants in.
    pub member: MemberId,
}

impl Binding {
    /// What both sides put into the exchange as its context: every part has one length, so none can pass for another.
    fn context(&self) -> Vec<u8> {
        [
            CONTEXT,
            &self.channel.bytes(),
            &self.nonce.0,
            &self.room.0,
            &self.member.0,
        ]
        .concat()
    }
}

/// What the exchange is about, so that no other use of OPAQUE can be taken for it.
const CONTEXT: &[u8] = b"chatspot passcode v1\0";
/// A relay has one record for a passcode, whoever asks.
const RECORD: &[u8] = b"passcode";

/// The messages' lengths in bytes: KE1, KE2 and KE3 of RFC 9807. A longer one would be read, and its rest passed over.
const START_BYTES: usize = 96;
const REPLY_BYTES: usize = 320;
const FINISH_BYTES: usize = 64;

/// OPAQUE-3DH with ristretto255 and SHA-512, as RFC 9807 recommends it, but for the stretching.
///
/// There is none: stretching slows down who stole a relay's records, and a relay keeps its passcode readable beside
/// them, to show it to its host. Who has only the wire can try one guess an exchange, and not one more offline.
#[derive(Debug)]
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2::Sha512>;
    type Ksf = ksf::Identity;
}

/// The passcodes differ, or something in between changed a message, or stands between the two sides. There is no telling
/// which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passcode is another one")]
pub struct WrongPasscode;

/// The bytes of a message that has the length it must have.
fn sized(message: &Blob, bytes: usize) -> Result<&[u8], WrongPasscode> {
    (message.0.len() == bytes)
        .then_some(&message.0[..])
        .ok_or(WrongPasscode)
}

/// Which random numbers are drawn from a seed: two steps that were given the same one still draw different ones.
#[derive(Debug, Clone, Copy)]
enum Draw {
    Setup = 1,
    Start = 2,
    Answer = 3,
    Finish = 4,
}

fn rng(seed: [u8; 32], draw: Draw) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(seed);
    rng.set_stream(draw as u64);
    rng
}

/// A relay's side of all exchanges with one passcode.
#[derive(Clone)]
pub struct Setup {
    server: ServerSetup<Suite>,
    record: ServerRegistration<Suite>,
}

impl Setup {
    /// Made once for a passcode, of 32 secret random bytes.
    pub fn new(passcode: &Passcode, seed: [u8; 32]) -> Self {
        let mut rng = rng(seed, Draw::Setup);
        let server = ServerSetup::new(&mut rng);
        let record = register(&server, passcode, &mut rng)
            .expect("a passcode is neither empty nor longer than 65,535 bytes");
        Self { server, record }
    }

    /// Answers a `passcode_start`. The attempt counts from here, whatever becomes of it: the answer is what tells a
    /// newcomer whether the passcode was right.
    pub fn answer(
        &self,
        start: &Blob,
        binding: &Binding,
        seed: [u8; 32],
    ) -> Result<(Server, Blob), WrongPasscode> {
        let context = binding.context();
        let started = CredentialRequest::<Suite>::deserialize(sized(start, START_BYTES)?)
            .and_then(|request| {
                ServerLogin::start(
                    &mut rng(seed, Draw::Answer),
                    &self.server,
                    Some(self.record.clone()),
                    request,
                    RECORD,
                    ServerLoginParameters {
                        context: Some(&context),
                        identifiers: Identifiers::default(),
                    },
                )
            })
            .map_err(|_| WrongPasscode)?;
        let server = Server {
            login: started.state,
            context,
        };
        Ok((server, Blob(started.message.serialize().to_vec())))
    }
}

/// The relay does both halves of a registration by itself: it knows the passcode.
fn register(
    server: &ServerSetup<Suite>,
    passcode: &Passcode,
    rng: &mut ChaCha20Rng,
) -> Result<ServerRegistration<Suite>, opaque_ke::errors::ProtocolError> {
    let word = passcode.0.as_bytes();
    let asked = ClientRegistration::<Suite>::start(rng, word)?;
    let given = ServerRegistration::start(server, asked.message, RECORD)?;
    let finished = asked.state.finish(
        rng,
        word,
        given.message,
        ClientRegistrationFinishParameters::default(),
    )?;
    Ok(ServerRegistration::finish(finished.message))
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Setup")
    }
}

/// A relay's side of one exchange, after its answer.
pub struct Server {
    login: ServerLogin<Suite>,
    context: Vec<u8>,
}

impl Server {
    /// Takes the `passcode_finish`: fine when the newcomer had the same passcode and the same binding.
    pub fn finish(self, finish: &Blob) -> Result<(), WrongPasscode> {
        let parameters = ServerLoginParameters {
            context: Some(&self.context),
            identifiers: Identifiers::default(),
        };
        CredentialFinalization::deserialize(sized(finish, FINISH_BYTES)?)
            .and_then(|message| self.login.finish(message, parameters))
            .map(|_| ())
            .map_err(|_| WrongPasscode)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

/// A newcomer's side of one exchange, after its start.
pub struct Client {
    login: ClientLogin<Suite>,
    passcode: Passcode,
}

/// Begins an exchange, with 32 secret random bytes: the message is the `passcode_start`.
pub fn start(passcode: &Passcode, seed: [u8; 32]) -> (Client, Blob) {
    let started = ClientLogin::<Suite>::start(&mut rng(seed, Draw::Start), passcode.0.as_bytes())
        .expect("a passcode is neither empty nor longer than 65,535 bytes");
    let client = Client {
        login: started.state,
        passcode: passcode.clone(),
    };
    (client, Blob(started.message.serialize().to_vec()))
}

impl Client {
    /// Takes the `passcode_reply`. Fine when the relay has the same passcode and the same binding: the message is the
    /// `passcode_finish`, which shows the relay the same. Otherwise nothing is to be sent.
    pub fn finish(
        self,
        reply: &Blob,
        binding: &Binding,
        seed: [u8; 32],
    ) -> Result<Blob, WrongPasscode> {
        let context = binding.context();
        let finished = CredentialResponse::deserialize(sized(reply, REPLY_BYTES)?)
            .and_then(|response| {
                self.login.finish(
                    &mut rng(seed, Draw::Finish),
                    self.passcode.0.as_bytes(),
                    response,
                    ClientLoginFinishParameters {
                        context: Some(&context),
                        ..ClientLoginFinishParameters::default()
                    },
                )
            })
            .map_err(|_| WrongPasscode)?;
        Ok(Blob(finished.message.serialize().to_vec()))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::RngCore;

    use super::*;
    use crate::identity::{Identity, RoomKey};
    use crate::ids::Exporter;

    fn passcode(text: &str) -> Passcode {
        Passcode::parse(text).unwrap()
    }

    fn binding() -> Binding {
        Binding {
            channel: Channel::Tls(Exporter([1; 32])),
            nonce: Nonce([2; 32]),
            room: RoomKey::from_secret(&[3; 32]).public(),
            member: Identity::from_secret(&[4; 32]).member(),
        }
    }

    /// What the newcomer and the relay come to. Where the newcomer gives up, the relay is sent what it would be sent by
    /// somebody who goes on guessing: 64 bytes.
    fn exchange(
        theirs: (&str, &Binding),
        ours: (&str, &Binding),
    ) -> (Result<(), WrongPasscode>, Result<(), WrongPasscode>) {
        let setup = Setup::new(&passcode(ours.0), [5; 32]);
        let (client, start) = start(&passcode(theirs.0), [6; 32]);
        let (server, reply) = setup.answer(&start, ours.1, [7; 32]).unwrap();
        match client.finish(&reply, theirs.1, [8; 32]) {
            Ok(finish) => (Ok(()), server.finish(&finish)),
            Err(wrong) => (Err(wrong), server.finish(&Blob(vec![9; 64]))),
        }
    }

    /// **A3**
    #[test]
    fn the_same_passcode_opens_on_both_ends() {
        let bound = binding();
        let nonce = Binding {
            channel: Channel::Nonce,
            ..bound
        };
        for (theirs, ours) in [
            ("apple river stone cloud", "apple-river-stone-cloud"),
            ("  Apple RIVER,stone   cloud! ", "apple-river-stone-cloud"),
            ("\u{ff21}pple river stone cloud", "apple-river-stone-cloud"),
            ("stra\u{df}e \u{e9}t\u{e9}", "Stra\u{df}e E\u{301}te\u{301}"),
        ] {
            assert_eq!(exchange((theirs, &bound), (ours, &bound)), (Ok(()), Ok(())));
            assert_eq!(exchange((theirs, &nonce), (ours, &nonce)), (Ok(()), Ok(())));
        }
    }

    #[test]
    fn another_passcode_opens_on_neither_end() {
        let bound = binding();
        for wrong in [
            "apple river stone clouds",
            "apple river stone",
            "apple river cloud stone",
        ] {
            assert_eq!(
                exchange((wrong, &bound), ("apple river stone cloud", &bound)),
                (Err(WrongPasscode), Err(WrongPasscode)),
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_exchange_counts_for_its_own_connection_room_and_member_only() {
        let ours = binding();
        let others = [
            Binding {
                channel: Channel::Tls(Exporter([9; 32])),
                ..ours
            },
            Binding {
                channel: Channel::Nonce,
                ..ours
            },
            Binding {
                nonce: Nonce([9; 32]),
                ..ours
            },
            Binding {
                room: RoomKey::from_secret(&[9; 32]).public(),
                ..ours
            },
            Binding {
                member: Identity::from_secret(&[9; 32]).member(),
                ..ours
            },
        ];
        for theirs in others {
            assert_eq!(
                exchange(("apple river stone", &theirs), ("apple river stone", &ours)),
                (Err(WrongPasscode), Err(WrongPasscode)),
                "{theirs:?}"
            );
        }
    }

    /// Who stands between and does not know the passcode cannot even have the newcomer's last message.
    #[test]
    fn a_newcomer_confirms_nothing_to_whoever_does_not_know_the_passcode() {
        let bound = binding();
        let real = Setup::new(&passcode("apple river stone"), [5; 32]);
        let (client, start) = start(&passcode("apple river stone"), [6; 32]);
        // Nothing but what came over the wire, sent back, too.
        assert_eq!(client.finish(&start, &bound, [8; 32]), Err(WrongPasscode));
        let (client, start) = super::start(&passcode("apple river stone"), [6; 32]);
        let (_, reply) = real.answer(&start, &bound, [7; 32]).unwrap();
        for place in 0..reply.0.len() {
            let mut changed = reply.clone();
            changed.0[place] ^= 1;
            let client = Client {
                login: client.login.clone(),
                passcode: client.passcode.clone(),
            };
            let told = client.finish(&changed, &bound, [8; 32]);
            assert_eq!(told, Err(WrongPasscode), "byte {place}");
        }
    }

    #[test]
    fn a_relay_takes_no_last_message_but_the_one() {
        let bound = binding();
        let setup = Setup::new(&passcode("apple river stone"), [5; 32]);
        let (client, start) = start(&passcode("apple river stone"), [6; 32]);
        let (_, reply) = setup.answer(&start, &bound, [7; 32]).unwrap();
        let finish = client.finish(&reply, &bound, [8; 32]).unwrap();
        let again = || setup.answer(&start, &bound, [7; 32]).unwrap().0;
        assert_eq!(again().finish(&finish), Ok(()));
        for place in 0..finish.0.len() {
            let mut changed = finish.clone();
            changed.0[place] ^= 1;
            assert_eq!(again().finish(&changed), Err(WrongPasscode), "byte {place}");
        }
        // Recorded, and sent into an exchange with other random numbers.
        let (later, _) = setup.answer(&start, &bound, [10; 32]).unwrap();
        assert_eq!(later.finish(&finish), Err(WrongPasscode));
    }

    #[test]
    fn f13_garbage_and_half_messages_are_a_wrong_passcode() {
        let bound = binding();
        let setup = Setup::new(&passcode("apple river stone"), [5; 32]);
        let (_, start) = start(&passcode("apple river stone"), [6; 32]);
        let (_, reply) = setup.answer(&start, &bound, [7; 32]).unwrap();
        assert_eq!((start.0.len(), reply.0.len()), (96, 320));
        for bytes in [
            Vec::new(),
            vec![0; 96],
            vec![0xff; 96],
            start.0[..95].to_vec(),
            [&start.0[..], &[0]].concat(),
            vec![0; PASSCODE_MESSAGE_BYTES],
        ] {
            assert!(setup.answer(&Blob(bytes), &bound, [7; 32]).is_err());
        }
        for bytes in [
            Vec::new(),
            vec![0; 320],
            vec![0xff; 320],
            reply.0[..319].to_vec(),
            [&reply.0[..], &[0]].concat(),
        ] {
            let (client, _) = super::start(&passcode("apple river stone"), [6; 32]);
            assert!(client.finish(&Blob(bytes), &bound, [8; 32]).is_err());
        }
        for bytes in [Vec::new(), vec![0; 63], vec![0; 64], vec![0; 65]] {
            let (server, _) = setup.answer(&start, &bound, [7; 32]).unwrap();
            assert!(server.finish(&Blob(bytes)).is_err());
        }
    }

    /// A relay cannot know yet whether the passcode is right: what it answers is of one length, and what the newcomer
    /// learns of a wrong one is what it learns of noise.
    #[test]
    fn an_answer_tells_no_more_than_whether_it_was_right() {
        let bound = binding();
        let setup = Setup::new(&passcode("apple river stone"), [5; 32]);
        let answers = ["apple river stone", "apple river", "entirely another one"].map(|guess| {
            let (client, start) = start(&passcode(guess), [6; 32]);
            let (_, reply) = setup.answer(&start, &bound, [7; 32]).unwrap();
            let told = client.finish(&reply, &bound, [8; 32]).map(|_| ());
            (start, reply, told)
        });
        for (start, reply, _) in &answers {
            assert_eq!((start.0.len(), reply.0.len()), (96, 320));
        }
        assert_eq!(answers[1].2, Err(WrongPasscode));
        assert_eq!(answers[2].2, answers[1].2);
        // The blinding hides the guess: another seed, and the same guess reads otherwise.
        let guess = passcode("apple river stone");
        assert_ne!(start(&guess, [6; 32]).1, start(&guess, [7; 32]).1);
    }

    #[test]
    fn the_same_seeds_make_the_same_messages() {
        let run = || {
            let bound = binding();
            let setup = Setup::new(&passcode("apple river stone"), [5; 32]);
            let (client, start) = start(&passcode("apple river stone"), [5; 32]);
            let (_, reply) = setup.answer(&start, &bound, [5; 32]).unwrap();
            let finish = client.finish(&reply, &bound, [5; 32]).unwrap();
            (start, reply, finish)
        };
        assert_eq!(run(), run());
        // One seed for all steps, yet no step draws what another drew.
        let steps = [Draw::Setup, Draw::Start, Draw::Answer, Draw::Finish];
        let drawn: std::collections::BTreeSet<u64> =
            steps.map(|step| rng([5; 32], step).next_u64()).into();
        assert_eq!(drawn.len(), 4);
    }

    #[test]
    fn a_generated_passcode_is_four_words_and_every_word_may_come() {
        let first = generate(&[0; 8]);
        assert_eq!(first.as_str(), "abandon-abandon-abandon-abandon");
        assert_eq!(generate(&[0xff; 32]).as_str(), "zoo-zoo-zoo-zoo");
        let mut counts = std::collections::HashMap::new();
        for number in 0..=u16::MAX {
            let [high, low] = number.to_be_bytes();
            let passcode = generate(&[high, low, 0, 1, 0, 2, 0, 3]);
            assert_eq!(Passcode::parse(passcode.as_str()), Ok(passcode.clone()));
            let word = passcode.as_str().split('-').next().unwrap().to_owned();
            *counts.entry(word).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 2_048);
        assert!(counts.values().all(|count| *count == 32), "one is likelier");
    }

    #[test]
    fn a_passcode_is_what_people_say_to_each_other() {
        let same = [
            "apple river stone",
            " APPLE  river\tstone\n",
            "apple-river-stone",
            "apple_river.stone",
            "\u{201c}Apple, River; Stone\u{201d}",
        ];
        for text in same {
            assert_eq!(passcode(text).as_str(), "apple-river-stone", "{text:?}");
        }
        assert_eq!(Passcode::parse("a b"), Err(BadPasscode::TooShort));
        assert_eq!(Passcode::parse("- - - - - - -"), Err(BadPasscode::TooShort));
        assert_eq!(Passcode::parse(&"x".repeat(129)), Err(BadPasscode::TooLong));
        assert_eq!(
            Passcode::parse(&"x".repeat(1 << 20)),
            Err(BadPasscode::TooLong)
        );
        assert!(!format!("{:?}", passcode("apple river")).contains("apple"));
    }

    #[test]
    fn f13_a_message_is_bounded_before_it_is_decoded() {
        let long = format!("\"{}\"", "A".repeat(1 << 20));
        assert!(serde_json::from_str::<Blob>(&long).is_err());
        let most = Blob(vec![1; PASSCODE_MESSAGE_BYTES]);
        let text = serde_json::to_string(&most).unwrap();
        assert_eq!(serde_json::from_str::<Blob>(&text).unwrap(), most);
        let more = Blob(vec![1; PASSCODE_MESSAGE_BYTES + 1]);
        let text = serde_json::to_string(&more).unwrap();
        assert!(serde_json::from_str::<Blob>(&text).is_err());
        assert!(serde_json::from_str::<Blob>("\"a=\"").is_err());
    }
}
