//! How often an account was called of late, and how often it may be called now: arithmetic, without clock or database.
//!
//! A caller takes places for several calls at once, a [`Grant`], and says later how many it used. Until then the
//! places count as if the calls were made at the last moment that the grant is good for. So a process that dies with a
//! grant costs the others some calls of one window, and never the vendor's patience.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 by some host's clock.
pub(crate) type Millis = i64;

/// The window of every limit that we know of vendors.
pub(crate) const WINDOW: Millis = 60_000;
/// Calls this near to one another are counted as one.
const GRAIN: Millis = 250;
/// How long a grant is good for.
pub(crate) const GOOD_FOR: Millis = 5_000;
/// By how much the clocks of two hosts may differ: what another process has noted counts this much longer.
pub(crate) const SKEW: Millis = 5_000;
/// Of what a vendor shows that it allows, the last tenth is for people, and for others who call the account.
const OURS: (u64, u64) = (9, 10);
/// Of a limit that was configured, which has a reserve for others already, one in so many calls is for people.
const RESERVE: u64 = 20;
/// The most calls that are granted at once.
const MOST: u64 = 32;
/// No caller waits for longer than this: what is noted for later is of a clock that was wrong.
const FARTHEST: Millis = 15 * WINDOW;

/// What is known of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Budget {
    /// Calls of the last window, and grants that may be used yet.
    spent: Vec<Spent>,
    #[serde(flatten)]
    pub known: Known,
}

/// What a vendor has reported about its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    /// The largest limit that was shown: that of the account, once a call without a limit of its own was made.
    pub shown: Option<u64>,
    /// The limits of resources, as they were shown.
    pub totals: BTreeMap<String, u64>,
    /// What a call of a resource cost last: what is included costs more.
    pub costs: BTreeMap<String, u64>,
    /// Resources whose quota is nearly used up, and until when they rest.
    pub resting: BTreeMap<String, Millis>,
}

/// Calls that count against a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    at: Millis,
    /// Empty where only the account has a limit.
    resource: String,
    cost: u64,
    /// The process whose clock `at` is of.
    by: u32,
    /// The grant, until it is finished.
    grant: Option<u64>,
}

/// Who asks for places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    /// The process.
    pub by: u32,
    /// Whether somebody waits for the answer: the reserve is theirs.
    pub is_person: bool,
    /// A limit of the account that was configured.
    pub per_minute: Option<u64>,
}

/// Places for calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub id: u64,
    /// From when on.
    pub at: Millis,
    pub calls: u64,
}

/// How a grant ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinishedGrant {
    pub by: u32,
    pub id: u64,
    /// Of how many calls it was, and how many were made.
    pub calls: u64,
    pub used: u64,
    /// When the last was made.
    pub at: Millis,
}

impl Caller {
    /// What of a limit this caller may use.
    fn share(self, limit: u64, reserve: u64) -> u64 {
        if self.is_person {
            limit
        } else {
            limit.saturating_sub(reserve).max(1)
        }
    }

    /// What this caller may use of the account's limit, if one is known.
    pub fn limit(self, known: &Known) -> Option<u64> {
        let configured = self.per_minute.map(|all| self.share(all, all / RESERVE));
        configured.or_else(|| known.shown.map(|all| self.share_shown(all)))
    }

    fn share_shown(self, all: u64) -> u64 {
        self.share(all, all - all * OURS.0 / OURS.1)
    }
}

/// Whether so little is left of a quota that only people should use it.
pub(crate) fn is_nearly_used_up(left: u64, total: u64) -> bool {
    left * OURS.1 <= total * (OURS.1 - OURS.0)
}

impl Known {
    /// Adds what was reported later.
    pub fn add(&mut self, reported: Self) {
        self.shown = self.shown.max(reported.shown);
        self.totals.extend(reported.totals);
        self.costs.extend(reported.costs);
        self.resting.extend(reported.resting);
    }

    fn cost(&self, resource: &str) -> u64 {
        self.costs.get(resource).copied().unwrap_or(1)
    }
}

impl Spent {
    /// When it has left the window, by the clock of a process.
    fn leaves(&self, by: u32) -> Millis {
        let skew = if self.by == by { 0 } else { SKEW };
        self.at + WINDOW + GRAIN + skew
    }
}

impl Budget {
    /// How much of its limit the account has used within the last window.
    pub fn used(&self, now: Millis) -> u64 {
        let recent = self.spent.iter().filter(|spent| spent.at > now - WINDOW);
        recent.map(|spent| spent.cost).sum()
    }

    /// Forgets what counts no more, and what a clock has noted that was far ahead; joins what stands close together.
    pub fn tidy(&mut self, by: u32, now: Millis) {
        let is_near = |at: Millis| at <= now + FARTHEST;
        self.spent
            .retain(|spent| spent.leaves(by) > now && is_near(spent.at));
        let rests = &mut self.known.resting;
        rests.retain(|_, until| *until > now && is_near(*until));
        self.spent.sort_by_key(|spent| spent.at);
        self.spent.dedup_by(|next, kept| {
            let same = (kept.by, kept.grant, &kept.resource) == (next.by, None, &next.resource);
            let joined = same && next.grant.is_none() && next.at - kept.at < GRAIN;
            if joined {
                kept.cost += next.cost;
            }
            joined
        });
    }

