//! Staying below a vendor's limits.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

/// The window of every limit that we know (upstreams 1.3, 2.3).
const WINDOW: Duration = Duration::from_secs(60);

/// How fast an account is called: by a window of our own where the vendor gives no headers, by the
/// vendor's word where it does. Clones are one: a limit is the account's, whoever calls.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    per_minute: Option<usize>,
    recent: Mutex<VecDeque<Instant>>,
    /// Resources whose quota is nearly used up, and until when they rest.
    resting: Mutex<HashMap<String, Instant>>,
    /// Until when nothing is called, because the vendor limited one of our calls.
    limited: Mutex<Option<Instant>>,
}

impl Pace {
    /// At most so many calls in any 60 seconds; `None` where the vendor's headers tell.
    pub fn new(per_minute: Option<u32>) -> Self {
        let per_minute = per_minute.map(|n| usize::try_from(n.max(1)).unwrap_or(usize::MAX));
        Self(Arc::new(Inner {
            per_minute,
            ..Inner::default()
        }))
    }

    /// Keeps every call waiting for a while; a longer wait stands.
    pub(super) fn rest_for(&self, wait: Duration) {
        let mut limited = self
            .0
            .limited
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *limited = (*limited).max(Some(Instant::now() + wait));
    }

    /// Waits until a limit is over.
    pub(super) async fn rest(&self) {
        let until = *self
            .0
            .limited
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Waits until a call may be made, at most `max`.
    pub(super) async fn wait(&self, resource: &str, max: Duration) {
        let rest = self
            .0
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(resource)
            .copied();
        let free = self.reserve();
        if let Some(at) = [rest, free].into_iter().flatten().max() {
            tokio::time::sleep_until(at.min(Instant::now() + max)).await;
        }
    }

    /// Takes a place in the window; says when it is free.
    fn reserve(&self) -> Option<Instant> {
        let per_minute = self.0.per_minute?;
        let mut recent = self.0.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while recent.front().is_some_and(|at| *at + WINDOW <= now) {
            recent.pop_front();
        }
        let at = if recent.len() < per_minute {
            now
        } else {
            recent[recent.len() - per_minute] + WINDOW
        };
        recent.push_back(at);
        (at > now).then_some(at)
    }

    /// Reads what Freshservice says of the quota of this endpoint: the last tenth is for people.
    pub(super) fn learn(&self, resource: &str, headers: &HeaderMap) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let (Some(total), Some(left)) =
            (number("x-ratelimit-total"), number("x-ratelimit-remaining"))
        else {
            return;
        };
        let mut resting = self
            .0
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if left * 10 <= total {
            resting.insert(resource.to_owned(), Instant::now() + WINDOW);
        } else {
            resting.remove(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_window_makes_the_next_call_wait() {
        let pace = Pace::new(Some(2));
        let start = Instant::now();
        for _ in 0..3 {
            pace.wait("devices", WINDOW).await;
        }
        assert_eq!(start.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_tenth_of_an_endpoints_quota_is_left_to_people() {
        let pace = Pace::new(None);
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-total", "40".parse().unwrap());
        headers.insert("x-ratelimit-remaining", "4".parse().unwrap());
        pace.learn("requesters", &headers);
        let start = Instant::now();
        pace.wait("agents", WINDOW).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        pace.wait("requesters", WINDOW).await;
        assert_eq!(start.elapsed(), WINDOW);
    }
}
