//! Panics are contained: they are logged, counted, and end no more than the piece of work they are in.
//!
//! Every task that outlives its caller goes through [`spawn`], `spawn_on` or [`keep_going`]; a call into a
//! library that may panic on a vendor's data goes through [`contained`].

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::Error;

/// The counter of panics, with the label `place`.
pub const COUNTER: &str = "codex_panics_total";
/// The pause before a loop that panicked begins again.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest text of a panic that is logged, in characters.
const LONGEST: usize = 120;

/// Some work panicked. What it said is in the log, not here: it may quote data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fault in Codex ended {place} early (panic); the log names the line of code")]
pub struct Panicked {
    /// What was at work, such as `sync`.
    pub place: &'static str,
}

impl From<Panicked> for Error {
    fn from(panicked: Panicked) -> Self {
        Self::Sync {
            message: panicked.to_string(),
        }
    }
}

/// Counts and logs a panic that was caught at a place.
pub fn caught(place: &'static str, payload: &(dyn Any + Send)) -> Panicked {
    metrics::counter!(COUNTER, "place" => place).increment(1);
    tracing::error!(place, reason = words(payload), "`{place}` panicked");
    Panicked { place }
}

/// Does some work; a panic in it is logged, counted and returned.
///
/// # Errors
/// [`Panicked`].
pub async fn guarded<T>(place: &'static str, work: impl Future<Output = T>) -> Result<T, Panicked> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|payload| caught(place, &*payload))
}

/// Calls a function; a panic in it is logged, counted and returned.
///
/// # Errors
/// [`Panicked`].
pub fn contained<T>(place: &'static str, call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| caught(place, &*payload))
}

/// Starts some work as a task of its own.
pub fn spawn<T: Send + 'static>(
    place: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<Result<T, Panicked>> {
    tokio::spawn(guarded(place, work))
}

/// Starts some work as a task that [`crate::Codex::close`] waits for.
pub(crate) fn spawn_on<T: Send + 'static>(
    tasks: &TaskTracker,
    place: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<Result<T, Panicked>> {
    tasks.spawn(guarded(place, work))
}

/// What a task has returned; the error of one that panicked or was aborted.
pub(crate) fn joined<T>(
    place: &'static str,
    ended: Result<Result<T, Panicked>, JoinError>,
) -> Result<T, Panicked> {
    // A task that was aborted belongs to somebody who gave up as well.
    ended.unwrap_or(Err(Panicked { place }))
}

/// Does some work that ends by itself when it is no longer wanted; begins it again, after a pause, each time it
/// panics, until `stop`.
pub async fn keep_going<F: Future<Output = ()>>(
    place: &'static str,
    stop: &CancellationToken,
    mut work: impl FnMut() -> F,
) {
    while guarded(place, work()).await.is_err() {
        if stop
            .run_until_cancelled(tokio::time::sleep(PAUSE))
            .await
            .is_none()
        {
            return;
        }
    }
}

/// Makes every panic one line of the log that names its place in the code. Without this, panics are written to
/// standard error as text.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        let reason = words(panic.payload());
        tracing::error!(
            code.location = place,
            reason,
            "Panicked at {place}: {reason}"
        );
    }));
}

/// What a panic says, without the values that it quotes: they may be anybody's data.
fn words(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return (*text).to_owned();
    }
    let Some(text) = payload.downcast_ref::<String>() else {
        return "no reason was given".to_owned();
    };
    // "called `Result::unwrap()` on an `Err` value: ..." quotes code, then data.
    let data = if text.starts_with("called `") {
        text.find(": ")
    } else {
        text.find(['`', '\'', '"'])
    };
    let text = &text[..data.unwrap_or(text.len())];
    text.trim_end().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn panics_become_errors() {
        let done = guarded("test", async { panic!("on demand") }).await;
        assert_eq!(done, Err::<(), _>(Panicked { place: "test" }));
        assert_eq!(guarded("test", async { 5 }).await, Ok(5));
        let zero = usize::MIN;
        assert!(contained("test", || 1 / zero).is_err());
        assert!(
            spawn("test", async { panic!("on demand") })
                .await
                .unwrap()
                .is_err()
        );
        let error = Error::from(Panicked { place: "a sync" }).to_string();
        assert!(
            error.contains("a sync") && error.contains("panic"),
            "{error}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn panicking_loop_restarts_until_stopped() {
        let (stop, begun) = (CancellationToken::new(), AtomicUsize::new(0));
        keep_going("test", &stop, || async {
            assert!(begun.fetch_add(1, Ordering::Relaxed) >= 3, "on demand");
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 4, "three panics, one end");
        stop.cancel();
        keep_going("test", &stop, || async { panic!("on demand") }).await;
    }

    #[test]
    fn panic_messages_contain_no_data() {
        let said = |text: &str| words(&text.to_owned());
        assert_eq!(
            words(&"attempt to divide by zero"),
            "attempt to divide by zero"
        );
        assert_eq!(
            said("called `Result::unwrap()` on an `Err` value: Secret"),
            "called `Result::unwrap()` on an `Err` value"
        );
        assert_eq!(
            said("byte index 1 is not a char boundary; it is inside 'ü' (bytes 0..2) of `secret`"),
            "byte index 1 is not a char boundary; it is inside"
        );
        let index = "index out of bounds: the len is 3 but the index is 5";
        assert_eq!(said(index), index);
        assert_eq!(words(&5_u8), "no reason was given");
    }
}