    /// Adds the limits and costs that were reported since. Calls before the first reported cost were counted as one.
    pub fn learn(&mut self, reported: Known) {
        for (resource, cost) in &reported.costs {
            if !self.known.costs.contains_key(resource) {
                let own = self.spent.iter_mut();
                let own = own.filter(|spent| spent.resource == *resource);
                own.for_each(|spent| spent.cost *= cost);
            }
        }
        self.known.add(reported);
    }

    /// Counts a call that was made before a limit was known.
    pub fn add(&mut self, by: u32, resource: &str, at: Millis) {
        self.spent.push(Spent {
            at,
            resource: resource.to_owned(),
            cost: self.known.cost(resource),
            by,
            grant: None,
        });
    }

    /// Counts what was used of a grant, and frees the rest.
    pub fn finish_grant(&mut self, finished: &FinishedGrant) {
        let is_it = |spent: &Spent| (spent.by, spent.grant) == (finished.by, Some(finished.id));
        let Some(place) = self.spent.iter().position(is_it) else {
            return;
        };
        if finished.used == 0 {
            self.spent.remove(place);
            return;
        }
        let spent = &mut self.spent[place];
        spent.cost = spent.cost / finished.calls.max(1) * finished.used;
        // Nothing is used before it is granted, nor after the grant has ended.
        spent.at = spent.at.min(finished.at);
        spent.grant = None;
    }

    /// Takes places: as many as there is room for now, else one as soon as there is.
    pub(crate) fn take(&mut self, caller: Caller, id: u64, resource: &str, now: Millis) -> Grant {
        let cost = self.known.cost(resource);
        let limit = caller.limit(&self.known);
        let total = self.known.totals.get(resource).copied();
        let own = total.map(|all| caller.share_shown(all));
        let room = |limit: Option<u64>, used: u64| {
            limit.map_or(MOST, |limit| limit.saturating_sub(used) / cost.max(1))
        };
        let all: u64 = self.spent.iter().map(|spent| spent.cost).sum();
        let of_own = self.spent.iter().filter(|spent| spent.resource == resource);
        let of_own: u64 = of_own.map(|spent| spent.cost).sum();
        let rests = self.known.resting.get(resource).copied();
        let rests = rests.filter(|until| *until > now && !caller.is_person);
        // A small limit is not used up by one process that may not need it.
        let most = limit.map_or(MOST, |limit| (limit / RESERVE).clamp(1, MOST));
        let most = if caller.is_person { 1 } else { most };
        let calls = most.min(room(limit, all)).min(room(own, of_own));
        let grant = if calls > 0 && rests.is_none() {
            let at = now;
            Grant { id, at, calls }
        } else {
            let at = now
                .max(rests.unwrap_or(now))
                .max(self.free(caller.by, limit, cost, |_| true))
                .max(self.free(caller.by, own, cost, |spent| spent.resource == resource));
            Grant { id, at, calls: 1 }
        };
        self.spent.push(Spent {
            at: grant.at + GOOD_FOR,
            resource: resource.to_owned(),
            cost: cost * grant.calls,
            by: caller.by,
            grant: Some(id),
        });
        grant
    }

