//! Staying below a vendor's limits.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderMap;

use crate::clock::Clock;

/// The window of every limit that we know (upstreams 1.3, 2.3).
const WINDOW: Duration = Duration::from_secs(60);
/// Calls this near to one another are counted as one.
const GRAIN: Duration = Duration::from_millis(250);
/// Of what a vendor allows, the last tenth is for people.
const OURS: (u64, u64) = (9, 10);

/// How fast an account is called: by a window of our own where the vendor gives no headers, by the
/// vendor's word where it does. Clones are one: a limit is the account's, whoever calls.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    per_minute: Option<u64>,
    state: Mutex<State>,
}

/// What is known of the account; times are those of [`Clock::elapsed`].
#[derive(Debug, Default)]
struct State {
    /// Calls of the last window with what they cost, in the order of their times.
    recent: VecDeque<Spent>,
    /// The largest limit that the vendor has shown: that of the account, once a call without a limit of its
    /// own was made.
    shown: Option<u64>,
    /// The limits of resources, as the vendor has shown them.
    totals: HashMap<String, u64>,
    /// What a call of a resource cost last (upstreams 1.3: what is included costs more).
    costs: HashMap<String, u64>,
    /// Resources whose quota is nearly used up, and until when they rest.
    resting: HashMap<String, Duration>,
    /// Until when nothing is called, because the vendor limited one of our calls.
    limited: Duration,
}

/// Calls within the last window that were made within [`GRAIN`].
#[derive(Debug)]
struct Spent {
    /// The first of them.
    at: Duration,
    /// Empty where only the account has a limit.
    resource: String,
    cost: u64,
}

/// A place in the window, given back by who does not wait for it: people who gave up must not hold up
/// whoever comes after them.
struct Place<'p> {
    pace: &'p Pace,
    resource: &'p str,
    at: Duration,
    cost: u64,
    is_used: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.pace
                .state()
                .give_back(self.resource, self.at, self.cost);
        }
    }
}

/// What is ours of a limit.
fn ours(limit: u64) -> u64 {
    (limit * OURS.0 / OURS.1).max(1)
}

