//! Time is an argument: tests set it, and nothing else in the workspace asks the system for it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Tells the time in UTC, in whole microseconds.
///
/// `PostgreSQL` keeps microseconds and `SQLite` keeps what it is given, so a finer clock would make the
/// same record compare unequal on the two engines.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current time.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some moment, which no correction of the clock moves back.
    #[cfg(feature = "sync")]
    fn elapsed(&self) -> std::time::Duration {
        tokio::time::Instant::now().saturating_duration_since(*START)
    }

    /// A call to somebody outside begins: a simulated clock stands still until it ends.
    fn call_begins(&self) {}

    /// A call to somebody outside has ended, however it did.
    fn call_ends(&self) {}

    /// Lets time go by.
    #[cfg(feature = "sync")]
    fn sleep(&self, by: std::time::Duration) -> Backoff<'_> {
        Box::pin(tokio::time::sleep(by))
    }
}

/// The end of a wait.
#[cfg(feature = "sync")]
pub type Backoff<'c> = std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'c>>;

/// When this process first asked.
#[cfg(feature = "sync")]
static START: std::sync::LazyLock<tokio::time::Instant> =
    std::sync::LazyLock::new(tokio::time::Instant::now);

/// A clock that can be shared.
pub type SharedClock = Arc<dyn Clock>;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// Starts at `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(Mutex::new(at.trunc_subsecs(6)))
    }

    /// Moves the clock by `by`.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
