//! An agent's page with its forms, and the form of a new user.

use askama::Template;
use codex_core::agents::{Agent, COLOR_THEMES, THEMES};
use serde_json::{Value, json};

use super::{LIST, crumb, path_of};
use crate::{
    helm::{GROUPS, HelmError},
    http::forwarded::Forwarded,
    pages::{csrf, form::SentForm, shell::Shell, table::Choice},
};

/// The inputs of a new user: member, label, whether one must be there.
const NEW: [(&str, &str, bool); 4] = [
    ("username", "Login name", true),
    ("email", "E-mail", true),
    ("first_name", "First name", false),
    ("last_name", "Last name", false),
];

/// A line of a form.
#[derive(Debug)]
struct Line {
    name: &'static str,
    label: &'static str,
    value: String,
    is_required: bool,
    fault: Option<String>,
}

/// A group with whether the agent is a member.
#[derive(Debug)]
struct Group {
    name: &'static str,
    is_member: bool,
}

/// An agent as a page.
#[derive(Debug, Template)]
#[template(path = "agents/show.html")]
pub(in crate::pages) struct AgentView {
    shell: Shell,
    username: String,
    id: String,
    is_enabled: bool,
    lines: Vec<Line>,
    themes: Vec<Choice>,
    colours: Vec<Choice>,
    /// `None` when Helm does not tell.
    groups: Option<Vec<Group>>,
    problem: Option<String>,
    path: String,
    csrf_field: &'static str,
    /// A token for each form.
    tokens: [String; 5],
}

impl AgentView {
    /// An agent with its groups, or why they are unknown.
    pub fn new(
        at: &Forwarded,
        agent: &Agent,
        groups: Option<Result<Vec<String>, HelmError>>,
        token: impl Fn() -> String,
    ) -> Self {
        let fields = &agent.fields;
        let line = |name, label, value: &Option<String>, is_required| Line {
            name,
            label,
            value: value.clone().unwrap_or_default(),
            is_required,
            fault: None,
        };
        let (groups, problem) = match groups {
            Some(Ok(groups)) => (
                Some(membership(|name| groups.iter().any(|one| one == name))),
                None,
            ),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        Self {
            shell: crumb(at, &fields.username),
            username: fields.username.clone(),
            id: fields.keycloak_id.clone(),
            is_enabled: fields.enabled.unwrap_or(true),
            lines: vec![
                line("email", "E-mail", &fields.email, true),
                line("first_name", "First name", &fields.first_name, false),
                line("last_name", "Last name", &fields.last_name, false),
            ],
            themes: choices(&THEMES, fields.theme_preference.as_deref()),
            colours: choices(&COLOR_THEMES, fields.preferred_color_theme.as_deref()),
            groups,
            problem,
            path: at.link(&path_of(agent)),
            csrf_field: csrf::FIELD,
            tokens: std::array::from_fn(|_| token()),
        }
    }

    /// The same with what was just done.
    pub fn saying(mut self, notice: Option<&'static str>) -> Self {
        self.shell = self.shell.saying(notice);
        self
    }

    /// The same with what was sent, except a password, and why nothing was changed.
    pub fn refused(mut self, sent: &SentForm, problem: String) -> Self {
        for line in self.lines.iter_mut().filter(|line| sent.has(line.name)) {
            sent.text(line.name).clone_into(&mut line.value);
        }
        if sent.has("groups") {
            self.groups = Some(membership(|name| sent.has(&format!("group.{name}"))));
        }
        self.problem = Some(problem);
        self
    }
}

fn membership(is_member: impl Fn(&str) -> bool) -> Vec<Group> {
    let groups = GROUPS.iter().map(|name| Group {
        name,
        is_member: is_member(name),
    });
    groups.collect()
}

/// The values of a theme; the first is the default.
fn choices(known: &[&str], chosen: Option<&str>) -> Vec<Choice> {
    let chosen = chosen.or(known.first().copied()).unwrap_or_default();
    let choice = |value: &&str| Choice {
        value: (*value).to_owned(),
        label: (*value).to_owned(),
        selected: *value == chosen,
    };
    known.iter().map(choice).collect()
}

/// The form of a new user as a page.
#[derive(Debug, Template)]
#[template(path = "agents/new.html")]
pub(in crate::pages) struct NewAgentView {
    shell: Shell,
    action: String,
    cancel: String,
    lines: Vec<Line>,
    problems: Vec<String>,
    csrf_field: &'static str,
    csrf: String,
}

impl NewAgentView {
    /// An empty form.
    pub fn new(at: &Forwarded, csrf: String) -> Self {
        let lines = NEW.iter().map(|(name, label, is_required)| Line {
            name,
            label,
            value: String::new(),
            is_required: *is_required,
            fault: None,
        });
        Self {
            shell: crumb(at, "New user"),
            action: at.link("/agents/new"),
            cancel: at.link(LIST),
            lines: lines.collect(),
            problems: Vec::new(),
            csrf_field: csrf::FIELD,
            csrf,
        }
    }

    /// The same with what was sent and what is wrong with it, by member; an empty one is the form as a whole.
    pub fn refused(mut self, sent: &SentForm, faults: Vec<(String, String)>) -> Self {
        for line in &mut self.lines {
            sent.text(line.name).clone_into(&mut line.value);
        }
        for (name, what) in faults {
            match self.lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.fault = Some(what),
                None => self.problems.push(what),
            }
        }
        self
    }
}

/// A new user as Helm takes it.
///
/// # Errors
/// What is wrong, by member.
pub(super) fn new_user(sent: &SentForm) -> Result<Value, Vec<(String, String)>> {
    let text = |name: &str| sent.text(name).trim();
    let mut faults: Vec<(String, String)> = NEW
        .iter()
        .filter(|(name, _, is_required)| *is_required && text(name).is_empty())
        .map(|(name, ..)| ((*name).to_owned(), "is required".to_owned()))
        .collect();
    let email = text("email");
    if !email.is_empty() && !email.contains('@') {
        let what = "must be an address such as ann@msp.example";
        faults.push(("email".to_owned(), what.to_owned()));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(json!({
        "username": text("username"),
        "email": email,
        "firstName": text("first_name"),
        "lastName": text("last_name"),
        "enabled": true,
    }))
}

/// The page that asks whether to delete a user.
#[derive(Debug, Template)]
#[template(path = "agents/delete.html")]
pub(in crate::pages) struct DeleteView {
    shell: Shell,
    username: String,
    problem: Option<String>,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
}

impl DeleteView {
    /// For an agent as it is.
    pub fn new(at: &Forwarded, agent: &Agent, csrf: String) -> Self {
        let (name, path) = (&agent.fields.username, at.link(&path_of(agent)));
        Self {
            shell: crumb(at, &format!("Delete {name}")).under(name, path.clone()),
            username: name.clone(),
            problem: None,
            action: format!("{path}/delete"),
            cancel: path,
            csrf_field: csrf::FIELD,
            csrf,
        }
    }

    /// The same with why nothing was deleted.
    pub fn refused(mut self, problem: String) -> Self {
        self.problem = Some(problem);
        self
    }
}
