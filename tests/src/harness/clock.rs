//! A clock of which days go by in minutes: time passes when everybody waits for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use codex_core::clock::{Backoff, Clock};
use tokio::sync::oneshot;

use crate::sim::clock::SimClock;

/// How often it is looked whether somebody does something, and for how many looks nobody may before time
/// passes: whoever has waited must make a call first.
const MOMENT: Duration = Duration::from_millis(2);
const STILL: u32 = 3;
/// Whether no thread of this runtime has anything to do.
fn idle() -> bool {
    let metrics = tokio::runtime::Handle::current().metrics();
    let is_parked = |worker| metrics.worker_park_unpark_count(worker) % 2 == 1;
    (0..metrics.num_workers()).all(is_parked)
}

/// A clock that moves from one end of a wait to the next, together with that of the simulators.
#[derive(Debug)]
pub struct EventClock {
    start: DateTime<Utc>,
    vendors: SimClock,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    elapsed: Duration,
    number: u64,
    /// Calls that are under way, and waits that have ended without anybody noticing yet.
    open: usize,
    /// Waits by their ends.
    ends: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
}

impl EventClock {
    /// A clock that starts at a moment and takes the vendors' with it.
    pub fn new(start: DateTime<Utc>, vendors: SimClock) -> Arc<Self> {
        Arc::new(Self {
            start,
            vendors,
            waiting: Mutex::default(),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves to a moment, ending every wait up to it; never back.
    pub fn move_to(&self, to: Duration) {
        let over = {
            let mut waiting = self.waiting();
            let by = to.saturating_sub(waiting.elapsed);
            waiting.elapsed += by;
            self.vendors.advance(by);
            let later = waiting.ends.split_off(&(to, u64::MAX));
            let over = std::mem::replace(&mut waiting.ends, later);
            waiting.open += over.len();
            over
        };
        for end in over.into_values() {
            if end.send(()).is_err() {
                // Whoever waited has given up.
                self.waiting().open -= 1;
            }
        }
    }

    /// Lets time pass while `work` is under way: whenever nobody does anything for a moment, to the next end
    /// of a wait.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut still = 0;
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(MOMENT) => {}
            }
            let is_open = self.waiting().open > 0;
            still = if idle() && !is_open { still + 1 } else { 0 };
            let next = self.waiting().ends.keys().next().copied();
            if let Some((end, _)) = next.filter(|_| still >= STILL) {
                self.move_to(end);
                still = 0;
            }
        }
    }
}

impl Clock for EventClock {
    fn now(&self) -> DateTime<Utc> {
        self.start + TimeDelta::from_std(self.elapsed()).unwrap_or_default()
    }

    fn elapsed(&self) -> Duration {
        self.waiting().elapsed
    }

    fn call_begins(&self) {
        self.waiting().open += 1;
    }

    fn call_ends(&self) {
        self.waiting().open -= 1;
    }

    fn sleep(&self, by: Duration) -> Backoff<'_> {
        let (end, over) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            waiting.number += 1;
            let key = (waiting.elapsed + by, waiting.number);
            waiting.ends.insert(key, end);
        }
        Box::pin(async move {
            // A clock that is gone ends every wait.
            if over.await.is_ok() {
                self.waiting().open -= 1;
            }
        })
    }
}
