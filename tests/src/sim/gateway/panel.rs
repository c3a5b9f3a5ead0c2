//! The panel beside a page.

use super::{PREFIX, people::Person};

const STAFF: &[&str] = &["admin", "technician", "billing"];
const TECHNICIANS: &[&str] = &["admin", "technician"];
const ADMINISTRATORS: &[&str] = &["admin"];
const EVERYBODY: &[&str] = &["admin", "technician", "billing", "client"];

/// Sections of Codex: name, path, roles.
const SECTIONS: [(&str, &str, &[&str]); 9] = [
    ("Start", "/", EVERYBODY),
    ("Companies", "/companies/", EVERYBODY),
    ("Contacts", "/contacts/", EVERYBODY),
    ("Assets", "/assets/", EVERYBODY),
    ("Tickets", "/tickets/", EVERYBODY),
    ("Billing plans", "/billing-plans/", STAFF),
    ("Sync", "/sync/", TECHNICIANS),
    ("Agents", "/agents", ADMINISTRATORS),
    ("Admin", "/admin/", ADMINISTRATORS),
];

/// The panel for a person who is at a path.
pub(super) fn html(person: &Person, path: &str) -> String {
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let sections = SECTIONS
        .iter()
        .filter(|(_, _, roles)| roles.contains(&person.role));
    let items: String = sections.map(|(name, to, _)| item(name, to, path)).collect();
    let (name, title) = (person.name, person.title);
    format!(
        r#"<div class="side-panel__header"><p class="side-panel__title"><a href="{PREFIX}/">HiveMatrix</a></p><button class="side-panel__toggle" id="sidebar-toggle" type="button" aria-controls="side-panel-nav" hidden>Menu</button></div>
<nav class="side-panel__nav" id="side-panel-nav" aria-label="HiveMatrix"><ul class="side-panel__list">{items}</ul>
<div class="side-panel__footer"><p class="u-text-muted u-text-sm">{name}<br>{title}</p><button class="theme-toggle" id="theme-toggle-btn" type="button" aria-pressed="false" hidden>Dark theme<span class="theme-toggle__track" aria-hidden="true"><span class="theme-toggle__thumb"></span></span></button><p class="u-text-danger u-text-sm" id="theme-message" role="status"></p>{settings}<a class="side-panel__link" href="/">Switch role</a><a class="side-panel__link" href="/logout">Log out</a></div></nav>"#,
        settings = link("Settings", "/settings", path),
    )
}

fn item(name: &str, to: &str, path: &str) -> String {
    let active = if is_open(to, path) {
        " side-panel__item--active"
    } else {
        ""
    };
    let link = link(name, to, path);
    format!(r#"<li class="side-panel__item{active}">{link}</li>"#)
}

fn link(name: &str, to: &str, path: &str) -> String {
    let current = if is_open(to, path) {
        r#" aria-current="true""#
    } else {
        ""
    };
    format!(
        r#"<a class="side-panel__link" href="{PREFIX}{to}"{current}><span class="side-panel__label">{name}</span></a>"#
    )
}

/// Whether a path is in a section. Every path is below the start.
fn is_open(section: &str, path: &str) -> bool {
    if section == "/" {
        return matches!(path, "" | "/");
    }
    let section = section.trim_end_matches('/');
    let rest = path.strip_prefix(section);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
