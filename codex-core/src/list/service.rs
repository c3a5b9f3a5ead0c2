//! What holds for lists of several kinds, through [`Codex`].

use super::{FacetKey, FacetOut, ListedResource, PageRequest};
use crate::{Result, Scope, assets, codex::Codex, companies, contacts, ids::CompanyId, tickets};

impl Codex {
    /// How many records of a list, of all companies or of one, have each value of some columns, within the filters and
    /// the search of a request; without `columns`, of all columns with a facet that the caller may see.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming a column that is unknown or has no facet, or a filter that cannot be used.
    pub async fn facets(
        &self,
        scope: &Scope,
        list: ListedResource,
        company: Option<CompanyId>,
        request: &PageRequest,
        columns: &[String],
    ) -> Result<Vec<FacetOut>> {
        let (db, now) = (&self.0.db, self.now());
        let key = FacetKey {
            list,
            scope: scope.clone(),
            company,
            filters: request.filters.clone(),
            search: request.search.clone(),
            columns: columns.to_vec(),
        };
        let counted = async {
            let list = match list {
                ListedResource::Assets => assets::query::LIST,
                ListedResource::Companies => companies::query::LIST,
                ListedResource::Contacts => contacts::query::LIST,
                // Their statuses and priorities are named by words.
                ListedResource::Tickets => {
                    let statuses = self.ticket_statuses().await?;
                    return tickets::query::facets(db, scope, company, request, columns, &statuses)
                        .await;
                }
            };
            list.facets(db, scope, company, request, columns).await
        };
        let revisions = db.revisions().await?;
        let facets = self.0.facets.get(db, key, (&revisions, now), counted);
        Ok((*facets.await?).clone())
    }
}
