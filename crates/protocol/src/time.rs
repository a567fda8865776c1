//! Time as an argument. The machines never ask a clock.

use std::time::Duration;

use crate::ids::WallMillis;

/// A moment, as its owner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since a fixed start; never goes back. Everything is measured by it.
    pub mono: Duration,
    /// By the wall clock. Only labels are made of it.
    pub wall: WallMillis,
}

impl Now {
    /// The wall clock's reading at the monotonic moment `then`.
    pub fn wall_at(&self, then: Duration) -> WallMillis {
        let ahead = then.saturating_sub(self.mono);
        self.wall
            .saturating_add(i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Reads a time from outside: one that no calendar has becomes the nearest that it has.
pub(crate) fn label<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<WallMillis, D::Error> {
    let at = <WallMillis as serde::Deserialize>::deserialize(deserializer)?;
    Ok(at.clamp(0, crate::limits::LATEST_LABEL))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_beyond_all_calendars_is_their_last_one() {
        #[derive(serde::Deserialize)]
        struct Label(#[serde(deserialize_with = "super::label")] i64);
        let read = |text: &str| serde_json::from_str::<Label>(text).unwrap().0;
        assert_eq!(read("9000000000000000"), crate::limits::LATEST_LABEL);
        assert_eq!(read("-5"), 0);
        assert_eq!(read("1790000000000"), 1_790_000_000_000);
    }
}
