//! What every source shares: runs, collections, what is missing, leases, limits, plans, calls.

pub(crate) mod crawl;
pub(crate) mod decode;
pub(crate) mod guard;
pub(crate) mod http;
pub(crate) mod item;
pub(crate) mod lease;
pub(crate) mod matching;
pub(crate) mod missing;
pub(crate) mod optional;
pub(crate) mod plan;
pub(crate) mod rate_limit_block;
pub(crate) mod relink;
pub(crate) mod run;
pub(crate) mod step;
