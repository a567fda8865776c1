//! Where this installation keeps its files.

use std::path::PathBuf;

use tauri::{AppHandle, Manager};

/// Names the data folder, for a second identity on one computer and for tests. Everything then lives in it, and only
/// one ChatSpot runs for each.
const DATA_DIR: &str = "CHATSPOT_DATA_DIR";

/// The data folder that the environment names, if it does.
pub(crate) fn chosen() -> Option<PathBuf> {
    let folder = std::env::var_os(DATA_DIR).filter(|folder| !folder.is_empty())?;
    // An absolute path: the single instance is found by it.
    Some(std::path::absolute(&folder).unwrap_or_else(|_| folder.into()))
}

/// What is added to the app's identifier, so that each data folder has its own instance and window state.
pub(crate) fn identifier_suffix(folder: &std::path::Path) -> String {
    // FNV-1a: stable over versions of Rust, which std's hasher is not.
    let hash = folder
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!(".d{hash:016x}")
}

/// The data folder.
///
/// # Errors
/// When the system names no home folder.
pub(crate) fn data_dir(app: &AppHandle) -> tauri::Result<PathBuf> {
    match chosen() {
        Some(folder) => Ok(folder),
        None => app.path().app_data_dir(),
    }
}

/// Where exported rooms go: where people look for files that a program gave them.
pub(crate) fn for_exports(app: &AppHandle) -> tauri::Result<PathBuf> {
    if let Some(folder) = chosen() {
        return Ok(folder.join("exports"));
    }
    let path = app.path();
    path.download_dir()
        .or_else(|_| path.document_dir())
        .or_else(|_| path.home_dir())
}
