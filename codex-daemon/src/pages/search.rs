//! The results of a search: what the term identifies, then what holds it, by kind.

mod marked;

use askama::Template;
use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use codex_core::{
    Scope,
    address::segment,
    list::Term,
    plural::count_of,
    search::wire::{SearchGroup, SearchGroups, SearchHit},
};
use utoipa_axum::router::OpenApiRouter;

use self::marked::{Piece, marked};
use super::{
    PageSet,
    shell::{Shell, page},
    visit::Visit,
};
use crate::{
    app::App,
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
};

const PATH: &str = "/search";
/// Records of each kind that are shown; the list of the kind has all.
const SHOWN: usize = 8;
/// What is searched, with the title of its group and the path of its list.
const KINDS: [(&str, &str, &str); 5] = [
    ("company", "Companies", "/companies/"),
    ("contact", "Contacts", "/contacts/"),
    ("asset", "Assets", "/assets/"),
    ("ticket", "Tickets", "/tickets/"),
    ("billing_plan", "Billing plans", PLANS),
];
/// Plans have one page, which is no list.
const PLANS: &str = "/billing-plans/";

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(Some("search"), routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route(PATH, get(show))
}

/// What is asked for.
#[derive(Debug, Default)]
struct Asked {
    text: String,
    /// Whether the only record that the term identifies is opened at once.
    goes: bool,
}

impl Asked {
    fn read(uri: &Uri) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let query = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &value)?;
            match (&*name, &*value) {
                ("q", text) => text.clone_into(&mut asked.text),
                ("go", "" | "0") => asked.goes = false,
                ("go", "1") => asked.goes = true,
                ("go", _) => return Err(Problem::bad_request("go: must be 1 or 0")),
                _ => {
                    let detail = format!("unknown parameter `{name}`; `q` and `go` are known");
                    return Err(Problem::bad_request(detail));
                }
            }
        }
        Ok(asked)
    }
}

/// A record that was found.
#[derive(Debug)]
struct Hit {
    title: Vec<Piece>,
    /// `None` for a record without a page, such as a company without an account number.
    href: Option<String>,
    detail: Vec<Piece>,
    company: Option<String>,
    /// Why it is here, where no marked place says so.
    reason: Option<&'static str>,
}

impl Hit {
    fn new(at: &Forwarded, words: &[String], hit: &SearchHit) -> Self {
        let title = marked(or_words(&hit.title, "no name"), words);
        let detail = marked(hit.detail.as_deref().unwrap_or_default(), words);
        let is_marked = title.iter().chain(&detail).any(|piece| piece.is_marked);
        let reason = match hit.matched.as_str() {
            "identifier" => Some("Exact match"),
            "text" if hit.kind == "asset" => Some("Installed on it"),
            "text" => Some("In its conversation or description"),
            _ if is_marked => None,
            _ => Some("In another field"),
        };
        Self {
            href: path_of(hit).map(|path| at.link(&path)),
            company: hit.company_name.clone(),
            title,
            detail,
            reason,
        }
    }
}

fn or_words<'t>(text: &'t str, words: &'t str) -> &'t str {
    if text.trim().is_empty() { words } else { text }
}

/// The page of a record; `None` for one that has none.
fn path_of(hit: &SearchHit) -> Option<String> {
    let (_, _, list) = KINDS.into_iter().find(|(kind, ..)| hit.kind == *kind)?;
    if list == PLANS {
        return Some(PLANS.to_owned());
    }
    (!hit.id.is_empty()).then(|| format!("{list}{}", segment(&hit.id)))
}

/// What was found of a kind.
#[derive(Debug)]
struct Group {
    id: &'static str,
    title: &'static str,
    hits: Vec<Hit>,
    /// The list that finds the same, and how many it has.
    all: Option<(String, String)>,
}

impl Group {
    fn new(at: &Forwarded, asked: &str, words: &[String], group: &SearchGroup) -> Option<Self> {
        let (id, title, list) = KINDS.into_iter().find(|(kind, ..)| group.kind == *kind)?;
        let all = (group.total > 0).then(|| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("q", asked)
                .finish();
            let href = if list == PLANS {
                at.link(list)
            } else {
                format!("{}?{query}", at.link(list))
            };
            let count = if group.more {
                format!("All results, {} or more", group.total)
            } else {
                format!("All {}", count_of(group.total, "result"))
            };
            (href, count)
        });
        Some(Self {
            id,
            title,
            hits: group
                .hits
                .iter()
                .map(|hit| Hit::new(at, words, hit))
                .collect(),
            all,
        })
    }
}

