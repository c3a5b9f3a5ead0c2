//! How the simulated account behaves: the switches of vendors 6.

use std::time::Duration;

use crate::sim::{clock::SimClock, reply::BodyForm};

/// The key that the simulator accepts unless it is given another.
pub const API_KEY: &str = "sim-datto-key";
/// Its secret.
pub const API_SECRET: &str = "sim-datto-secret";

/// How the simulated account behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that is accepted.
    pub api_key: String,
    /// Its secret.
    pub api_secret: String,
    /// How long a token is good for.
    pub token_lifetime: Duration,
    /// Status for bad keys: 400 or 401.
    pub bad_credentials: u16,
    /// Whether limits are enforced. `request_rate` counts in any case.
    pub limits: bool,
    /// Calls in any 60 seconds.
    pub read_limit: u32,
    /// What is added to each call above nine tenths of the limit.
    pub slow_down: Duration,
    /// Refused calls in a row after which the address is blocked for five minutes.
    pub block_after: u32,
    /// Body of a 429, and its `Retry-After`.
    pub rate_429_body: BodyForm,
    /// Whether a 429 says when to come back.
    pub retry_after: bool,
    /// Body of the 403 of a block.
    pub block_body: BodyForm,
    /// The clock of limits and tokens.
    pub clock: SimClock,
    /// The largest page, which is also the default.
    pub page_max: usize,
    /// Next pages lose the filters of the page before (trap 38).
    pub links_drop_filters: bool,
    /// The account-wide device list lacks every third device (trap 39).
    pub account_list_lacks_third: bool,
    /// What devices carry of user-defined fields (trap 55).
    pub udf: Udf,
    /// What creating a variable does whose name is taken (vendors 6).
    pub taken_variable: TakenVariable,
    /// How times are written (trap 54).
    pub times: Times,
    /// Added to every answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: API_KEY.to_owned(),
            api_secret: API_SECRET.to_owned(),
            token_lifetime: Duration::from_secs(100 * 3600),
            bad_credentials: 400,
            limits: true,
            read_limit: 600,
            slow_down: Duration::from_secs(1),
            block_after: 20,
            rate_429_body: BodyForm::Empty,
            retry_after: false,
            block_body: BodyForm::Html,
            clock: SimClock::running(),
            page_max: 250,
            links_drop_filters: false,
            account_list_lacks_third: false,
            udf: Udf::Udf30,
            taken_variable: TakenVariable::Refused,
            times: Times::Millis,
            latency: Duration::ZERO,
        }
    }
}

/// What creating a variable does whose name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenVariable {
    /// 400.
    Refused,
    /// 409.
    Conflict,
    /// The value is replaced.
    Replaced,
}

/// User-defined fields of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Udf {
    /// `udf1` to `udf30`, as up to build 591.
    Udf30,
    /// `udf1` to `udf300`, as from build 118.
    Udf300,
    /// None at all, as build 235 documents.
    Absent,
}

/// Times of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Milliseconds since 1970, as sent in fact.
    Millis,
    /// ISO text, as documented.
    Iso,
    /// Seconds since 1970.
    Seconds,
}
