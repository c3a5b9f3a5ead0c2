//! Staying below a vendor's limits, together with every other process that calls the account.

use std::{
    collections::HashMap,
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderMap;
use uuid::Uuid;

use super::budget::{
    Budget, Caller, FinishedGrant, GOOD_FOR, Grant, Known, Millis, WINDOW, is_nearly_used_up,
};
use crate::{Result, clock::Clock, sync::RateLimitBlock};

/// The largest number of calls that is believed of a vendor: others would not fit what is computed of them.
const MOST_REPORTED: u64 = 1_000_000;

/// This process among those that call an account.
static PROCESS: LazyLock<u32> = LazyLock::new(|| Uuid::new_v4().as_fields().0);
/// How many grants it has asked for.
static GRANTS: AtomicU64 = AtomicU64::new(0);

/// How fast an account is called: by a window of our own where the vendor gives no headers, by the vendor's word where
/// it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallRate {
    per_minute: Option<u64>,
}

impl CallRate {
    /// At most so many calls in any 60 seconds; `None` where the vendor's headers tell.
    pub fn new(per_minute: Option<u32>) -> Self {
        Self {
            per_minute: per_minute.map(|calls| calls.max(1).into()),
        }
    }
}

/// Paces the calls of one [`super::Upstream`]. What the account has spent stands in a row that all processes share; a
/// few calls at a time are taken from it, so that a call costs no statement.
#[derive(Debug)]
pub(crate) struct Pacer {
    rate_limit_block: RateLimitBlock,
    caller: Caller,
    /// Whoever takes places for the others.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the row said of the limits; `None` until it was read.
    known: Option<Known>,
    /// What the vendor has reported since.
    reported: Known,
    /// Grants in use, by resource.
    held: HashMap<String, Held>,
    /// Grants that ended, which the row does not know yet.
    finished: Vec<FinishedGrant>,
    /// Calls that were made before a limit was known.
    uncounted: Vec<(String, Millis)>,
    /// Until when nothing is called, by [`Clock::elapsed`], because the vendor limited one of our calls.
    limited: Duration,
}

/// A grant in use.
#[derive(Debug)]
struct Held {
    grant: Grant,
    used: u64,
    last: Millis,
}

impl Held {
    fn is_good(&self, now: Millis) -> bool {
        self.used < self.grant.calls && now < self.grant.at + GOOD_FOR
    }

    fn finished(&self, by: u32) -> FinishedGrant {
        FinishedGrant {
            by,
            id: self.grant.id,
            calls: self.grant.calls,
            used: self.used,
            at: self.last,
        }
    }
}

/// A grant of one call. It is returned when its caller stops waiting, so that later callers are not held up.
struct Single<'p> {
    pacer: &'p Pacer,
    grant: FinishedGrant,
    /// More calls were granted, and all of them are held.
    is_held: bool,
}

impl Drop for Single<'_> {
    fn drop(&mut self) {
        if !self.is_held {
            self.pacer.state().finished.push(self.grant.clone());
        }
    }
}

impl Drop for Pacer {
    /// Returns unused grants when the run ends.
    fn drop(&mut self) {
        let by = self.caller.by;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut finished = std::mem::take(&mut state.finished);
        finished.extend(state.held.values().map(|held| held.finished(by)));
        self.rate_limit_block.leave(finished);
    }
}

