//! The dashboard: counts, what needs somebody's attention, and the numbers behind its charts.
//!
//! Most figures are aggregates over all records that a caller sees, and cost tens of milliseconds at 200,000 tickets.
//! They are kept until a table that they were made of changes.

#[cfg(feature = "sync")]
pub(crate) mod cache;
#[cfg(feature = "sync")]
mod query;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

#[cfg(feature = "sync")]
use chrono::{DateTime, NaiveDate, Utc};

/// Weeks of tickets that are counted, the current one among them.
pub const WEEKS: i64 = 26;
/// Days of syncs that are shown, today among them.
pub const SYNC_DAYS: i64 = 14;
/// Days within which a contract counts as ending.
pub const ENDING_DAYS: i64 = 90;
/// Months of ending contracts that are counted, the current one among them.
pub const MONTHS: usize = 12;
/// The most records of a short list, and the most bars of a chart.
pub const SHOWN: usize = 10;

/// Every named statement of the dashboard.
#[cfg(feature = "sync")]
pub(crate) fn statements() -> Vec<(&'static str, crate::store::Sql)> {
    query::statements()
}

/// The beginning of a day.
#[cfg(feature = "sync")]
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}
