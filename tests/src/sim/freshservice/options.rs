//! How the simulated account behaves: the switches of vendors 1.9 and 6.

use std::time::Duration;

use crate::sim::{clock::SimClock, reply::BodyForm};

/// The key that the simulator accepts unless it is given another.
pub const API_KEY: &str = "sim-freshservice-key";

/// How the simulated account behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that is accepted.
    pub api_key: String,
    /// Whether limits are counted and enforced; when off, the headers show an unused quota.
    pub limits: bool,
    /// The plan, which decides the limits.
    pub plan: AccountPlan,
    /// `X-RateLimit-*` speak of the account and not, as recorded, of the endpoint where it has a limit.
    pub headers_show_account: bool,
    /// The clock of the limits.
    pub clock: SimClock,
    /// The MSP edition: departments with ids as text and a plural wrapper, requesters under `requester`,
    /// records of the default client only (trap 35).
    pub msp_mode: bool,
    /// Departments and agents carry their workspace, as in newer accounts.
    pub workspace_keys: bool,
    /// Custom fields are null where there are none, instead of `{}`.
    pub custom_fields_null: bool,
    /// Whether `agents/me` exists, which no document says.
    pub agents_me: bool,
    /// The most records on a page of any other list: 100 (vendors 1.2), less for worlds that are small.
    pub per_page_cap: usize,
    /// The most tickets on a page of the filter: 30, or 100 in other accounts (vendors 6).
    pub filter_per_page_cap: usize,
    /// A second workspace, whose tickets are listed only when they are asked for (trap 34).
    pub second_workspace: bool,
    /// How far the filter's index lags behind (trap 6).
    pub search_lag: chrono::Duration,
    /// Links to next pages of tickets carry the filters (trap 4).
    pub links_keep_filters: bool,
    /// Whether departments have the custom field `account_number` (trap 23).
    pub account_number_field: bool,
    /// Body of a 429.
    pub rate_429_body: BodyForm,
    /// Body of a 404.
    pub body_404: BodyForm,
    /// Body of a 401.
    pub body_401: BodyForm,
    /// Added to every answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: API_KEY.to_owned(),
            limits: true,
            plan: AccountPlan::Enterprise,
            headers_show_account: false,
            clock: SimClock::running(),
            msp_mode: false,
            workspace_keys: false,
            custom_fields_null: false,
            agents_me: true,
            account_number_field: true,
            second_workspace: false,
            per_page_cap: 100,
            filter_per_page_cap: 30,
            search_lag: chrono::Duration::zero(),
            links_keep_filters: true,
            rate_429_body: BodyForm::Empty,
            body_404: BodyForm::Empty,
            body_401: BodyForm::Json,
            latency: Duration::ZERO,
        }
    }
}

/// A plan, by its limits (vendors 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountPlan {
    /// 100 calls a minute, 40 of a list.
    Starter,
    /// 200 calls a minute, 70 of a list; also the MSP edition's Core plan.
    Growth,
    /// 400 calls a minute, 120 of a list.
    Pro,
    /// 500 calls a minute, 140 of a list.
    Enterprise,
    /// Any limits, for a test that should not need hundreds of calls.
    Custom {
        /// Calls a minute.
        all: u32,
        /// Calls a minute of a list that has a limit of its own.
        list: u32,
    },
}

impl AccountPlan {
    /// Calls a minute of the account, of each list that has a limit of its own, and of single tickets.
    pub(super) fn limits(self) -> (u32, u32, u32) {
        match self {
            Self::Starter => (100, 40, 50),
            Self::Growth => (200, 70, 80),
            Self::Pro => (400, 120, 140),
            Self::Enterprise => (500, 140, 160),
            Self::Custom { all, list } => (all, list, list),
        }
    }
}
