//! The list of companies.

use askama::Template;
use codex_core::{
    Scope,
    companies::{Company, query::LISTING},
    list::Page,
    plural::{agree, count_of},
};

use super::{EDITORS, LIST, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        bulk_edit::{self, BulkBar, COMPANIES},
        facets::FacetView,
        fields::values,
        shell::Shell,
        table::{Cell, ListView, TableView, cells, sorted_heads},
        views::{self, ViewsView},
    },
};

/// Columns of the table, as far as the caller sees them. The first names the row.
const COLUMNS: [&str; 6] = [
    "name",
    "account_number",
    "billing_plan",
    "email_system",
    "phone_system",
    "contract_end_date",
];
/// The column whose values are badges.
const PLAN: &str = "billing_plan";

/// The list of companies as a page.
#[derive(Debug, Template)]
#[template(path = "companies/list.html")]
pub(in crate::pages) struct CompanyListView {
    shell: Shell,
    list: ListView,
    /// The link to create a company; `None` for callers who may not.
    create: Option<String>,
    /// Why not, for staff.
    refused: Option<&'static str>,
    /// What the list leaves out.
    note: Option<String>,
    /// Values of columns, counted.
    facets: Vec<FacetView>,
    /// Saved views, for staff.
    views: Option<ViewsView>,
    /// What leads to changes of many companies, for those who may change them.
    bulk: Option<BulkBar>,
}

impl CompanyListView {
    /// A page of the list. `unnumbered` companies have no account number.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        asked: &ListAddress,
        page: &Page<Company>,
        unnumbered: i64,
    ) -> Self {
        let is_editor = scope.require_technician(super::CHANGING).is_ok();
        let is_staff = scope.companies().is_none();
        let table = TableView {
            caption: "Companies".to_owned(),
            heads: sorted_heads(at, scope, &LISTING, asked, &COLUMNS),
            rows: page.items.iter().map(|one| row(at, scope, one)).collect(),
            empty: empty(scope, asked).to_owned(),
        };
        let count = match page.total {
            Some(total) => format!("{} in all", count_of(total, "company")),
            None => format!("{} on this page", count_of(page.items.len(), "company")),
        };
        let note = (unnumbered > 0).then(|| {
            let (have, are) = (
                agree(unnumbered, "has", "have"),
                agree(unnumbered, "is", "are"),
            );
            let companies = count_of(unnumbered, "company");
            format!("{companies} {have} no account number yet and {are} not listed.")
        });
        let done = asked.done.as_deref();
        let notice = super::notice(done)
            .or_else(|| views::notice(done))
            .or_else(|| bulk_edit::notice(done));
        Self {
            shell: Shell::new(at, "Companies").saying(notice),
            list: ListView::new(at, scope, &LISTING, asked, page.next.as_ref(), count, table),
            create: is_editor.then(|| at.link("/companies/new")),
            refused: (is_staff && !is_editor).then_some(EDITORS),
            note,
            facets: Vec::new(),
            views: None,
            bulk: is_editor.then(|| BulkBar::new(at, &COMPANIES, asked, page.total)),
        }
    }

    /// The same with what is counted and saved of the list.
    pub fn with(mut self, facets: Vec<FacetView>, views: Option<ViewsView>) -> Self {
        if let (Some(clear), Some(views)) = (&mut self.list.clear, &views) {
            // Without any parameter, the default of the role opens.
            clear.clone_from(&views.whole);
        }
        self.facets = facets;
        self.views = views;
        self
    }
}

fn row(at: &Forwarded, scope: &Scope, company: &Company) -> Vec<Cell> {
    let values = values(&company.fields);
    let mut row = cells(LISTING.fields, scope, &COLUMNS, &values);
    if let Some(name) = row.first_mut() {
        let is_editor = scope.require_technician(super::CHANGING).is_ok();
        name.select = is_editor.then_some(company.id.0);
        name.href = Some(at.link(&path_of(company)));
    }
    if let Some(plan) = row.iter_mut().find(|cell| cell.field == PLAN) {
        plan.badge = plan_badge(&plan.text);
    }
    row
}

/// Why the list is empty.
fn empty(scope: &Scope, asked: &ListAddress) -> &'static str {
    if asked.is_narrowed() || asked.is_behind() {
        "No company fits the search and the filters."
    } else if scope.companies().is_some() {
        "No company is open to you yet. Ask your service desk to open yours."
    } else {
        "There are no companies yet. They come with the first sync of the PSA, or are created here."
    }
}

/// The class of a plan's badge (contract 5.2).
pub(super) fn plan_badge(plan: &str) -> Option<&'static str> {
    const CLASSES: [(&str, &str); 6] = [
        ("platinum", "badge--platinum"),
        ("premium", "badge--success"),
        ("advanced", "badge--gold"),
        ("basic", "badge--info"),
        ("break fix", "badge--warning"),
        ("pro services", "badge--warning"),
    ];
    let plan = plan.to_lowercase();
    let known = CLASSES.iter().find(|(word, _)| plan.contains(word));
    known.map(|(_, class)| *class)
}

/// Where the list is, for the way to what is below it.
pub(super) fn crumb(at: &Forwarded, title: &str) -> Shell {
    Shell::new(at, title).under("Companies", at.link(LIST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_have_badges_by_their_names() {
        assert_eq!(plan_badge("Platinum Plus"), Some("badge--platinum"));
        assert_eq!(plan_badge("BREAK FIX"), Some("badge--warning"));
        assert_eq!(plan_badge("Gold"), None);
    }
}
