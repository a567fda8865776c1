//! QR codes as pictures: for the clipboard, and as files.

use std::path::{Path, PathBuf};

use chatspot_protocol::qr;
use chatspot_protocol::view::{Failure, FailureCode, PictureFormat, Qr};
use tauri::image::Image;

/// Pixels along a module: a code of some sixty modules is then a picture of a hand's width on paper and on most screens.
const SCALE: u32 = 10;
/// What a saved picture is called.
const STEM: &str = "ChatSpot invite";

/// The picture.
pub(crate) fn of(code: &Qr) -> Image<'static> {
    let qr::Picture { side, pixels } = qr::picture(code, SCALE);
    let rgba = pixels
        .into_iter()
        .flat_map(|grey| [grey, grey, grey, u8::MAX]);
    Image::new_owned(rgba.collect(), side, side)
}

/// Writes it to a new file in `folder`. Returns where.
pub(crate) async fn save(
    code: &Qr,
    format: PictureFormat,
    folder: PathBuf,
) -> Result<PathBuf, Failure> {
    let (bytes, ending) = match format {
        PictureFormat::Png => (png(code), "png"),
        PictureFormat::Svg => (Ok(qr::svg(code).into_bytes()), "svg"),
    };
    let bytes = bytes.map_err(|error| failure(FailureCode::Internal, error.to_string()))?;
    let written =
        tauri::async_runtime::spawn_blocking(move || write(&folder, ending, &bytes)).await;
    written
        .map_err(|error| failure(FailureCode::Internal, error.to_string()))?
        .map_err(|error| failure(FailureCode::Storage, error.to_string()))
}

fn write(folder: &Path, ending: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let path = chatspot_client::new_file(folder, STEM, ending)?;
    std::fs::write(&path, bytes)?;
    Ok(path)
}

fn png(code: &Qr) -> Result<Vec<u8>, png::EncodingError> {
    let qr::Picture { side, pixels } = qr::picture(code, SCALE);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn failure(code: FailureCode, message: String) -> Failure {
    Failure { code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_saved_picture_is_the_code() {
        let code = Qr {
            size: 2,
            rows: vec!["10".to_owned(), "01".to_owned()],
        };
        let bytes = png(&code).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes))
            .read_info()
            .unwrap();
        let mut grey = vec![1; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut grey).unwrap();
        assert_eq!(grey, qr::picture(&code, SCALE).pixels);
        assert!(grey.contains(&0) && grey.contains(&255));
    }

    #[tokio::test]
    async fn a_second_picture_does_not_take_the_place_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let code = Qr {
            size: 1,
            rows: vec!["1".to_owned()],
        };
        let save = |format| save(&code, format, folder.path().join("new"));
        let first = save(PictureFormat::Svg).await.unwrap();
        let second = save(PictureFormat::Svg).await.unwrap();
        let third = save(PictureFormat::Png).await.unwrap();
        assert!(first != second && first.exists() && second.exists() && third.exists());
        assert!(std::fs::read_to_string(first).unwrap().starts_with("<svg"));
    }
}
