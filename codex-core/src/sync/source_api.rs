//! How to sync from another vendor.
//!
//! A vendor is a [`Source`]: it reads the vendor's lists, maps items to records and passes them to its
//! [`Run`]. Comparing, writing, counting, guarding deletions, leases and jobs are the run's business. A
//! whole integration, with nothing left out, is `codex-core/examples/new_source.rs`; in six steps:
//!
//! 1. **Call.** An [`Upstream`] makes calls that are paced, retried and checked, and tells apart what went
//!    wrong ([`UpstreamError`]). Give it a [`RateLimitBlock`] and a [`CallRate`](super::CallRate): limits are the account's,
//!    whoever calls.
//! 2. **Page.** Implement [`Lister`]. Whatever is not a page as the vendor documents it is an error: an
//!    absent list is not an empty one.
//! 3. **Map.** A function from the vendor's item to [`SourceRecord`]. [`Item`] reads members of any type. The id
//!    must be there; anything else that is not stated says nothing, and null blanks.
//! 4. **Crawl.** [`Crawl`] reads a list while the page before is written; [`Run::page`] takes a page. What
//!    could not be read is counted in [`Crawl::unreadable`], and [`Crawl::certify`] judges whether absence in
//!    the list proves anything.
//! 5. **Reconcile.** [`Run::reconcile`] looks after what a certified scope no longer shows. It asks your
//!    [`Directory`] for each record by its id: nothing is deleted because a list was short.
//! 6. **Answer.** What the vendor can do for single records, for people who wait, is behind the traits of
//!    [`ports`](super::ports).
//!
//! Then run the conformance suite, `codex_tests::conformance`, against a simulator of the vendor: it lets calls
//! fail, hang, repeat, shorten and lie, and names what the source does wrong.

pub use super::{HttpSettings, Lookup, RateLimitBlock, Run, Source, SyncKind, UpstreamError, Work};
pub use crate::records::claims::ClaimSource;
pub use crate::{
    records::{ItemError, SourceRecord},
    sync::engine::{
        crawl::{Crawl, Lister, Page},
        http::{Reply, Upstream},
        item::Item,
        missing::Directory,
    },
};
