//! Every setting there is. A new setting is an entry in a section of this folder: key, default, values, text.
//!
//! The commented defaults, the typed reading and the hints to a misspelled key take what they need from here. What
//! is not declared here is an error wherever it is set.

mod foreign;
mod server;
mod sync;
mod vendors;

use codex_core::nearest::nearest;

use super::setting::{Section, Setting};

pub use foreign::{is_unused, is_unused_variable};

/// All sections, in the order of the commented defaults.
pub const SECTIONS: &[Section] = &[
    server::SERVER,
    server::HEALTH,
    server::DATABASE,
    server::SERVICE,
    server::CORE,
    server::HELM,
    server::AUTH,
    server::METRICS,
    vendors::PSA,
    vendors::FRESHSERVICE,
    vendors::RMM,
    vendors::DATTO,
    vendors::KEYCLOAK,
    vendors::UPSTREAM,
    vendors::POLICIES,
    vendors::TICKET_STATUSES,
    sync::SCHEDULER,
    vendors::WEBHOOKS,
    sync::SYNC,
    sync::MATCHING,
    server::LOGGING,
    server::TELEMETRY,
];

/// Which value wins, by field.
pub const POLICIES: &str = vendors::POLICIES.name;
/// Words of the PSA's statuses, by number.
pub const TICKET_STATUSES: &str = vendors::TICKET_STATUSES.name;

const LISTED: &str = "`codexd config` lists them all";

/// All settings, in that order.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// The setting of a section and key, by its newer or an older name.
pub fn find(section: &str, name: &str) -> Option<&'static Setting> {
    settings().find(|setting| {
        setting.section == section && (setting.name == name || setting.older.contains(&name))
    })
}

/// The name of a section whose keys are not fixed.
pub fn open(name: &str) -> Option<&'static str> {
    let mut open = SECTIONS.iter().filter(|section| section.is_open());
    open.find(|section| section.name == name)
        .map(|section| section.name)
}

/// Names of the settings of a section.
fn names(section: &str) -> impl Iterator<Item = &'static str> {
    let of_section = settings().filter(move |setting| setting.section == section);
    of_section.map(|setting| setting.name)
}

/// Why there is no such setting, with the one that was probably meant.
pub fn unknown(section: &str, name: &str) -> String {
    let sections = || SECTIONS.iter().map(|section| section.name);
    if sections().any(|known| known == section) {
        let elsewhere = settings().find(|setting| setting.name == name);
        let meant = match (nearest(name, names(section)), elsewhere) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(other)) => format!("did you mean [{}] {}?", other.section, other.name),
            (None, None) => LISTED.to_owned(),
        };
        return format!("there is no such setting; {meant}");
    }
    let meant = match nearest(section, sections()) {
        Some(meant) => match nearest(name, names(meant)) {
            Some(name) => format!("did you mean [{meant}] {name}?"),
            None => format!("did you mean [{meant}]?"),
        },
        None => LISTED.to_owned(),
    };
    format!("there is no such section; {meant}")
}

/// Why a variable that begins as ours do sets nothing; `None` when it does, or is none of ours.
pub fn unknown_variable(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix("CODEX_")?.to_lowercase();
    let is_known = || settings().any(|setting| setting.generic_env() == variable);
    if foreign::is_of_others(variable) || is_known() {
        return None;
    }
    let of_section = settings().find_map(|setting| {
        let name = rest.strip_prefix(setting.section)?.strip_prefix('_')?;
        Some((setting.section, name))
    });
    let meant = if let Some((section, name)) = of_section {
        nearest(name, names(section)).and_then(|name| find(section, name))
    } else {
        let all: Vec<String> = settings().map(Setting::underscored).collect();
        let near = nearest(&rest, all.iter().map(String::as_str));
        near.and_then(|near| settings().find(|setting| setting.underscored() == near))
    };
    let meant = meant.map_or_else(
        || LISTED.to_owned(),
        |setting| format!("did you mean {}?", setting.generic_env()),
    );
    Some(format!("there is no such setting; {meant}"))
}
