//! Exported files.

use std::path::{Path, PathBuf};

use super::*;
use chatspot_protocol::view::ExportFormat;

async fn export(bed: &Bed, format: ExportFormat, folder: &Path, stem: &str) -> PathBuf {
    let folder = folder.to_owned();
    bed.export(ROOM, format, folder, stem.to_owned())
        .await
        .unwrap()
}

#[tokio::test]
async fn json_lines_are_the_events_of_the_wire_with_their_log() {
    for bed in Bed::both() {
        let folder = tempfile::tempdir().unwrap();
        bed.enter().await;
        bed.fill(1, 1..=2).await;
        let mut fresh = joined(1);
        fresh.at = 9;
        bed.learn(cursor(2, 2), vec![fresh.clone()]).await;
        let path = export(&bed, ExportFormat::JsonLines, folder.path(), "a/b").await;
        assert_eq!(path, folder.path().join("a_b.jsonl"));
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let logs: Vec<_> = lines
            .iter()
            .map(|line| line["log"].as_u64().unwrap())
            .collect();
        assert_eq!(logs, [1, 1, 2]);
        let events: Vec<Event> = lines
            .into_iter()
            .map(|line| serde_json::from_value(line).unwrap())
            .collect();
        assert_eq!(
            events,
            [
                message(1, ADA, "number 1"),
                message(2, ADA, "number 2"),
                fresh
            ]
        );
    }
}

#[tokio::test]
async fn f41_f43_markup_in_a_page_is_text() {
    let hostile =
        "<img src=x onerror=\"alert(1)\"> &lt;script&gt; javascript:alert(1) 'x' </p></article>";
    for bed in Bed::both() {
        let folder = tempfile::tempdir().unwrap();
        bed.enter().await;
        bed.learn(cursor(1, 1), Vec::new()).await;
        let name = DisplayName::parse("<b>Ada</b>").unwrap();
        let renamed = Event {
            body: Body::Renamed {
                from: DisplayName::parse("<i>x</i>").unwrap(),
            },
            ..message(4, ADA, "x")
        };
        let events = vec![
            Event {
                name,
                ..message(1, ADA, hostile)
            },
            renamed,
            joined(5),
        ];
        bed.learn(cursor(1, 6), events).await;
        let path = export(&bed, ExportFormat::Html, folder.path(), "<script>").await;
        assert_eq!(path, folder.path().join("_script_.html"));
        let page = std::fs::read_to_string(path).unwrap();
        for tag in ["<img", "<script", "<b>", "<i>", "onerror=\"", "</article> "] {
            assert!(!page.contains(tag), "{tag} in {page}");
        }
        assert!(
            page.contains("&lt;img src=x onerror=&quot;alert(1)&quot;&gt; &amp;lt;script&amp;gt;")
        );
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains("<h2>1970-01-01</h2>"));
        assert!(page.contains("<time datetime=\"1970-01-01T00:00:01Z\">00:00</time>"));
        assert!(page.contains("Some messages are missing here."));
        assert!(page.trim_end().ends_with("</html>"));
    }
}

#[tokio::test]
async fn f49_an_export_replaces_and_follows_nothing() {
    for bed in Bed::both() {
        let folder = tempfile::tempdir().unwrap();
        bed.enter().await;
        let first = export(&bed, ExportFormat::Html, folder.path(), "Lab").await;
        let second = export(&bed, ExportFormat::Html, folder.path(), "Lab").await;
        assert_eq!(first, folder.path().join("Lab.html"));
        assert_eq!(second, folder.path().join("Lab (2).html"));
        #[cfg(unix)]
        {
            let target = folder.path().join("target");
            std::os::unix::fs::symlink(&target, folder.path().join("Lab (3).html")).unwrap();
            let third = export(&bed, ExportFormat::Html, folder.path(), "Lab").await;
            assert_eq!(third, folder.path().join("Lab (4).html"));
            assert!(!target.exists());
        }
    }
}

#[tokio::test]
async fn an_export_that_fails_leaves_nothing_behind() {
    for bed in Bed::both() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_owned();
        let unknown = bed.export(ROOM, ExportFormat::Html, to, "Lab".into()).await;
        assert!(unknown.is_err(), "no such room");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        bed.enter().await;
        let file = folder.path().join("file");
        std::fs::write(&file, "no folder").unwrap();
        let failed = bed
            .export(ROOM, ExportFormat::Html, file.join("in it"), "Lab".into())
            .await;
        assert!(matches!(failed, Err(crate::store::StoreError::Io { .. })));
        // A folder that is not there yet is made.
        let new = folder.path().join("new");
        let path = bed
            .export(ROOM, ExportFormat::Html, new.clone(), "Lab".into())
            .await;
        assert_eq!(path.unwrap().parent(), Some(new.as_path()));
    }
}
