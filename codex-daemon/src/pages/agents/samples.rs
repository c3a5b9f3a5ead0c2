//! Agents that templates are tested with.

use askama::Template as _;
use codex_core::{
    Role, Scope,
    agents::{Agent, AgentFields, query::LISTING},
    ids::{AgentId, PsaAgentId},
    list::{Cursor, Page},
    psa_agents::{PsaAgent, PsaAgentFields},
};

use super::{
    LIST,
    edit::{AgentView, DeleteView, NewAgentView},
    list::AgentListView,
};
use crate::{
    helm::HelmError,
    pages::{
        address::{Asked, ListAddress},
        form::SentForm,
        parts::samples::{TOKEN, at, now},
        tests::HOSTILE,
    },
};

/// Rendered pages by name.
pub(in crate::pages) fn rendered() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let none = list(&Page::default(), &[]);
    pages.push(("agents/list/empty".to_owned(), none));
    for (kind, text) in [("usual", "ann"), ("hostile", HOSTILE)] {
        let agent = agent(text);
        let page = Page {
            items: vec![agent.clone()],
            next: Some(Cursor::new(text, 1)),
            total: Some(1),
        };
        let mut add = |name: &str, html: String| {
            pages.push((format!("agents/{name}/{kind}"), html));
        };
        add("list", list(&page, &[psa_agent(text)]));
        let token = || TOKEN.to_owned();
        let groups = Some(Ok(vec!["admins".to_owned(), text.to_owned()]));
        let view = AgentView::new(&at(), &agent, groups, token);
        add("show", view.render().unwrap());
        let absent = HelmError::Refused(text.to_owned());
        let view = AgentView::new(&at(), &agent, Some(Err(absent)), token);
        add("without-helm", view.render().unwrap());
        let members = ["email", "groups", "group.billing"];
        let sent = SentForm::from(members.map(|name| (name, text)));
        let view = AgentView::new(&at(), &agent, None, token);
        let view = view.refused(&sent, text.to_owned());
        add("refused", view.render().unwrap());
        let faults = vec![
            ("email".to_owned(), text.to_owned()),
            (String::new(), text.to_owned()),
        ];
        let view = NewAgentView::new(&at(), token()).refused(&sent, faults);
        add("refused-new", view.render().unwrap());
        let view = DeleteView::new(&at(), &agent, token()).refused(text.to_owned());
        add("delete", view.render().unwrap());
    }
    let view = NewAgentView::new(&at(), TOKEN.to_owned());
    pages.push(("agents/new/empty".to_owned(), view.render().unwrap()));
    pages
}

fn agent(text: &str) -> Agent {
    Agent {
        id: AgentId(1),
        fields: AgentFields {
            keycloak_id: text.to_owned(),
            username: text.to_owned(),
            email: Some(text.to_owned()),
            first_name: Some(text.to_owned()),
            ..AgentFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

fn psa_agent(text: &str) -> PsaAgent {
    PsaAgent {
        id: PsaAgentId(1),
        fields: PsaAgentFields {
            first_name: Some(text.to_owned()),
            email: Some(text.to_owned()),
            ..PsaAgentFields::default()
        },
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

fn list(page: &Page<Agent>, psa: &[PsaAgent]) -> String {
    let uri = "/agents?sort=-username".parse().unwrap();
    let asked = match ListAddress::read(LIST, &uri, &LISTING).unwrap() {
        Asked::List(asked) | Asked::Elsewhere(asked) => asked,
    };
    let scope = Scope::staff(Role::Admin);
    let token = TOKEN.to_owned();
    let view = AgentListView::new(&at(), &scope, &asked, page, psa, None, token);
    view.render().unwrap()
}
