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
