//! The sections of the pages: one line each, in the order in which they are linked.

use codex_core::Access;

use crate::http::forwarded::Forwarded;

/// A section.
struct Section {
    title: &'static str,
    path: &'static str,
    /// Who may open it.
    access: Access,
}

const fn section(title: &'static str, path: &'static str, access: Access) -> Section {
    Section {
        title,
        path,
        access,
    }
}

/// All sections.
const SECTIONS: &[Section] = &[
    section("Companies", "/companies/", Access::Everyone),
    section("Contacts", "/contacts/", Access::Everyone),
    section("Assets", "/assets/", Access::Everyone),
    section("Locations", "/locations/", Access::Everyone),
    section("Tags", "/tags/", Access::Staff),
];

/// A link to a section.
#[derive(Debug)]
pub(crate) struct SectionLink {
    pub title: &'static str,
    pub href: String,
    /// Whether the page belongs to it.
    pub is_current: bool,
}

/// The sections that the reader of a page with a title may open. Without a reader these are the sections that everybody
/// may open.
pub(crate) fn sections(at: &Forwarded, title: &str) -> Vec<SectionLink> {
    let is_open = |access: Access| match at.reader() {
        Some(role) => access.has(role),
        None => access == Access::Everyone,
    };
    let open = SECTIONS.iter().filter(|section| is_open(section.access));
    let links = open.map(|section| SectionLink {
        title: section.title,
        href: at.link(section.path),
        is_current: section.title == title,
    });
    links.collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use codex_core::Role;

    use super::*;

    fn titles(role: Option<Role>) -> Vec<&'static str> {
        let mut at = Forwarded::of(&HeaderMap::new());
        if let Some(role) = role {
            at = at.read_by(role);
        }
        let links = sections(&at, "Companies").into_iter();
        links.map(|link| link.title).collect()
    }

    #[test]
    fn sections_follow_the_role() {
        assert!(titles(Some(Role::Billing)).contains(&"Tags"));
        for role in [Some(Role::Client), None] {
            let titles = titles(role);
            assert!(
                titles.contains(&"Assets") && !titles.contains(&"Tags"),
                "{role:?}"
            );
        }
    }
}
