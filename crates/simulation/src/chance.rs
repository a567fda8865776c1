//! The randomness of a whole program, from one seed: ids, pauses before a redial, the order of maps and of what is
//! ready at once. Turmoil and the plan bring their own.
//!
//! On Linux this program has a `getrandom` of its own, which the standard library and the crate of that name then find
//! instead of the system's. Elsewhere a seed repeats the plan and the network, and not the run.

/// From now on what is random follows from this seed, in every thread that begins after this.
pub fn seed(seed: u64) {
    #[cfg(target_os = "linux")]
    system::STATE.store(seed, std::sync::atomic::Ordering::Relaxed);
    #[cfg(not(target_os = "linux"))]
    let _ = seed;
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)] // a function that C may call, by a name that is the system's
mod system {
    use std::sync::atomic::{AtomicU64, Ordering};

    use chatspot_proof::dice::Dice;

    /// Before it is seeded it begins anew with each program, so that a run is the same even then.
    pub(super) static STATE: AtomicU64 = AtomicU64::new(0);

    /// getrandom(2), which always has enough.
    ///
    /// # Safety
    /// As of that function: `buffer` has room for `length` bytes.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
        for at in 0..length {
            let state = STATE.fetch_add(1, Ordering::Relaxed);
            let byte = Dice::new(state).throw().to_le_bytes()[0];
            // SAFETY: `at` is below `length`.
            unsafe { buffer.add(at).write(byte) };
        }
        isize::try_from(length).unwrap_or(isize::MAX)
    }
}