    /// When there is room for `cost` beside the calls that count.
    fn free(
        &self,
        by: u32,
        limit: Option<u64>,
        cost: u64,
        counts: impl Fn(&Spent) -> bool,
    ) -> Millis {
        let Some(limit) = limit else { return 0 };
        let counted = self.spent.iter().filter(|spent| counts(spent));
        let mut counted: Vec<(Millis, u64)> = counted
            .map(|spent| (spent.leaves(by), spent.cost))
            .collect();
        counted.sort_unstable();
        let mut room = limit.saturating_sub(cost);
        // From the last to leave back: what does not fit beside us must have left the window.
        for (leaves, cost) in counted.into_iter().rev() {
            match room.checked_sub(cost) {
                Some(rest) => room = rest,
                None => return leaves,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Caller = Caller {
        by: 1,
        is_person: false,
        per_minute: None,
    };
    const OTHER: Caller = Caller { by: 2, ..SYNC };
    const PERSON: Caller = Caller {
        is_person: true,
        ..SYNC
    };

    /// Makes calls one after the other, as fast as they are granted, for a while: when each was made.
    fn calls(
        budget: &mut Budget,
        caller: Caller,
        resource: &str,
        now: Millis,
        many: usize,
    ) -> Vec<Millis> {
        let (mut made, mut now) = (Vec::new(), now);
        while made.len() < many {
            budget.tidy(caller.by, now);
            let id = made.len() as u64;
            let grant = budget.take(caller, id, resource, now);
            now = now.max(grant.at);
            let used = grant.calls.min((many - made.len()) as u64);
            made.extend((0..used).map(|_| now));
            budget.finish_grant(&FinishedGrant {
                by: caller.by,
                id,
                calls: grant.calls,
                used,
                at: now,
            });
        }
        made
    }

    #[test]
    fn no_window_exceeds_the_limit() {
        let caller = |caller: Caller| Caller {
            per_minute: Some(540),
            ..caller
        };
        let mut budget = Budget::default();
        let mut made = calls(&mut budget, caller(SYNC), "", 0, 400);
        made.extend(calls(&mut budget, caller(OTHER), "", 1_000, 700));
        made.sort_unstable();
        for (from, first) in made.iter().enumerate() {
            let within = made[from..].iter().filter(|at| **at < first + WINDOW);
            assert!(within.count() <= 513, "{first}");
        }
        assert_eq!(made[512], 1_000, "what is allowed is used");
        assert!(made.last().unwrap() < &(2 * (WINDOW + GRAIN + SKEW)));
    }

    #[test]
    fn syncs_leave_a_reserve_for_people() {
        let person = Caller {
            per_minute: Some(540),
            ..PERSON
        };
        let sync = Caller {
            per_minute: Some(540),
            ..SYNC
        };
        let mut budget = Budget::default();
        assert_eq!(calls(&mut budget, sync, "", 0, 513).last(), Some(&0));
        assert_eq!(calls(&mut budget, person, "", 10, 27).last(), Some(&10));
        assert!(calls(&mut budget, person, "", 10, 1)[0] > WINDOW);
    }

    #[test]
    fn open_grants_count_in_full() {
        let caller = Caller {
            per_minute: Some(40),
            ..SYNC
        };
        let mut budget = Budget::default();
        let grant = budget.take(caller, 1, "", 0);
        assert_eq!(
            grant,
            Grant {
                id: 1,
                at: 0,
                calls: 1
            }
        );
        for id in 2..=38 {
            assert_eq!(budget.take(caller, id, "", 0).at, 0);
        }
        assert!(budget.take(caller, 39, "", 0).at > WINDOW);
        let unused = FinishedGrant {
            by: 1,
            id: 2,
            calls: 1,
            used: 0,
            at: 0,
        };
        budget.finish_grant(&unused);
        budget.finish_grant(&FinishedGrant { id: 39, ..unused });
        assert_eq!(budget.take(caller, 40, "", 0).at, 0);
        // Whoever died with grants costs no more than one window.
        budget.tidy(2, GOOD_FOR + WINDOW + GRAIN + SKEW);
        assert_eq!(budget, Budget::default());
    }

    #[test]
    fn clock_set_back_delays_no_call() {
        let day = 24 * 60 * WINDOW;
        let mut budget = Budget::default();
        budget.learn(Known {
            shown: Some(10),
            resting: BTreeMap::from([("ticket".into(), day + WINDOW)]),
            ..Known::default()
        });
        assert_eq!(
            calls(&mut budget, SYNC, "agents", day, 9).last(),
            Some(&day)
        );
        assert_eq!(calls(&mut budget, SYNC, "ticket", 0, 1), [0]);
        assert_eq!(calls(&mut budget, OTHER, "agents", 0, 8).last(), Some(&0));
        assert!(
            calls(&mut budget, OTHER, "agents", 0, 1)[0] > 0,
            "what is near counts"
        );
    }

    #[test]
    fn account_limit_covers_all_resources_and_costs() {
        let mut budget = Budget::default();
        budget.add(1, "ticket", 0);
        budget.learn(Known {
            shown: Some(100),
            costs: BTreeMap::from([("ticket".into(), 4)]),
            ..Known::default()
        });
        // 90 are ours: 22 views of four, one of them made before, and two calls of one.
        let views = calls(&mut budget, SYNC, "ticket", 0, 21);
        assert!(views.iter().all(|at| *at == 0));
        let entries = calls(&mut budget, SYNC, "time_entries", 0, 3);
        assert_eq!(entries[..2], [0, 0]);
        assert_eq!(entries[2], WINDOW + GRAIN);
    }

    #[test]
    fn resource_limit_delays_only_that_resource() {
        let mut budget = Budget::default();
        budget.learn(Known {
            shown: Some(1_000),
            totals: BTreeMap::from([("agents".into(), 10)]),
            resting: BTreeMap::from([("requesters".into(), WINDOW)]),
            ..Known::default()
        });
        assert_eq!(
            calls(&mut budget, SYNC, "agents", 0, 10)[8..],
            [0, WINDOW + GRAIN]
        );
        assert_eq!(calls(&mut budget, SYNC, "departments", 0, 1), [0]);
        assert_eq!(budget.take(SYNC, 77, "requesters", 0).at, WINDOW);
        assert_eq!(budget.take(PERSON, 78, "requesters", 0).at, 0);
    }
}