impl Pacer {
    pub fn new(call_rate: CallRate, rate_limit_block: RateLimitBlock) -> Self {
        let caller = Caller {
            by: *PROCESS,
            is_person: false,
            per_minute: call_rate.per_minute,
        };
        Self {
            rate_limit_block,
            caller,
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Somebody waits for the answers.
    pub fn for_people(mut self) -> Self {
        self.caller.is_person = true;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps every call of ours waiting for a while; a longer wait stands.
    pub fn rest_for(&self, clock: &dyn Clock, wait: Duration) {
        let mut state = self.state();
        state.limited = state.limited.max(clock.elapsed() + wait);
    }

    /// Waits until a limit is over.
    pub async fn rest(&self, clock: &dyn Clock) {
        let wait = self.state().limited.saturating_sub(clock.elapsed());
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
    }

    /// Waits until a call may be made: a window or two, for callers are few.
    ///
    /// # Errors
    /// [`crate::Error::Db`] when the account's row cannot be reached.
    pub async fn wait(&self, clock: &dyn Clock, resource: &str) -> Result<()> {
        let resource = match self.caller.per_minute {
            Some(_) => "",
            None => resource,
        };
        let turn = self.turn.lock().await;
        let now = clock.now().timestamp_millis();
        if self.use_held(resource, now) || !self.is_limited(resource, now).await? {
            return Ok(());
        }
        let mut single = Single {
            pacer: self,
            grant: FinishedGrant {
                by: self.caller.by,
                id: GRANTS.fetch_add(1, Ordering::Relaxed),
                calls: 1,
                used: 0,
                at: now,
            },
            is_held: false,
        };
        let grant = self.take(single.grant.id, resource, now).await?;
        single.grant.at = grant.at;
        let wait = u64::try_from(grant.at - now).unwrap_or_default();
        if grant.calls > 1 {
            self.state().hold(self.caller.by, resource, grant);
            single.is_held = true;
        }
        drop(turn);
        if wait > 0 {
            clock.sleep(Duration::from_millis(wait)).await;
        }
        single.grant.used = 1;
        Ok(())
    }

    /// Uses a call of a grant that is held.
    fn use_held(&self, resource: &str, now: Millis) -> bool {
        let mut state = self.state();
        let held = state.held.get_mut(resource);
        let Some(held) = held.filter(|held| held.is_good(now)) else {
            return false;
        };
        held.used += 1;
        held.last = now;
        true
    }

    /// Whether a limit of the account is known; else the call is only noted.
    async fn is_limited(&self, resource: &str, now: Millis) -> Result<bool> {
        if self.state().known.is_none() {
            let known = self.rate_limit_block.budget().await?.known;
            self.state().known.get_or_insert(known);
        }
        let mut state = self.state();
        let known = state
            .known
            .as_ref()
            .and_then(|known| self.caller.limit(known));
        if known
            .or_else(|| self.caller.limit(&state.reported))
            .is_some()
        {
            return Ok(true);
        }
        state.uncounted.retain(|(_, at)| now - at < WINDOW);
        state.uncounted.push((resource.to_owned(), now));
        Ok(false)
    }

    /// Takes places from the account's row, and tells it what it does not know yet.
    async fn take(&self, id: u64, resource: &str, now: Millis) -> Result<Grant> {
        let (finished, reported, uncounted) = {
            let mut state = self.state();
            state.finish_grant(self.caller.by, resource);
            (
                state.finished.clone(),
                std::mem::take(&mut state.reported),
                std::mem::take(&mut state.uncounted),
            )
        };
        let many = finished.len();
        let again = (reported.clone(), uncounted.clone());
        let caller = self.caller;
        let change = |budget: &mut Budget| {
            for finished in &finished {
                budget.finish_grant(finished);
            }
            budget.tidy(caller.by, now);
            for (resource, at) in &uncounted {
                budget.add(caller.by, resource, *at);
            }
            budget.learn(reported);
            let grant = budget.take(caller, id, resource, now);
            (grant, budget.known.clone())
        };
        let taken = self.rate_limit_block.change_budget(change).await;
        let mut state = self.state();
        match taken {
            Ok((grant, known)) => {
                state.finished.drain(..many);
                state.known = Some(known);
                Ok(grant)
            }
            Err(error) => {
                let (reported, uncounted) = again;
                state.reported.add(reported);
                state.uncounted.extend(uncounted);
                Err(error)
            }
        }
    }

    /// Reads what Freshservice says of the quota of this endpoint. Where a limit is configured nobody asks for it, and
    /// resources are as many as records.
    pub fn learn(&self, clock: &dyn Clock, resource: &str, headers: &HeaderMap) {
        if self.caller.per_minute.is_some() {
            return;
        }
        let number = |name| {
            let reported = headers.get(name)?.to_str().ok()?.trim().parse::<u64>();
            reported.ok().map(|reported| reported.min(MOST_REPORTED))
        };
        let (Some(total), Some(left)) =
            (number("x-ratelimit-total"), number("x-ratelimit-remaining"))
        else {
            return;
        };
        let now = clock.now().timestamp_millis();
        let mut state = self.state();
        let is_nearly_used_up = is_nearly_used_up(left, total);
        let reported = Known {
            shown: Some(total),
            totals: [(resource.to_owned(), total)].into(),
            costs: number("x-ratelimit-used-currentrequest")
                .map(|cost| (resource.to_owned(), cost.max(1)))
                .into_iter()
                .collect(),
            // Others use the quota too. Where it is free again, an earlier rest ends.
            resting: [(
                resource.to_owned(),
                if is_nearly_used_up { now + WINDOW } else { now },
            )]
            .into(),
        };
        state.note_reported(reported, now);
        if is_nearly_used_up {
            state.finish_grant(self.caller.by, resource);
        }
    }
}

impl State {
    /// Notes what the row does not say already.
    fn note_reported(&mut self, mut reported: Known, now: Millis) {
        let known = self.known.clone().unwrap_or_default();
        let rests =
            |known: &Known, name: &str| known.resting.get(name).is_some_and(|until| *until > now);
        reported.shown = reported.shown.filter(|shown| known.shown < Some(*shown));
        reported
            .totals
            .retain(|name, total| known.totals.get(name) != Some(&*total));
        reported
            .costs
            .retain(|name, cost| known.costs.get(name) != Some(&*cost));
        reported.resting.retain(|name, until| {
            *until > now || rests(&known, name) || rests(&self.reported, name)
        });
        self.reported.add(reported);
    }

    /// Ends a grant.
    fn finish_grant(&mut self, by: u32, resource: &str) {
        let ended = self.held.remove(resource);
        self.finished.extend(ended.map(|held| held.finished(by)));
    }

    /// Begins a grant by its first call.
    fn hold(&mut self, by: u32, resource: &str, grant: Grant) {
        self.finish_grant(by, resource);
        let held = Held {
            used: 1,
            last: grant.at,
            grant,
        };
        self.held.insert(resource.to_owned(), held);
    }
}