/// The page of results.
#[derive(Debug, Template)]
#[template(path = "search/show.html")]
pub(super) struct SearchView {
    shell: Shell,
    action: String,
    text: String,
    /// What the term identifies.
    exact: Vec<Hit>,
    groups: Vec<Group>,
    /// What stands in place of results.
    empty: Option<&'static str>,
}

impl SearchView {
    /// For what was found; `None` where nothing was asked for.
    fn new(at: &Forwarded, scope: &Scope, asked: &str, found: Option<&SearchGroups>) -> Self {
        let mut view = Self {
            shell: Shell::new(at, "Search"),
            action: at.link(PATH),
            text: asked.to_owned(),
            exact: Vec::new(),
            groups: Vec::new(),
            empty: None,
        };
        let Some(found) = found else {
            view.empty = Some(
                "Enter a name, or an account number, serial number, host name, e-mail address, \
                 telephone number or ticket number.",
            );
            return view;
        };
        view.shell.title = format!("{asked} \u{b7} Search");
        let words = &found.words;
        view.exact = found
            .exact
            .iter()
            .map(|hit| Hit::new(at, words, hit))
            .collect();
        let groups = found.groups.iter();
        view.groups = groups
            .filter_map(|group| Group::new(at, asked, words, group))
            .collect();
        if view.groups.is_empty() {
            view.empty = Some(if scope.companies().is_some_and(<[_]>::is_empty) {
                "No company is open to you yet. Ask your service provider to open yours."
            } else {
                "Nothing was found. Try a part of the name, or fewer words."
            });
        }
        view
    }
}

async fn show(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let asked = Asked::read(&uri)?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    // A text of signs that say nothing is none.
    let found = match Term::new(&asked.text) {
        Some(_) => {
            let kinds = KINDS.map(|(kind, ..)| kind);
            Some(
                codex
                    .search_groups(scope, &asked.text, &kinds, SHOWN)
                    .await?,
            )
        }
        None => None,
    };
    let only = found.as_ref().and_then(|found| match &found.exact[..] {
        [only] => path_of(only),
        _ => None,
    });
    if let Some(path) = only.filter(|_| asked.goes) {
        return Ok(Redirect::to(&visit.at.link(&path)).into_response());
    }
    let view = SearchView::new(&visit.at, scope, asked.text.trim(), found.as_ref());
    page(StatusCode::OK, &view)
}

#[cfg(test)]
impl SearchView {
    /// What templates are tested with.
    pub(super) fn samples() -> Vec<(&'static str, Self)> {
        use codex_core::Role;

        let at = Forwarded::of(&axum::http::HeaderMap::new());
        let scope = Scope::staff(Role::Technician);
        let found = |text: &str| {
            let hit = |kind: &str, matched: &str| SearchHit {
                company_account_number: Some("100001".to_owned()),
                company_name: Some(text.to_owned()),
                detail: Some(text.to_owned()),
                id: text.to_owned(),
                kind: kind.parse().unwrap(),
                matched: matched.to_owned(),
                path: None,
                title: text.to_owned(),
            };
            SearchGroups {
                exact: vec![hit("asset", "identifier")],
                groups: KINDS
                    .iter()
                    .map(|&(kind, ..)| SearchGroup {
                        hits: ["identifier", "name", "text"]
                            .map(|how| hit(kind, how))
                            .to_vec(),
                        kind: kind.parse().unwrap(),
                        more: kind == "ticket",
                        total: 3,
                    })
                    .collect(),
                query: text.to_owned(),
                words: text.split_whitespace().map(str::to_lowercase).collect(),
            }
        };
        let hostile = crate::pages::tests::HOSTILE;
        let mut nothing = found("");
        (nothing.exact, nothing.groups) = (Vec::new(), Vec::new());
        let stranger = Scope::client(Vec::new());
        vec![
            ("search/empty", Self::new(&at, &scope, "", None)),
            (
                "search/none",
                Self::new(&at, &scope, "zebra", Some(&nothing)),
            ),
            (
                "search/stranger",
                Self::new(&at, &stranger, "zebra", Some(&nothing)),
            ),
            (
                "search/usual",
                Self::new(&at, &scope, "heron", Some(&found("Blue Heron"))),
            ),
            (
                "search/hostile",
                Self::new(&at, &scope, hostile, Some(&found(hostile))),
            ),
        ]
    }
}
