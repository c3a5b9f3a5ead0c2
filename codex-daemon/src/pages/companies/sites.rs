//! The sites of the RMM that stand for a company: shown, linked and unlinked.

use askama::Template;
use axum::response::Response;
use codex_core::{
    Scope,
    companies::Company,
    ids::{CompanyId, SiteLinkId},
    records::Author,
    site_links::SiteLink,
};

use super::{CHANGING, EDITORS, company, path_of, redirect};
use crate::{
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
    pages::{
        csrf, fields,
        form::{SentForm, version},
        visit::{Editor, Visit},
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
    refused: Option<&'static str>,
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
        let is_editor = scope.require_technician(CHANGING).is_ok();
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
            refused: (!is_editor).then_some(EDITORS),
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
    let company = company(&visit, &account).await?;
    let (id, seen) = sent.text("site").split_once(' ').unwrap_or_default();
    let id: i64 = id
        .parse()
        .map_err(|_| Problem::bad_request("site: choose one of the sites"))?;
    let members = vec![("updated_at".to_owned(), seen.to_owned())];
    let seen = SentForm::from(members);
    set(&visit, id, Some(company.id), &seen).await?;
    Ok(done(&visit, &company, "linked"))
}

/// Unlinks a site from the company.
pub(super) async fn unlink_site(
    Editor(visit): Editor,
    Path((account, id)): Path<(String, i64)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let company = company(&visit, &account).await?;
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
    Ok(done(&visit, &company, "unlinked"))
}

/// Sets the company of a site that is as the person has seen it.
async fn set(
    visit: &Visit,
    id: i64,
    company: Option<CompanyId>,
    sent: &SentForm,
) -> Result<(), Problem> {
    let author = Author {
        unchanged_since: Some(sent.version()?),
        ..visit.call.author.clone()
    };
    let codex = &visit.call.codex;
    let linked = codex.link_site(visit.scope(), &author, SiteLinkId(id), company);
    if linked.await? {
        Ok(())
    } else {
        Err(Problem::not_found("There is no such site any more."))
    }
}

fn done(visit: &Visit, company: &Company, word: &str) -> Response {
    let path = format!("{}?tab=sites", path_of(company));
    redirect(&visit.at, &path, word)
}
