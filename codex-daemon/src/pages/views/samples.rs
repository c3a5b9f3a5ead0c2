//! Views that templates are tested with.

use askama::Template as _;
use codex_core::{
    Error, Fault, Role, Scope,
    ids::ViewId,
    list::{Cursor, Page},
    views::{View, ViewAudience, ViewFields},
};

use super::{
    edit::{ViewFormView, ViewListView},
    open::{OpenedViews, ViewsView},
};
use crate::pages::{
    address::{ListAddress, ViewedList},
    form::SentForm,
    parts::samples::{TOKEN, at, now},
    tests::HOSTILE,
};

const OWNER: &str = "ann";

fn view(name: &str, audience: ViewAudience, query: &str) -> View {
    let is_default = audience == ViewAudience::RoleDefault;
    View {
        id: ViewId(7),
        fields: ViewFields {
            name: name.to_owned(),
            resource: "companies".to_owned(),
            query: query.to_owned(),
            audience: audience.name().to_owned(),
            role: is_default.then(|| "technician".to_owned()),
            owner: OWNER.to_owned(),
            ..ViewFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

/// The views above a list that somebody has opened, whose texts are attacks.
pub(in crate::pages) fn above(
    list: ViewedList,
    scope: &Scope,
    asked: &ListAddress,
) -> Option<ViewsView> {
    let opened = OpenedViews {
        list,
        views: ViewAudience::ALL
            .map(|audience| view(HOSTILE, audience, "q=a"))
            .to_vec(),
        dropped: vec![HOSTILE.to_owned()],
    };
    ViewsView::new(&at(), scope, asked, &opened, TOKEN.to_owned())
}

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for (role, scope) in [
        ("admin", Scope::staff(Role::Admin)),
        ("technician", Scope::staff(Role::Technician)),
        ("billing", Scope::staff(Role::Billing)),
    ] {
        let none = ViewListView::new(&at(), &scope, OWNER, &Page::default(), None);
        pages.push((format!("views/list/empty/{role}"), none.render().unwrap()));
        for (kind, name) in [("usual", "Contracts that end"), ("hostile", HOSTILE)] {
            let views = ViewAudience::ALL.map(|audience| view(name, audience, name));
            let page = Page {
                items: views.to_vec(),
                next: Some(Cursor::new(name, 7)),
                total: None,
            };
            let list = ViewListView::new(&at(), &scope, OWNER, &page, Some("view_deleted"));
            pages.push((format!("views/list/{kind}/{role}"), list.render().unwrap()));
            let form = ViewFormView::of(&at(), &scope, &views[0], TOKEN.to_owned());
            pages.push((format!("views/edit/{kind}/{role}"), form.render().unwrap()));
            let html = refused(&scope, name);
            pages.push((format!("views/refused/{kind}/{role}"), html));
        }
    }
    pages
}

fn refused(scope: &Scope, text: &str) -> String {
    let sent = SentForm::from(["name", "query", "resource", "for"].map(|name| (name, text)));
    let mut form = ViewFormView::of_sent(&at(), scope, None, &sent, TOKEN.to_owned());
    let faults = vec![Fault::at("name", text)];
    form.refuse(Error::Unprocessable(faults)).unwrap();
    form.render().unwrap()
}
