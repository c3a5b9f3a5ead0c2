//! Reading and setting site links.

use serde_json::{Map, json};

use super::{self as site_links, SiteLink};
use crate::{
    Outcome, Result, Scope,
    codex::Codex,
    companies::COMPANY_ID,
    ids::{CompanyId, SiteLinkId},
    records::Author,
};

impl Codex {
    /// The links between RMM sites and companies.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn site_links(&self, scope: &Scope) -> Result<Vec<SiteLink>> {
        site_links::query::list(&self.0.db, scope).await
    }

    /// Links an RMM site to a company, or to none. It is a manual value: it wins over the site's account number until
    /// released. Devices follow with the next sync. `None` when there is no such site.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`], [`crate::Error::Changed`].
    pub async fn link_site(
        &self,
        scope: &Scope,
        author: &Author,
        site: SiteLinkId,
        company: Option<CompanyId>,
    ) -> Result<Option<Outcome>> {
        let fields = Map::from_iter([(COMPANY_ID.to_owned(), json!(company))]);
        self.edit::<SiteLink>(scope, author, site.0, fields).await
    }
}
