//! Numbers of which the PSA had no ticket a moment ago.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

/// How long it is believed that there is no ticket of a number, and of how many.
const UNKNOWN_FOR: TimeDelta = TimeDelta::minutes(1);
const MAX_UNKNOWN: usize = 1_000;

/// Numbers of which there was no ticket, and until when that is believed.
#[derive(Debug, Default)]
pub(crate) struct UnknownTickets(Mutex<HashMap<i64, DateTime<Utc>>>);

impl UnknownTickets {
    /// Whether it was found a moment ago that there is no such ticket.
    pub fn contains(&self, number: i64, now: DateTime<Utc>) -> bool {
        self.lock().get(&number).is_some_and(|until| *until > now)
    }

    /// Notes that there is no such ticket, for a while.
    pub fn note(&self, number: i64, now: DateTime<Utc>) {
        let mut unknown = self.lock();
        if unknown.len() >= MAX_UNKNOWN {
            unknown.retain(|_, until| *until > now);
        }
        // For a caller that asks for thousands of unknown numbers, remembering them saves nothing.
        if unknown.len() < MAX_UNKNOWN {
            unknown.insert(number, now + UNKNOWN_FOR);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_are_believed_for_a_minute() {
        let (unknown, now) = (UnknownTickets::default(), DateTime::UNIX_EPOCH);
        unknown.note(7, now);
        assert!(unknown.contains(7, now + TimeDelta::seconds(59)));
        assert!(!unknown.contains(7, now + UNKNOWN_FOR) && !unknown.contains(8, now));
    }

    #[test]
    fn only_a_thousand_numbers_are_remembered() {
        let (unknown, now) = (UnknownTickets::default(), DateTime::UNIX_EPOCH);
        for number in 0..1_001 {
            unknown.note(number, now);
        }
        assert!(unknown.contains(999, now) && !unknown.contains(1_000, now));
        let later = now + UNKNOWN_FOR;
        unknown.note(1_000, later);
        assert!(unknown.contains(1_000, later), "the others are forgotten");
    }
}
