//! Reading a vendor's list to its end, and judging whether it was whole.

use std::{future::Future, sync::Arc};

use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use super::missing;
use crate::{
    Result,
    jobs::ScopeResult,
    panics::{Panicked, joined, spawn},
    plural::count_of,
    records::Resource,
    sync::{Run, UpstreamError},
};

/// A page of a vendor's list.
#[derive(Debug, Clone)]
pub struct Page<Next> {
    /// The items as sent.
    pub items: Vec<Value>,
    /// Where the next page is; `None` when the vendor said that this was the last.
    pub next: Option<Next>,
    /// How many items the whole list has, where the vendor says so.
    pub total: Option<u64>,
}

/// A client that reads lists page by page.
pub trait Lister: Send + Sync + 'static {
    /// Which list.
    type List: Clone + Send + Sync + std::fmt::Debug + 'static;
    /// Where a page is.
    type Next: Send + 'static;

    /// One page; the first when `at` is `None`. An absent list is an error.
    fn page(
        &self,
        list: &Self::List,
        at: Option<Self::Next>,
    ) -> impl Future<Output = Result<Page<Self::Next>, UpstreamError>> + Send;

    /// Calls made so far.
    fn calls(&self) -> u64;
}

/// A page on its way; nobody fetches it any more once it is dropped.
type Pending<C> =
    AbortOnDropHandle<Result<Result<Page<<C as Lister>::Next>, UpstreamError>, Panicked>>;

/// A list being read: the next page is fetched while the current one is written.
pub struct Crawl<C: Lister> {
    client: Arc<C>,
    list: C::List,
    pending: Option<Pending<C>>,
    first: Vec<Value>,
    pages: u64,
    /// How many items the vendor says there are.
    pub total: Option<u64>,
    /// How many items could not be read.
    pub unreadable: usize,
}

// By hand: what is on its way need not be printable.
impl<C: Lister> std::fmt::Debug for Crawl<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Crawl");
        debug.field("list", &self.list).field("pages", &self.pages);
        debug.finish_non_exhaustive()
    }
}

impl<C: Lister> Crawl<C> {
    /// Starts to read a list.
    pub fn start(client: &Arc<C>, list: C::List) -> Self {
        let mut crawl = Self {
            client: client.clone(),
            list,
            pending: None,
            first: Vec::new(),
            pages: 0,
            total: None,
            unreadable: 0,
        };
        crawl.fetch(None);
        crawl
    }

    fn fetch(&mut self, at: Option<C::Next>) {
        let (client, list) = (self.client.clone(), self.list.clone());
        let fetch = spawn("page", async move { client.page(&list, at).await });
        self.pending = Some(AbortOnDropHandle::new(fetch));
    }

    /// The items of the next page, `None` after the last.
    pub async fn next(&mut self, run: &mut Run) -> Result<Option<Vec<Value>>> {
        let Some(pending) = self.pending.as_mut() else {
            return Ok(None);
        };
        let fetched = pending.await;
        self.pending = None;
        run.calls(self.client.calls());
        let page = joined("page", fetched)??;
        self.pages += 1;
        if self.pages == 1 {
            self.first = page.items.iter().map(identity).collect();
        }
        self.total = page.total.or(self.total);
        if let Some(next) = page.next {
            self.fetch(Some(next));
        }
        Ok(Some(page.items))
    }

    /// Whether absence in this list proves anything; says so on the job.
    ///
    /// The first page is read again when there are several: rows of a list that is sorted by something
    /// mutable shift between pages while it is read (vendors 1.2).
    ///
    /// # Errors
    /// [`UpstreamError`] when nothing at all arrived although we hold records of the kind.
    pub async fn certify<R: Resource>(self, run: &mut Run, scope: &str) -> Result<bool> {
        let seen = run.seen::<R>(scope) as u64;
        if seen == 0 && self.unreadable == 0 && missing::live_count::<R>(run).await? > 0 {
            return Err(UpstreamError::empty_list(run.source_name(), scope).into());
        }
        let reason = self.fault(run, seen).await?;
        let certified = reason.is_none();
        run.scope(
            scope,
            ScopeResult {
                certified,
                seen,
                reason,
            },
        );
        Ok(certified)
    }

    async fn fault(&self, run: &mut Run, seen: u64) -> Result<Option<String>> {
        if self.unreadable > 0 {
            let items = count_of(self.unreadable, "item");
            return Ok(Some(format!("{items} could not be read")));
        }
        if let Some(total) = self.total.filter(|total| *total != seen) {
            let counted = count_of(total, "item");
            return Ok(Some(format!("the vendor counts {counted}, {seen} arrived")));
        }
        if self.pages > 1 {
            let again = self.client.page(&self.list, None).await?;
            run.calls(self.client.calls());
            if again.items.iter().map(identity).collect::<Vec<_>>() != self.first {
                return Ok(Some("the list moved while it was read".into()));
            }
        }
        Ok(None)
    }
}

/// The id of an item, whichever member holds it.
fn identity(item: &Value) -> Value {
    item.get("uid")
        .or_else(|| item.get("id"))
        .cloned()
        .unwrap_or_default()
}
