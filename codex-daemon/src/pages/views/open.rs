//! A list that is opened, perhaps by one of its views, and the views above it.

use axum::http::Uri;
use codex_core::{
    Scope,
    plural::{agree, count_of},
    views::{View, ViewAudience},
};

use super::{LIST, audiences, path_of, role_name, unknown};
use crate::{
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
    pages::{
        address::{Asked, ListAddress, VIEW, ViewedList, WHOLE},
        csrf,
        table::Choice,
        visit::Visit,
    },
};

/// The most views above a list; the page of views has all.
const MOST_LINKS: usize = 20;

/// What opening a list leads to.
#[derive(Debug)]
pub(crate) enum Opening {
    /// The list, and its views; `None` where it has none.
    List(ListAddress, Option<Box<OpenedViews>>),
    /// Another address.
    Elsewhere(String),
}

impl Opening {
    /// Of a list without views.
    pub fn of(asked: Asked, at: &Forwarded) -> Self {
        match asked {
            Asked::List(asked) => Self::List(asked, None),
            Asked::Elsewhere(asked) => Self::Elsewhere(asked.href(at)),
        }
    }
}

/// The views of a list that was opened.
#[derive(Debug)]
pub(crate) struct OpenedViews {
    pub list: ViewedList,
    /// Those that the person sees.
    pub views: Vec<View>,
    /// Parameters of the view that was opened which the list does not know any more.
    pub dropped: Vec<String>,
}

/// A view above a list.
#[derive(Debug)]
pub(crate) struct ViewLink {
    pub name: String,
    pub href: String,
    /// Whose it is, unless it is the person's own.
    pub note: Option<&'static str>,
    pub is_current: bool,
}

/// The form that saves a list as it is.
#[derive(Debug)]
pub(crate) struct SaveView {
    pub action: String,
    pub csrf_field: &'static str,
    pub csrf: String,
    pub resource: &'static str,
    pub query: String,
    pub audiences: Vec<Choice>,
}

/// The views above a list, as `templates/_views.html` shows them.
#[derive(Debug)]
pub(crate) struct ViewsView {
    /// The whole list first.
    pub links: Vec<ViewLink>,
    /// The page of all views.
    pub all: String,
    pub all_text: String,
    /// What the view that was opened says and the list does not know.
    pub dropped: Option<String>,
    pub save: Option<SaveView>,
}

/// Reads the address of a list. `view=7` opens a view, and without any parameter the default of the person's role opens.
///
/// # Errors
/// 400 as in [`ListAddress::read`], and for a view beside other parameters; 404 for a view that is not there.
pub(crate) async fn open(visit: &Visit, list: ViewedList, uri: &Uri) -> Result<Opening, Problem> {
    let (codex, actor) = (&visit.call.codex, &visit.call.author.actor);
    let views = codex.views_of(visit.scope(), actor, list.list).await?;
    let query = uri.query().unwrap_or_default();
    let mut opened = Box::new(OpenedViews {
        list,
        views,
        dropped: Vec::new(),
    });
    let default = opened.default_of(visit.scope()).map(|view| view.id);
    if visit.scope().companies().is_none()
        && let Some(Wanted { id, done }) = wanted(query)?
    {
        let saved = match id {
            None => "",
            Some(id) => {
                let mut views = opened.views.iter();
                let view = views.find(|view| view.id.0 == id).ok_or_else(unknown)?;
                view.fields.query.as_str()
            }
        };
        let (mut asked, dropped) = ListAddress::read_saved(&opened.list, saved);
        asked.done = done;
        asked.has_default = default.is_some();
        opened.dropped = dropped;
        return Ok(Opening::List(asked, Some(opened)));
    }
    if let Some(default) = default.filter(|_| query.is_empty()) {
        let target = visit.at.link(&path_of(opened.list.list, default));
        return Ok(Opening::Elsewhere(target));
    }
    Ok(match opened.list.read(uri)? {
        Asked::List(mut asked) => {
            asked.has_default = default.is_some();
            Opening::List(asked, Some(opened))
        }
        Asked::Elsewhere(mut asked) => {
            asked.has_default = default.is_some();
            Opening::Elsewhere(asked.href(&visit.at))
        }
    })
}

/// What the query of a view's address says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// The view; `None` opens the whole list.
    id: Option<i64>,
    /// What was just done.
    done: Option<String>,
}

