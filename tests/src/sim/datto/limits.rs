//! One limit for the whole account over any 60 seconds: slow, then 429, then a block of the address
//! (vendors 2.3).

use std::{collections::VecDeque, time::Duration};

use super::options::Options;
use crate::sim::clock::SimClock;

pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// The share of the limit above which calls become slow.
pub(super) const CUT_OFF_RATIO: f64 = 0.9;
const BLOCK: Duration = Duration::from_secs(300);

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// The call is answered this much later.
    Slow(Duration),
    /// 429; the window has room again after this long.
    Limited(Duration),
    /// 403 whatever is asked for.
    Blocked,
}

/// Counts calls of one account.
#[derive(Debug)]
pub(super) struct Limits {
    enforced: bool,
    limit: u32,
    slow_down: Duration,
    block_after: u32,
    clock: SimClock,
    recent: VecDeque<Duration>,
    refused: u32,
    blocked_until: Option<Duration>,
}

impl Limits {
    pub fn new(options: &Options) -> Self {
        Self {
            enforced: options.limits,
            limit: options.read_limit,
            slow_down: options.slow_down,
            block_after: options.block_after,
            clock: options.clock.clone(),
            recent: VecDeque::new(),
            refused: 0,
            blocked_until: None,
        }
    }

    /// Whether the address is blocked; asking costs nothing.
    pub fn blocked(&mut self) -> bool {
        let now = self.clock.elapsed();
        self.blocked_until = self.blocked_until.filter(|until| *until > now);
        self.blocked_until.is_some()
    }

    /// Calls in the last 60 seconds.
    pub fn used(&mut self) -> u32 {
        let now = self.clock.elapsed();
        while self.recent.front().is_some_and(|at| *at + WINDOW <= now) {
            self.recent.pop_front();
        }
        u32::try_from(self.recent.len()).unwrap_or(u32::MAX)
    }

    /// Counts a call. Whether refused calls fill the window is not written down; here they do not, but
    /// going on with them leads to the block.
    pub fn spend(&mut self) -> Verdict {
        if self.blocked() {
            return Verdict::Blocked;
        }
        let (now, used) = (self.clock.elapsed(), self.used());
        if self.enforced && used >= self.limit {
            self.refused += 1;
            if self.refused > self.block_after {
                self.refused = 0;
                self.blocked_until = Some(now + BLOCK);
                return Verdict::Blocked;
            }
            let oldest = self.recent.front().copied().unwrap_or(now);
            return Verdict::Limited((oldest + WINDOW).saturating_sub(now));
        }
        self.refused = 0;
        self.recent.push_back(now);
        if self.enforced && f64::from(used) >= f64::from(self.limit) * CUT_OFF_RATIO {
            return Verdict::Slow(self.slow_down);
        }
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> (Limits, SimClock) {
        let clock = SimClock::stopped();
        let options = Options {
            clock: clock.clone(),
            ..Options::default()
        };
        (Limits::new(&options), clock)
    }

    #[test]
    fn calls_are_slowed_then_refused_then_blocked() {
        let (mut limits, clock) = limits();
        let slow = Verdict::Slow(Duration::from_secs(1));
        for n in 0..600 {
            let expected = if n < 540 { Verdict::Pass } else { slow };
            assert_eq!(limits.spend(), expected, "{n}");
        }
        clock.advance(Duration::from_secs(15));
        for _ in 0..20 {
            assert_eq!(limits.spend(), Verdict::Limited(Duration::from_secs(45)));
        }
        assert_eq!(limits.spend(), Verdict::Blocked);
        clock.advance(Duration::from_secs(299));
        assert_eq!(limits.spend(), Verdict::Blocked);
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.spend(), Verdict::Pass);
    }

    #[test]
    fn limit_window_rolls() {
        let (mut limits, clock) = limits();
        for _ in 0..300 {
            limits.spend();
        }
        clock.advance(Duration::from_secs(30));
        for _ in 0..300 {
            limits.spend();
        }
        assert_eq!(limits.spend(), Verdict::Limited(Duration::from_secs(30)));
        clock.advance(Duration::from_secs(30));
        assert_eq!(limits.used(), 300);
        assert_eq!(limits.spend(), Verdict::Pass);
    }

    #[test]
    fn waiting_client_is_never_blocked() {
        let (mut limits, clock) = limits();
        for _ in 0..10 {
            while !matches!(limits.spend(), Verdict::Limited(_)) {}
            clock.advance(WINDOW);
        }
        assert!(!limits.blocked());
    }
}