impl Pace {
    /// At most so many calls in any 60 seconds; `None` where the vendor's headers tell.
    pub fn new(per_minute: Option<u32>) -> Self {
        Self(Arc::new(Inner {
            per_minute: per_minute.map(|calls| calls.max(1).into()),
            ..Inner::default()
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps every call waiting for a while; a longer wait stands.
    pub(super) fn rest_for(&self, clock: &dyn Clock, wait: Duration) {
        let mut state = self.state();
        state.limited = state.limited.max(clock.elapsed() + wait);
    }

    /// Waits until a limit is over.
    pub(super) async fn rest(&self, clock: &dyn Clock) {
        let wait = self.state().limited.saturating_sub(clock.elapsed());
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }

    /// Waits until a call may be made: a window or two, for callers are few.
    pub(super) async fn wait(&self, clock: &dyn Clock, resource: &str) {
        let now = clock.elapsed();
        let name = if self.0.per_minute.is_some() {
            ""
        } else {
            resource
        };
        let mut place = {
            let mut state = self.state();
            let rest = state.resting.get(resource).copied().unwrap_or_default();
            let limit = self.0.per_minute.or_else(|| state.shown.map(ours));
            let at = state.reserve(name, limit, now.max(rest), now);
            Place {
                pace: self,
                resource: name,
                at,
                cost: state.cost(name),
                is_used: false,
            }
        };
        let wait = place.at.saturating_sub(now);
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
        place.is_used = true;
    }

    /// Reads what Freshservice says of the quota of this endpoint.
    pub(super) fn learn(&self, clock: &dyn Clock, resource: &str, headers: &HeaderMap) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let (Some(total), Some(left)) =
            (number("x-ratelimit-total"), number("x-ratelimit-remaining"))
        else {
            return;
        };
        let mut state = self.state();
        state.shown = state.shown.max(Some(total));
        state.totals.insert(resource.to_owned(), total);
        if let Some(cost) = number("x-ratelimit-used-currentrequest") {
            state.settle(resource, cost.max(1));
        }
        // Others use the quota too.
        if left * OURS.1 <= total * (OURS.1 - OURS.0) {
            let until = clock.elapsed() + WINDOW;
            state.resting.insert(resource.to_owned(), until);
        } else {
            state.resting.remove(resource);
        }
    }
}

impl State {
    /// Notes what a call of a resource costs. Those before the first answer were taken to cost one.
    fn settle(&mut self, resource: &str, cost: u64) {
        if self.costs.insert(resource.to_owned(), cost).is_none() {
            let own = self.recent.iter_mut();
            let own = own.filter(|spent| spent.resource == resource);
            own.for_each(|spent| spent.cost *= cost);
        }
    }

    fn cost(&self, resource: &str) -> u64 {
        self.costs.get(resource).copied().unwrap_or(1)
    }

    /// Takes a place in the window, not before `from`; says when it is free.
    fn reserve(
        &mut self,
        resource: &str,
        limit: Option<u64>,
        from: Duration,
        now: Duration,
    ) -> Duration {
        while self
            .recent
            .front()
            .is_some_and(|spent| spent.at + WINDOW + GRAIN <= now)
        {
            self.recent.pop_front();
        }
        let cost = self.cost(resource);
        let own = self.totals.get(resource).copied().map(ours);
        let of_own = |spent: &&Spent| spent.resource == resource;
        let at = from
            .max(self.free(limit, cost, |_| true))
            .max(self.free(own, cost, of_own));
        let place = self.recent.partition_point(|spent| spent.at <= at);
        let near = self.recent.iter_mut().take(place).rev();
        let mut near = near.take_while(|spent| spent.at + GRAIN > at);
        if let Some(spent) = near.find(|spent| spent.resource == resource) {
            spent.cost += cost;
        } else {
            let resource = resource.to_owned();
            let spent = Spent { at, resource, cost };
            self.recent.insert(place, spent);
        }
        at
    }

    /// Frees a place that was not used.
    fn give_back(&mut self, resource: &str, at: Duration, cost: u64) {
        let is_it =
            |spent: &Spent| spent.resource == resource && spent.at <= at && at < spent.at + GRAIN;
        if let Some(place) = self.recent.iter().rposition(is_it) {
            let left = self.recent[place].cost.saturating_sub(cost);
            if left == 0 {
                self.recent.remove(place);
            } else {
                self.recent[place].cost = left;
            }
        }
    }

    /// When there is room for `cost` beside the calls that count.
    fn free(&self, limit: Option<u64>, cost: u64, counts: impl Fn(&&Spent) -> bool) -> Duration {
        let Some(limit) = limit else {
            return Duration::ZERO;
        };
        let mut room = limit.saturating_sub(cost);
        // From the newest back: what does not fit beside us must have left the window.
        for spent in self.recent.iter().rev().filter(counts) {
            match room.checked_sub(spent.cost) {
                Some(rest) => room = rest,
                None => return spent.at + WINDOW + GRAIN,
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn headers(total: u64, left: u64, used: u64) -> HeaderMap {
        let number = |n: u64| n.to_string().parse().unwrap();
        HeaderMap::from_iter([
            ("x-ratelimit-total".parse().unwrap(), number(total)),
            ("x-ratelimit-remaining".parse().unwrap(), number(left)),
            (
                "x-ratelimit-used-currentrequest".parse().unwrap(),
                number(used),
            ),
        ])
    }

    async fn waited(pace: &Pace, resource: &str) -> Duration {
        let start = tokio::time::Instant::now();
        pace.wait(&SystemClock, resource).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_window_makes_the_next_call_wait() {
        let pace = Pace::new(Some(2));
        for expected in [Duration::ZERO, Duration::ZERO, WINDOW + GRAIN] {
            assert_eq!(waited(&pace, "devices").await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_tenth_of_an_endpoints_quota_is_left_to_people() {
        let pace = Pace::new(None);
        pace.learn(&SystemClock, "requesters", &headers(40, 4, 1));
        assert_eq!(waited(&pace, "agents").await, Duration::ZERO);
        assert_eq!(waited(&pace, "requesters").await, WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn an_accounts_limit_is_that_of_all_its_endpoints_and_includes_cost() {
        let pace = Pace::new(None);
        pace.learn(&SystemClock, "ticket", &headers(100, 96, 4));
        // 90 are ours: 22 views of four, and two calls of one.
        for _ in 0..22 {
            assert_eq!(waited(&pace, "ticket").await, Duration::ZERO);
        }
        for _ in 0..2 {
            assert_eq!(waited(&pace, "time_entries").await, Duration::ZERO);
        }
        assert_eq!(waited(&pace, "time_entries").await, WINDOW + GRAIN);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_gives_the_place_back() {
        let pace = Pace::new(Some(2));
        waited(&pace, "devices").await;
        waited(&pace, "devices").await;
        for _ in 0..50 {
            let patience = Duration::from_millis(1);
            let waits = pace.wait(&SystemClock, "devices");
            assert!(tokio::time::timeout(patience, waits).await.is_err());
        }
        assert!(waited(&pace, "devices").await <= WINDOW + GRAIN);
    }
}