/// The view that a query opens; `None` for a query without a view.
fn wanted(query: &str) -> Result<Option<Wanted>, Problem> {
    let (mut view, mut done, mut other) = (None, None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        without_nul(&name, &value)?;
        match &*name {
            VIEW => view = Some(value.into_owned()),
            "done" => done = Some(value.into_owned()),
            _ => other = Some(name.into_owned()),
        }
    }
    let Some(view) = view else { return Ok(None) };
    if let Some(other) = other {
        let message = format!("{VIEW}: has filters of its own, so that `{other}` cannot be added");
        return Err(Problem::bad_request(message));
    }
    if view == WHOLE {
        return Ok(Some(Wanted { id: None, done }));
    }
    let id = view.parse().map_err(|_| {
        let message = format!("{VIEW}: must be the id of a view, or `{WHOLE}`");
        Problem::bad_request(message)
    })?;
    Ok(Some(Wanted { id: Some(id), done }))
}

impl OpenedViews {
    /// What the people of a role see first.
    fn default_of(&self, scope: &Scope) -> Option<&View> {
        let role = role_name(scope.role())?;
        self.views.iter().find(|view| {
            view.fields.audience() == ViewAudience::RoleDefault
                && view.fields.role.as_deref() == Some(role)
        })
    }
}

impl ViewsView {
    /// The views above a list; `None` for clients.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        asked: &ListAddress,
        opened: &OpenedViews,
        token: String,
    ) -> Option<Self> {
        if scope.companies().is_some() {
            return None;
        }
        let (query, list) = (asked.saved_query(), &opened.list);
        let mut links = vec![ViewLink {
            name: "All".to_owned(),
            href: asked.whole().href(at),
            note: None,
            is_current: query.is_empty(),
        }];
        links.extend(opened.views.iter().take(MOST_LINKS).map(|view| {
            let (own, _) = ListAddress::read_saved(list, &view.fields.query);
            ViewLink {
                name: view.fields.name.clone(),
                href: at.link(&path_of(list.list, view.id)),
                note: note(view),
                is_current: !query.is_empty() && own.saved_query() == query,
            }
        }));
        let count = opened.views.len();
        let save = (!query.is_empty()).then(|| SaveView {
            action: at.link(LIST),
            csrf_field: csrf::FIELD,
            csrf: token,
            resource: list.list.name(),
            query,
            audiences: audiences(scope, ViewAudience::Personal.name()),
        });
        Some(Self {
            links,
            all: at.link(LIST),
            all_text: if count > MOST_LINKS {
                format!("Manage all {}", count_of(count, "view"))
            } else {
                "Manage views".to_owned()
            },
            dropped: dropped(&opened.dropped),
            save,
        })
    }
}

fn note(view: &View) -> Option<&'static str> {
    match view.fields.audience() {
        ViewAudience::Personal => None,
        ViewAudience::Shared => Some("shared"),
        ViewAudience::RoleDefault => Some("default of a role"),
    }
}

/// What a view says that its list does not know any more.
fn dropped(names: &[String]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let (are, they) = (
        agree(names.len(), "is", "are"),
        agree(names.len(), "it does", "they do"),
    );
    let names = names.join(", ");
    Some(format!(
        "The view names {names}, which {are} not in this list any more. It is shown as if {they} not exist. \
         Save it again to leave this out."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_opened_by_id_and_stand_alone() {
        assert_eq!(wanted("").ok(), Some(None));
        assert_eq!(wanted("q=a&sort=name").ok(), Some(None));
        assert_eq!(
            wanted("view=7").ok(),
            Some(Some(Wanted {
                id: Some(7),
                done: None
            }))
        );
        let done = Some("view_saved".to_owned());
        assert_eq!(
            wanted("view=all&done=view_saved").ok(),
            Some(Some(Wanted { id: None, done }))
        );
        for (query, says) in [
            ("view=7&q=a", "`q` cannot be added"),
            ("view=x", "must be the id"),
            ("view=%00", "NUL"),
        ] {
            let refused = wanted(query).unwrap_err();
            assert_eq!(refused.status(), 400, "{query}");
            assert!(refused.detail().contains(says), "{}", refused.detail());
        }
    }

    #[test]
    fn dropped_parameters_are_named() {
        assert_eq!(dropped(&[]), None);
        let reported = dropped(&["colour".to_owned(), "size".to_owned()]).unwrap();
        assert!(
            reported.contains("colour, size, which are not"),
            "{reported}"
        );
    }
}
