//! Whole lists as one array of JSON, made while it is read.
//!
//! The row ids are read first, in the order of the list: a record that changes meanwhile, and would move in it, is there
//! once. A list of 100,000 records keeps 800 kB of them.

use futures::{FutureExt as _, future::BoxFuture};
use serde::Serialize;

use crate::{
    Result, Scope,
    assets::{self, Asset},
    codex::Codex,
    companies::CompanyRef,
    contacts::{self, Contact, query::ContactCompanies},
    export::download::{Download, Size},
    ids::CompanyId,
    list::{MAX_LIMIT, PageRequest},
};

/// Records that are read together.
const PART: usize = MAX_LIMIT as usize;

/// A list that is made while it is read, and how many records it had at its beginning.
#[derive(Debug)]
pub struct WholeList {
    /// The array.
    pub download: Download,
    /// Its length, as far as no record is deleted meanwhile.
    pub total: usize,
}

impl Codex {
    /// All contacts that a request leaves, in its order; `out` makes what is shown of each. Limit and cursor have no
    /// meaning here.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming what cannot be listed by, [`crate::Error::Busy`].
    pub async fn all_contacts<O: Serialize + Send + Sync>(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
        request: &PageRequest,
        out: impl Fn((Contact, ContactCompanies)) -> O + Send + Sync + 'static,
    ) -> Result<WholeList> {
        let ids = contacts::query::LIST
            .ids(&self.0.db, scope, company, request)
            .await?;
        let (scope, tags) = (scope.clone(), request.tags);
        let read = move |codex: Codex, ids: Vec<i64>| {
            let scope = scope.clone();
            let part = async move {
                contacts::query::of_ids(&codex.0.db, &scope, company, &ids, tags).await
            };
            part.boxed()
        };
        self.whole(ids, size(company), read, out).await
    }

    /// All assets that a request leaves; see [`Codex::all_contacts`].
    ///
    /// # Errors
    /// As there.
    pub async fn all_assets<O: Serialize + Send + Sync>(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
        request: &PageRequest,
        out: impl Fn((Asset, Option<CompanyRef>)) -> O + Send + Sync + 'static,
    ) -> Result<WholeList> {
        let ids = assets::query::LIST
            .ids(&self.0.db, scope, company, request)
            .await?;
        let (scope, tags) = (scope.clone(), request.tags);
        let read = move |codex: Codex, ids: Vec<i64>| {
            let scope = scope.clone();
            let part = async move {
                assets::query::of_ids(&codex.0.db, &scope, company, &ids, tags).await
            };
            part.boxed()
        };
        self.whole(ids, size(company), read, out).await
    }

    async fn whole<T: Send, O: Serialize + Sync + Send>(
        &self,
        ids: Vec<i64>,
        size: Size,
        read: impl Fn(Codex, Vec<i64>) -> BoxFuture<'static, Result<Vec<T>>> + Send + Sync + 'static,
        out: impl Fn(T) -> O + Send + Sync + 'static,
    ) -> Result<WholeList> {
        let total = ids.len();
        let download = self.download(size, async move |codex, mut sink| {
            sink.text("[");
            let mut first = true;
            for ids in ids.chunks(PART) {
                for record in read(codex.clone(), ids.to_vec()).await? {
                    if !std::mem::take(&mut first) {
                        sink.text(",");
                    }
                    sink.json(&out(record))?;
                    sink.flow().await?;
                }
            }
            sink.text("]");
            Ok(sink)
        });
        Ok(WholeList {
            download: download.await?,
            total,
        })
    }
}

fn size(company: Option<CompanyId>) -> Size {
    company.map_or(Size::Everything, |_| Size::Company)
}
