//! Calls a minute: of the account, and of the endpoints that have a limit of their own (vendors 1.3).

use std::{collections::HashMap, time::Duration};

use super::options::{AccountPlan, Options};
use crate::sim::clock::SimClock;

const WINDOW: Duration = Duration::from_secs(60);
/// The limit of single tickets.
pub(super) const VIEW: &str = "ticket";
/// What is shown where limits are off.
const NONE: u32 = 100_000_000;

/// What a call may know about its limit afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    pub total: u32,
    pub remaining: u32,
    pub used: u32,
}

/// Counts calls of one account.
#[derive(Debug)]
pub(super) struct Limits {
    enforced: bool,
    plan: AccountPlan,
    headers_show_account: bool,
    clock: SimClock,
    started: Duration,
    account: u32,
    endpoints: HashMap<&'static str, u32>,
}

impl Limits {
    pub fn new(options: &Options) -> Self {
        Self {
            enforced: options.limits,
            plan: options.plan,
            headers_show_account: options.headers_show_account,
            started: options.clock.elapsed(),
            clock: options.clock.clone(),
            account: 0,
            endpoints: HashMap::new(),
        }
    }

    /// Counts a call that costs `credits`; `limited` names the endpoint if it has a limit of its own.
    /// Over the limit: how long to wait.
    pub fn spend(
        &mut self,
        limited: Option<&'static str>,
        credits: u32,
    ) -> (Quota, Result<(), Duration>) {
        let now = self.clock.elapsed();
        if now >= self.started + WINDOW {
            self.started = now;
            self.account = 0;
            self.endpoints.clear();
        }
        if !self.enforced {
            // A client that heeds the headers must not be slowed by limits that are off.
            let (total, remaining, used) = (NONE, NONE, credits);
            return (
                Quota {
                    total,
                    remaining,
                    used,
                },
                Ok(()),
            );
        }
        let (all, list, view) = self.plan.limits();
        self.account += credits;
        let mut shown = (all, self.account);
        let mut over = self.account > all;
        if let Some(name) = limited {
            let used = self.endpoints.entry(name).or_insert(0);
            *used += credits;
            let own = if name == VIEW { view } else { list };
            over |= *used > own;
            if !self.headers_show_account {
                shown = (own, *used);
            }
        }
        let quota = Quota {
            total: shown.0,
            remaining: shown.0.saturating_sub(shown.1),
            used: credits,
        };
        if over {
            (quota, Err((self.started + WINDOW).saturating_sub(now)))
        } else {
            (quota, Ok(()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(plan: AccountPlan) -> (Limits, SimClock) {
        let clock = SimClock::stopped();
        let options = Options {
            plan,
            clock: clock.clone(),
            ..Options::default()
        };
        (Limits::new(&options), clock)
    }

    #[test]
    fn endpoint_limit_is_apart_from_the_account_limit() {
        let (mut limits, clock) = limits(AccountPlan::Enterprise);
        for n in 1..=140 {
            let (quota, verdict) = limits.spend(Some("agents"), 1);
            assert_eq!(
                (quota.total, quota.remaining, verdict),
                (140, 140 - n, Ok(()))
            );
        }
        clock.advance(Duration::from_secs(20));
        let (_, verdict) = limits.spend(Some("agents"), 1);
        assert_eq!(verdict, Err(Duration::from_secs(40)));
        let (quota, verdict) = limits.spend(None, 1);
        assert_eq!((quota.total, quota.remaining, verdict), (500, 358, Ok(())));
        clock.advance(Duration::from_secs(40));
        assert_eq!(limits.spend(Some("agents"), 1).1, Ok(()));
    }

    #[test]
    fn account_limit_covers_all_endpoints() {
        let (mut limits, _) = limits(AccountPlan::Starter);
        for n in 0..100 {
            assert_eq!(limits.spend(None, 1).1, Ok(()), "{n}");
        }
        assert!(limits.spend(Some("agents"), 1).1.is_err());
    }

    #[test]
    fn included_records_cost_credits() {
        let (mut limits, _) = limits(AccountPlan::Custom { all: 10, list: 5 });
        let (quota, _) = limits.spend(Some("agents"), 3);
        assert_eq!((quota.used, quota.remaining), (3, 2));
    }
}
