//! The sites of the RMM that stand for a company: shown, linked and unlinked.

use askama::Template;
use axum::response::Response;
use codex_core::{
    Scope,
    companies::Company,
    ids::{CompanyId, SiteLinkId},
    site_links::SiteLink,
};

use super::{Companies, path_of, tabs::SITES};
use crate::{
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
    pages::{
        csrf, fields,
        form::{SentForm, version},
        record::{found, may_edit, refused, to_tab},
        visit::{Editor, Visit, applied},
    },
};

/// The most sites that can be chosen from.
const CHOICES: usize = 300;

/// A site that stands for the company.
#[derive(Debug)]
struct SiteView {
    name: String,
    provider: String,
    number: String,
    /// The site in the RMM's portal.
    portal: Option<String>,
    unlink: Option<String>,
    version: String,
}

/// A site that stands for no company.
#[derive(Debug)]
struct FreeSite {
    /// Its id, and its version.
    value: String,
    name: String,
}

/// The sites of a company, as a part of its page.
#[derive(Debug, Template)]
#[template(path = "companies/_sites.html")]
pub(in crate::pages) struct SitesView {
    sites: Vec<SiteView>,
    free: Vec<FreeSite>,
    /// Where a site is linked; `None` for those who may not.
    link: Option<String>,
    refused: Option<String>,
    csrf_field: &'static str,
    csrf: String,
}

impl SitesView {
    /// Of a company, from all sites.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        company: &Company,
        all: &[SiteLink],
        csrf: String,
    ) -> Self {
        let is_editor = may_edit::<Companies>(scope);
        let path = at.link(&path_of(company));
        let own = all
            .iter()
            .filter(|site| site.fields.company_id == Some(company.id));
        let sites = own.map(|site| {
            let portal = site.fields.portal_url.clone();
            SiteView {
                name: name(site),
                provider: fields::source(&site.fields.provider),
                number: site.fields.account_number.clone().unwrap_or_default(),
                portal: portal.filter(|url| url.starts_with("https://")),
                unlink: is_editor.then(|| format!("{path}/sites/{}/unlink", site.id)),
                version: version(site.updated_at),
            }
        });
        // The RMM's own sites are no client's.
        let free = all.iter().filter(|site| {
            is_editor && site.fields.company_id.is_none() && site.fields.system_site != Some(true)
        });
        let free = free.take(CHOICES).map(|site| FreeSite {
            value: format!("{} {}", site.id, version(site.updated_at)),
            name: name(site),
        });
        Self {
            sites: sites.collect(),
            free: free.collect(),
            link: is_editor.then(|| format!("{path}/sites/link")),
            refused: refused::<Companies>(scope),
            csrf_field: csrf::FIELD,
            csrf,
        }
    }
}

fn name(site: &SiteLink) -> String {
    let name = site.fields.site_name.clone();
    let name = name.filter(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| site.fields.site_uid.clone())
}

/// The sites of a company, as its page shows them.
pub(super) async fn view(visit: &Visit, company: &Company) -> Result<SitesView, Problem> {
    let all = visit.call.codex.site_links(visit.scope()).await?;
    let (at, token) = (&visit.at, visit.csrf.token());
    Ok(SitesView::new(at, visit.scope(), company, &all, token))
}

/// Links a site to the company.
pub(super) async fn link_site(
    Editor(visit): Editor,
    Path(account): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let company = found::<Companies>(&visit, &account).await?;
    let (id, seen) = sent.text("site").split_once(' ').unwrap_or_default();
    let id: i64 = id
        .parse()
        .map_err(|_| Problem::bad_request("site: choose one of the sites"))?;
    let seen = SentForm::from([("updated_at", seen)]);
    set(&visit, id, Some(company.id), &seen).await?;
    Ok(to_tab::<Companies>(&visit.at, &company, SITES, "linked"))
}

/// Unlinks a site from the company.
pub(super) async fn unlink_site(
    Editor(visit): Editor,
    Path((account, id)): Path<(String, i64)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let company = found::<Companies>(&visit, &account).await?;
    let all = visit.call.codex.site_links(visit.scope()).await?;
    let mut own = all
        .iter()
        .filter(|site| site.fields.company_id == Some(company.id));
    if !own.any(|site| site.id.0 == id) {
        return Err(Problem::not_found(
            "This site is not linked to the company.",
        ));
    }
    set(&visit, id, None, &sent).await?;
    Ok(to_tab::<Companies>(&visit.at, &company, SITES, "unlinked"))
}

/// Sets the company of a site that is as the person has seen it.
async fn set(
    visit: &Visit,
    id: i64,
    company: Option<CompanyId>,
    sent: &SentForm,
) -> Result<(), Problem> {
    let author = visit.author(sent.version()?);
    let codex = &visit.call.codex;
    let linked = codex.link_site(visit.scope(), &author, SiteLinkId(id), company);
    let gone = || Problem::not_found("There is no such site any more.");
    Ok(applied(linked.await?.ok_or_else(gone)?)?)
}
