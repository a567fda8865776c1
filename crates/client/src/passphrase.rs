//! An identity in a text that only its passphrase opens, for another computer or for a drawer.
//!
//! Between two lines of armor: base64 of a version byte, a salt of 16 bytes, a nonce of 24, and what
//! `XChaCha20Poly1305` makes of the 32 secret bytes under the key that Argon2id (RFC 9106) makes of passphrase and salt.
//! The version and the salt are bound to it. The age format would do the same with some 200 crates more.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use chatspot_folder::Secret;
use chatspot_protocol::ids::MemberId;
use data_encoding::BASE64;
use unicode_normalization::UnicodeNormalization;

/// Longest text that is looked at, in bytes: the armor with some mail around it.
const TEXT_BYTES: usize = 64 * 1024;
const FIRST_LINE: &str = "-----BEGIN CHATSPOT IDENTITY-----";
const LAST_LINE: &str = "-----END CHATSPOT IDENTITY-----";
const LINE_CHARS: usize = 64;
const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
/// Argon2id in version 1: 64 MiB and three passes, the second choice of RFC 9106, section 4, in one lane. Half a second.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// Why a text gives no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    /// It is no exported identity, or a damaged one.
    #[error("this is no exported identity")]
    NotAnIdentity,
    /// The passphrase is another one, or the text was changed.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
}

/// Random bytes for one text.
pub(crate) struct Salt {
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) nonce: [u8; NONCE_BYTES],
}

/// The text. Takes a moment and much memory.
pub(crate) fn close(secret: &Secret, passphrase: &str, salt: &Salt) -> String {
    let header = [&[VERSION], &salt.salt[..]].concat();
    let payload = Payload {
        msg: secret.bytes(),
        aad: &header,
    };
    let sealed = cipher(passphrase, &salt.salt)
        .encrypt(&XNonce::from(salt.nonce), payload)
        .expect("a secret is shorter than what this cipher can take");
    let text = BASE64.encode(&[&header[..], &salt.nonce, &sealed].concat());
    let mut armored = format!("{FIRST_LINE}\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE_CHARS));
        armored.push_str(line);
        armored.push('\n');
        rest = more;
    }
    armored.push_str(LAST_LINE);
    armored.push('\n');
    armored
}

/// The identity in a text, which may stand in a longer one.
pub(crate) fn open(text: &str, passphrase: &str) -> Result<Secret, Unopened> {
    if text.len() > TEXT_BYTES {
        return Err(Unopened::NotAnIdentity);
    }
    let bytes = text
        .split_once(FIRST_LINE)
        .and_then(|(_, rest)| rest.split_once(LAST_LINE))
        .map(|(inner, _)| inner.split_whitespace().collect::<String>())
        .and_then(|inner| BASE64.decode(inner.as_bytes()).ok())
        .filter(|bytes| bytes.first() == Some(&VERSION))
        .ok_or(Unopened::NotAnIdentity)?;
    let (header, rest) = bytes
        .split_at_checked(1 + SALT_BYTES)
        .ok_or(Unopened::NotAnIdentity)?;
    let (nonce, sealed) = rest
        .split_at_checked(NONCE_BYTES)
        .ok_or(Unopened::NotAnIdentity)?;
    let nonce = XNonce::try_from(nonce).map_err(|_| Unopened::NotAnIdentity)?;
    let payload = Payload {
        msg: sealed,
        aad: header,
    };
    let secret = cipher(passphrase, &header[1..])
        .decrypt(&nonce, payload)
        .map_err(|_| Unopened::WrongPassphrase)?;
    let secret = secret.try_into().map_err(|_| Unopened::NotAnIdentity)?;
    Ok(Secret::of(secret))
}

fn cipher(passphrase: &str, salt: &[u8]) -> XChaCha20Poly1305 {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32))
        .expect("the parameters are within Argon2's bounds");
    // Keyboards differ in how they write one letter.
    let passphrase: String = passphrase.nfkc().collect();
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key)
        .expect("the lengths of salt and key are within Argon2's bounds");
    XChaCha20Poly1305::new(&key.into())
}

/// A name for the file.
pub(crate) fn file_stem(member: MemberId) -> String {
    format!("ChatSpot identity {}", member.tag())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt {
        salt: [3; SALT_BYTES],
        nonce: [4; NONCE_BYTES],
    };

    #[test]
    fn only_its_passphrase_opens_an_identity() {
        let secret = Secret::of([7; 32]);
        let text = close(&secret, "correct horse battery", &SALT);
        assert!(!text.contains(&BASE64.encode(secret.bytes())[..16]));
        assert_eq!(open(&text, "correct horse battery"), Ok(secret.clone()));
        let mailed = format!("> hello\r\n{}\r\nbye", text.replace('\n', "\r\n  "));
        assert_eq!(open(&mailed, "correct horse battery"), Ok(secret));
        let wrong = Err(Unopened::WrongPassphrase);
        assert_eq!(open(&text, "correct horse batterz"), wrong);
        // Every part of it counts: another salt, another nonce, another sealed text.
        let start = FIRST_LINE.len() + 1;
        for at in [start + 4, start + 30, start + 70] {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(open(&changed, "correct horse battery"), wrong, "{at}");
        }
    }

    #[test]
    fn what_is_no_identity_is_said_to_be_none() {
        let text = close(&Secret::of([7; 32]), "correct horse battery", &SALT);
        let newer = text.replacen("AQM", "AgM", 1);
        assert_ne!(newer, text);
        for text in [
            "",
            "hello",
            FIRST_LINE,
            &format!("{FIRST_LINE}\nAQ==\n{LAST_LINE}"),
            &format!("{FIRST_LINE}\n!!!!\n{LAST_LINE}"),
            &text.replace(LAST_LINE, ""),
            &newer,
            &format!("{}{text}", " ".repeat(TEXT_BYTES)),
        ] {
            assert_eq!(open(text, "x"), Err(Unopened::NotAnIdentity), "{text:?}");
        }
    }

    #[test]
    fn one_letter_written_in_two_ways_is_one_letter() {
        let secret = Secret::of([7; 32]);
        let text = close(&secret, "sch\u{f6}ner langer Satz", &SALT);
        assert_eq!(open(&text, "scho\u{308}ner langer Satz"), Ok(secret));
    }
}
