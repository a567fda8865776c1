//! QR codes (ISO/IEC 18004): drawn here, so that nobody is asked to draw them.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

use crate::limits::{QR_QUIET_ZONE, QR_SCALE};
use crate::view::Qr;

/// A text is longer than the largest code holds, some 2,300 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is too long for a QR code")]
pub struct TooLong;

/// The smallest code of a text. Fifteen percent of it may be unreadable (level M): it is read from screens and paper.
pub fn encode(text: &str) -> Result<Qr, TooLong> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLong)?;
    let colors = code.to_colors();
    let rows = colors.chunks(code.width()).map(|row| {
        let letter = |color: &Color| if *color == Color::Dark { '1' } else { '0' };
        row.iter().map(letter).collect()
    });
    Ok(Qr {
        // 177 at the most.
        size: u32::try_from(code.width()).map_err(|_| TooLong)?,
        rows: rows.collect(),
    })
}

/// The code as an SVG picture, with its quiet zone and of any size.
pub fn svg(qr: &Qr) -> String {
    let side = qr.size + 2 * QR_QUIET_ZONE;
    let mut path = String::new();
    for (row, letters) in (QR_QUIET_ZONE..).zip(&qr.rows) {
        let mut letters = letters.bytes().enumerate().peekable();
        while let Some((start, letter)) = letters.next() {
            if letter != b'1' {
                continue;
            }
            let mut end = start + 1;
            while letters.next_if(|(_, next)| *next == b'1').is_some() {
                end += 1;
            }
            let (column, width) = (start + QR_QUIET_ZONE as usize, end - start);
            // A string takes everything.
            let _ = write!(path, "M{column} {row}h{width}v1h-{width}z");
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>\n"
    )
}

/// A picture of grey pixels: 0 is black, 255 white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels along each side.
    pub side: u32,
    /// Row by row, a byte each.
    pub pixels: Vec<u8>,
}

/// The code as a picture, with its quiet zone; each module is `scale` pixels wide and high, from 1 to [`QR_SCALE`].
pub fn picture(qr: &Qr, scale: u32) -> Picture {
    let scale = scale.clamp(1, QR_SCALE);
    let modules = qr.size + 2 * QR_QUIET_ZONE;
    let side = modules * scale;
    let quiet = QR_QUIET_ZONE as usize;
    let (scale, side_pixels) = (scale as usize, side as usize);
    let mut pixels = vec![u8::MAX; side_pixels * side_pixels];
    for (row, letters) in qr.rows.iter().enumerate() {
        for (column, _) in letters.match_indices('1') {
            let left = (column + quiet) * scale;
            for line in (row + quiet) * scale..(row + quiet + 1) * scale {
                let from = line * side_pixels + left;
                pixels[from..from + scale].fill(0);
            }
        }
    }
    Picture { side, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::INVITE_LINK_BYTES;

    /// As a phone's camera reads it.
    fn read(picture: &Picture) -> String {
        let side = picture.side as usize;
        let grey = |x, y| picture.pixels[y * side + x];
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
        let mut grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        let (data, text) = grids.remove(0).decode().unwrap();
        assert_eq!(data.ecc_level, 0, "M");
        text
    }

    #[test]
    fn what_is_drawn_can_be_read() {
        for length in [1, 100, 300, 700, 1_200, INVITE_LINK_BYTES] {
            let text: String = ('a'..='z').cycle().take(length).collect();
            let qr = encode(&text).unwrap();
            assert_eq!(qr.rows.len(), qr.size as usize);
            assert!(qr.rows.iter().all(|row| row.len() == qr.rows.len()));
            for scale in [3, 4] {
                assert_eq!(read(&picture(&qr, scale)), text, "{length} {scale}");
            }
        }
        assert_eq!(encode("x").unwrap().size, 21, "the smallest");
        assert_eq!(encode(&"x".repeat(2_400)), Err(TooLong));
    }

    #[test]
    fn a_picture_has_its_quiet_zone_and_a_bounded_size() {
        let qr = encode("x").unwrap();
        let Picture { side, pixels } = picture(&qr, 2);
        assert_eq!(side, (21 + 8) * 2);
        assert_eq!(pixels.len(), 58 * 58);
        let dark = |x: usize, y: usize| pixels[y * 58 + x] == 0;
        assert!((0..58).all(|x| !dark(x, 7) && !dark(7, x)));
        assert!(dark(8, 8) && dark(9, 9), "a corner");
        assert_eq!(picture(&qr, 0).side, 29);
        assert_eq!(picture(&qr, u32::MAX).side, 29 * QR_SCALE);
    }

    #[test]
    fn the_svg_draws_the_same() {
        let qr = encode("chatspot://join/x").unwrap();
        let svg = svg(&qr);
        let side = qr.size + 8;
        assert!(svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")));
        let (_, path) = svg.rsplit_once("d=\"M").unwrap();
        let (path, _) = path.split_once('"').unwrap();
        let mut drawn = vec![vec![b'0'; qr.rows.len()]; qr.rows.len()];
        for run in path.split('M') {
            let (place, run) = run.split_once('h').unwrap();
            let (column, row) = place.split_once(' ').unwrap();
            let (width, rest) = run.split_once('v').unwrap();
            assert_eq!(rest, format!("1h-{width}z"));
            let number = |text: &str| text.parse::<usize>().unwrap();
            let (column, row) = (number(column) - 4, number(row) - 4);
            drawn[row][column..column + number(width)].fill(b'1');
        }
        let rows = qr.rows.iter().map(|row| row.as_bytes().to_vec());
        assert_eq!(drawn, rows.collect::<Vec<_>>());
    }
}
