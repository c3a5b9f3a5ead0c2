//! The panel beside a page: one link per module, as in Nexus, and what belongs to the person.

use super::{PREFIX, people::Person};

/// The modules behind the gateway: name, path. The sections of a module are its own business.
const MODULES: [(&str, &str); 1] = [("Codex", "/")];

/// The panel for a person who is at a path.
pub(super) fn html(person: &Person, path: &str) -> String {
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let modules = MODULES.iter();
    let items: String = modules.map(|(name, to)| item(name, to)).collect();
    let (name, title) = (person.name, person.title);
    format!(
        r#"<div class="side-panel__header"><p class="side-panel__title"><a href="{PREFIX}/">HiveMatrix</a></p><button class="side-panel__toggle" id="sidebar-toggle" type="button" aria-controls="side-panel-nav" hidden>Menu</button></div>
<nav class="side-panel__nav" id="side-panel-nav" aria-label="HiveMatrix"><ul class="side-panel__list">{items}</ul>
<div class="side-panel__footer"><p class="u-text-muted u-text-sm">{name}<br>{title}</p><button class="theme-toggle" id="theme-toggle-btn" type="button" aria-pressed="false" hidden>Dark theme<span class="theme-toggle__track" aria-hidden="true"><span class="theme-toggle__thumb"></span></span></button><p class="u-text-danger u-text-sm" id="theme-message" role="status"></p>{settings}<a class="side-panel__link" href="/">Switch role</a><a class="side-panel__link" href="/logout">Log out</a></div></nav>"#,
        settings = link("Settings", "/settings", path == "/settings"),
    )
}

/// A module. Every page behind the gateway is one of Codex.
fn item(name: &str, to: &str) -> String {
    let link = link(name, to, true);
    format!(r#"<li class="side-panel__item side-panel__item--active">{link}</li>"#)
}

fn link(name: &str, to: &str, is_open: bool) -> String {
    let current = if is_open {
        r#" aria-current="true""#
    } else {
        ""
    };
    format!(
        r#"<a class="side-panel__link" href="{PREFIX}{to}"{current}><span class="side-panel__label">{name}</span></a>"#
    )
}
