//! WebKit's graphics switches on Linux: safe ones where there is no GPU, safer ones where nothing was painted.
//!
//! The switches are environment variables that have to be there before WebKit loads. One that somebody has set is never
//! touched.

/// Set for the process that starts itself anew, so that it happens once.
#[cfg(target_os = "linux")]
const CHOSEN: &str = "CHATSPOT_GRAPHICS";
#[cfg(target_os = "linux")]
const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
#[cfg(target_os = "linux")]
const NO_COMPOSITING: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Without a GPU, WebKit's DMABUF renderer costs twice the time and memory, or shows nothing. To be called first thing
/// in `main`.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub(crate) fn choose() {
    let has_gpu = std::fs::read_dir("/dev/dri").is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
    });
    if !has_gpu && std::env::var_os(NO_DMABUF).is_none() {
        // SAFETY: the environment may be changed while no other thread runs, and `main` has started none.
        unsafe { std::env::set_var(NO_DMABUF, "1") };
    }
}

/// Nothing was painted: start anew with everything off that is known to leave windows blank. Returns when this was
/// tried before, or when it cannot be done.
#[cfg(target_os = "linux")]
pub(crate) fn safest() {
    if std::env::var_os(CHOSEN).is_some_and(|chosen| chosen == "safest") {
        return;
    }
    tracing::warn!("nothing was painted: starting anew with the safest graphics settings");
    start_anew(&[(NO_DMABUF, "1"), (NO_COMPOSITING, "1"), (CHOSEN, "safest")]);
}

#[cfg(target_os = "linux")]
fn start_anew(variables: &[(&str, &str)]) {
    use std::os::unix::process::CommandExt;
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1));
    for (name, value) in variables {
        if std::env::var_os(name).is_none() || *name == CHOSEN {
            command.env(name, value);
        }
    }
    let error = command.exec();
    tracing::warn!(%error, "cannot start anew; going on as it is");
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn choose() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn safest() {}
