//! The desktop app's entry: graphics first, because WebKit reads its switches when it loads; then the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod app;
mod bridge;
mod commands;
mod ending;
mod graphics;
mod host;
mod links;
mod paths;
mod picture;

use std::process::ExitCode;

fn main() -> ExitCode {
    graphics::choose();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,chatspot=info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match app::run() {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            tracing::error!(%error, "ChatSpot cannot start");
            ExitCode::FAILURE
        }
    }
}
