//! Tells tauri-build where this layout keeps its parts, and makes a fresh clone buildable before the UI is.

use std::path::Path;

fn main() {
    let page = Path::new("ui/dist/index.html");
    if !page.exists() {
        let text =
            "<!doctype html><title>ChatSpot</title><p>The UI is not built: run `npm run build:ui`.";
        let made = std::fs::create_dir_all("ui/dist").and_then(|()| std::fs::write(page, text));
        made.expect("the folder ui can be written");
    }
    for path in [
        "ui/dist",
        "src-tauri/capabilities",
        "src-tauri/permissions",
        "src-tauri/icons",
    ] {
        println!("cargo:rerun-if-changed={path}");
    }
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(
            tauri_build::AppManifest::new()
                .permissions_path_pattern("./src-tauri/permissions/**/*"),
        )
        .windows_attributes(
            tauri_build::WindowsAttributes::new().window_icon_path("src-tauri/icons/icon.ico"),
        );
    tauri_build::try_build(attributes)
        .expect("tauri.conf.json, capabilities and permissions are well formed");
}
