//! Lists whose records belong to companies.

use chrono::{DateTime, Utc};

use super::{FacetOut, Listing, PageRequest};
use crate::{
    Result,
    ids::CompanyId,
    scope::Scope,
    store::{Db, Q},
};

/// A list that can be narrowed to the companies that a caller sees, or to one of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByCompany {
    /// The list.
    pub listing: &'static Listing,
    /// Adds the condition that a record is of those companies.
    pub narrow: fn(&mut Q<'_>, &Scope, Option<CompanyId>),
}

impl ByCompany {
    /// Counts the records of the list by the values of some columns, for all companies or one.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming the column or the filter.
    pub async fn facets(
        self,
        db: &Db,
        scope: &Scope,
        company: Option<CompanyId>,
        request: &PageRequest,
        columns: &[String],
    ) -> Result<Vec<FacetOut>> {
        let narrow = |q: &mut Q<'_>| (self.narrow)(q, scope, company);
        self.listing
            .facets(db, scope, request, columns, narrow)
            .await
    }

    /// The row ids of the records of the list, each with the time of its last change. At most `most` and one more, which
    /// shows that there are more.
    ///
    /// # Errors
    /// As in every list.
    pub async fn versions(
        self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        most: usize,
    ) -> Result<Vec<(i64, DateTime<Utc>)>> {
        let narrow = |q: &mut Q<'_>| (self.narrow)(q, scope, None);
        self.listing
            .versions(db, scope, request, most, narrow)
            .await
    }

    /// The row ids of all records of the list, in its order.
    ///
    /// # Errors
    /// As in every list.
    pub async fn ids(
        self,
        db: &Db,
        scope: &Scope,
        company: Option<CompanyId>,
        request: &PageRequest,
    ) -> Result<Vec<i64>> {
        let narrow = |q: &mut Q<'_>| (self.narrow)(q, scope, company);
        self.listing.ids(db, scope, request, narrow).await
    }
}

#[cfg(all(test, feature = "sync"))]
mod tests {
    use super::*;
    use crate::{Codex, assets, companies, contacts, list::Filter, tickets};

    fn lists() -> [(&'static str, ByCompany); 4] {
        [
            ("assets", assets::query::LIST),
            ("companies", companies::query::LIST),
            ("contacts", contacts::query::LIST),
            ("tickets", tickets::query::LIST),
        ]
    }

    #[tokio::test]
    async fn every_list_counts_names_and_versions_its_records() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let (db, own) = (codex.db(), Scope::client(vec![CompanyId(7)]));
        let request = PageRequest::default();
        for (name, list) in lists() {
            for scope in [&Scope::system(), &own] {
                for company in [None, Some(CompanyId(7)), Some(CompanyId(8))] {
                    let facets = list.facets(db, scope, company, &request, &[]).await;
                    let facets = facets.unwrap();
                    assert!(!facets.is_empty(), "{name}");
                    assert!(facets.iter().all(|facet| facet.values.is_empty()), "{name}");
                    let ids = list.ids(db, scope, company, &request).await.unwrap();
                    assert!(ids.is_empty(), "{name}");
                }
            }
            let versions = list.versions(db, &own, &request, 5).await;
            // A version needs a time of the last change among the columns of the list.
            let has_versions = list
                .listing
                .columns()
                .any(|column| column.name == "updated_at");
            assert_eq!(versions.is_ok(), has_versions, "{name}");
        }
        codex.close().await;
    }

    #[tokio::test]
    async fn every_list_names_what_it_cannot_be_narrowed_by() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let request = PageRequest {
            filters: vec![Filter::new("colour_of_socks", "red")],
            ..PageRequest::default()
        };
        for (name, list) in lists() {
            let scope = Scope::system();
            let refused = list.ids(codex.db(), &scope, None, &request);
            let refused = refused.await.unwrap_err().to_string();
            assert!(refused.contains("colour_of_socks"), "{name}: {refused}");
        }
        codex.close().await;
    }
}
