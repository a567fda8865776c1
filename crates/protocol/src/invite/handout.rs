//! An invite in every form that can be handed out.

use super::{InviteLink, without_zone};
use crate::limits::INVITE_ADDRESSES;
use crate::qr;
use crate::view::Handout;

/// All forms of an invite.
pub fn handout(link: &InviteLink) -> Handout {
    let url = link.encode();
    let qr = qr::encode(&url).expect("the longest link is shorter than the largest code holds");
    let addresses = link.addresses.iter().take(INVITE_ADDRESSES);
    Handout {
        text: link.to_text(),
        qr,
        addresses: addresses
            .map(|address| without_zone(address).short())
            .collect(),
        link: url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::ids::{RoomPublicKey, Token};
    use crate::invite::find;
    use crate::limits::INVITE_LINK_BYTES;
    use crate::text::RoomName;

    fn scanned(handout: &Handout) -> String {
        let picture = qr::picture(&handout.qr, 4);
        let side = picture.side as usize;
        let grey = |x, y| picture.pixels[y * side + x];
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
        image.detect_grids()[0].decode().unwrap().1
    }

    fn longest() -> InviteLink {
        let label = "x".repeat(60);
        let host = [&label[..], &label, &label, &label].join(".");
        let mut link = InviteLink {
            key: RoomPublicKey([7; 32]),
            token: Some(Token([8; 16])),
            name: Some(RoomName::parse(&"\u{1f44d}".repeat(40)).unwrap()),
            addresses: vec![Address { host, port: 65_535 }; INVITE_ADDRESSES],
        };
        let mut fill = 200;
        // To the last byte but two.
        while link.encode().len() < INVITE_LINK_BYTES - 2 {
            let host = ["y".repeat(fill % 60 + 1), "x".to_owned()].join(".");
            link.addresses[4] = Address { host, port: 1 };
            fill += 1;
            assert!(fill < 1_000, "{}", link.encode().len());
        }
        link
    }

    /// **I2**
    #[test]
    fn every_form_of_an_invite_leads_to_the_same_room() {
        let short = InviteLink {
            key: RoomPublicKey([7; 32]),
            token: None,
            name: None,
            addresses: Vec::new(),
        };
        let usual = InviteLink {
            token: Some(Token([8; 16])),
            name: Some(RoomName::parse("Workshop").unwrap()),
            addresses: ["192.168.1.5", "[fe80::5%eth0]:4470", "lab-pc:4471"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
            ..short.clone()
        };
        for link in [short, usual.clone(), longest()] {
            let handout = handout(&link);
            assert_eq!(scanned(&handout), handout.link);
            assert_eq!(handout.link, link.encode());
            let there = InviteLink::decode(&handout.link).unwrap();
            let read = find(&handout.text).unwrap().unwrap();
            assert_eq!(
                (read.key, read.token, read.name),
                (there.key, there.token, there.name)
            );
            assert_eq!(read.addresses.is_empty(), there.addresses.is_empty());
        }
        let addresses = ["192.168.1.5", "[fe80::5]:4470", "lab-pc:4471"];
        assert_eq!(handout(&usual).addresses, addresses);
    }
}
