//! The clock of a simulator's limits and tokens: it runs by itself, and tests move it on.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A clock that clones share. It knows no date, only how much time went by.
#[derive(Debug, Clone)]
pub struct SimClock {
    /// When it started; `None` for a clock that moves only on request.
    started: Option<Instant>,
    ahead: Arc<Mutex<Duration>>,
}

impl Default for SimClock {
    fn default() -> Self {
        Self::running()
    }
}

impl SimClock {
    /// Runs with real time.
    pub fn running() -> Self {
        Self {
            started: Some(Instant::now()),
            ahead: Arc::default(),
        }
    }

    /// Stands still until it is moved on, so that a test does not depend on how fast it runs.
    pub fn stopped() -> Self {
        Self {
            started: None,
            ahead: Arc::default(),
        }
    }

    /// Lets time go by.
    pub fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Time since the clock was made.
    pub fn elapsed(&self) -> Duration {
        let ran = self
            .started
            .map_or(Duration::ZERO, |started| started.elapsed());
        ran + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
