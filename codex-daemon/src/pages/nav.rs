//! The sections of the pages: one line each, in the order in which they are linked.

use codex_core::Access;

use crate::http::forwarded::Forwarded;

/// A section: pages that belong together.
struct Section {
    title: &'static str,
    pages: &'static [Page],
}

/// A page that a section links.
struct Page {
    title: &'static str,
    path: &'static str,
    /// Who may open it.
    access: Access,
}

const fn page(title: &'static str, path: &'static str, access: Access) -> Page {
    Page {
        title,
        path,
        access,
    }
}

const fn section(title: &'static str, pages: &'static [Page]) -> Section {
    Section { title, pages }
}

/// All sections. The title of a page is that of its document.
const SECTIONS: &[Section] = &[
    section(
        "Companies",
        &[page("Companies", "/companies/", Access::Everyone)],
    ),
    section(
        "Contacts",
        &[page("Contacts", "/contacts/", Access::Everyone)],
    ),
    section("Assets", &[page("Assets", "/assets/", Access::Everyone)]),
    section("Tickets", &[page("Tickets", "/tickets/", Access::Everyone)]),
    section(
        "Plans",
        &[page("Billing plans", "/billing-plans/", Access::Staff)],
    ),
    section(
        "Locations",
        &[page("Locations", "/locations/", Access::Everyone)],
    ),
    section("Tags", &[page("Tags", "/tags/", Access::Staff)]),
    section(
        "Sync",
        &[
            page("Sync", "/sync/", Access::Staff),
            page("Outbox", "/outbox/", Access::Staff),
        ],
    ),
    section(
        "Decisions",
        &[
            page("Held deletions", "/holds/", Access::Staff),
            page("Duplicate candidates", "/duplicates/", Access::Technicians),
            page("Deleted records", "/deleted/", Access::Staff),
        ],
    ),
    section(
        "Admin",
        &[
            page("Administration", "/admin/", Access::Admins),
            page("Import", "/admin/import", Access::Admins),
            page("Agents", "/agents/", Access::Admins),
        ],
    ),
    section(
        "Settings",
        &[page("Settings", "/settings", Access::Everyone)],
    ),
];

/// A link to a section.
#[derive(Debug)]
pub(crate) struct SectionLink {
    pub title: &'static str,
    /// Its pages that the reader may open; there is at least one.
    pub pages: Vec<PageLink>,
}

/// A link to a page of a section.
#[derive(Debug)]
pub(crate) struct PageLink {
    pub title: &'static str,
    pub href: String,
    /// Whether the page that links it is this one, or below it.
    pub is_current: bool,
}

impl SectionLink {
    /// The first of its pages.
    pub fn href(&self) -> &str {
        self.pages.first().map_or("", |page| page.href.as_str())
    }

    /// Whether the page belongs to it.
    pub fn is_current(&self) -> bool {
        self.pages.iter().any(|page| page.is_current)
    }
}

/// The sections that the reader of a page with a title may open. Without a reader these are the sections that everybody
/// may open.
pub(crate) fn sections(at: &Forwarded, title: &str) -> Vec<SectionLink> {
    let is_open = |access: Access| match at.reader() {
        Some(role) => access.has(role),
        None => access == Access::Everyone,
    };
    let sections = SECTIONS.iter().map(|section| {
        let open = section.pages.iter().filter(|page| is_open(page.access));
        let links = open.map(|page| PageLink {
            title: page.title,
            href: at.link(page.path),
            is_current: page.title == title,
        });
        SectionLink {
            title: section.title,
            pages: links.collect(),
        }
    });
    sections
        .filter(|section| !section.pages.is_empty())
        .collect()
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
        let sections = sections(&at, "Companies").into_iter();
        let pages = sections.flat_map(|section| section.pages);
        pages.map(|page| page.title).collect()
    }

    #[test]
    fn sections_follow_the_role() {
        let billing = titles(Some(Role::Billing));
        assert!(billing.contains(&"Tags") && billing.contains(&"Billing plans"));
        assert!(!billing.contains(&"Duplicate candidates") && !billing.contains(&"Agents"));
        assert!(titles(Some(Role::Admin)).contains(&"Agents"));
        let everybody = [
            "Companies",
            "Contacts",
            "Assets",
            "Tickets",
            "Locations",
            "Settings",
        ];
        for role in [Some(Role::Client), None] {
            assert_eq!(titles(role), everybody, "{role:?}");
        }
    }

    #[test]
    fn section_is_current_with_each_of_its_pages() {
        let at = Forwarded::of(&HeaderMap::new()).read_by(Role::Admin);
        for (title, wanted) in [
            ("Agents", "Admin"),
            ("Outbox", "Sync"),
            ("Tickets", "Tickets"),
        ] {
            let sections = sections(&at, title);
            let current = sections.iter().filter(|section| section.is_current());
            let current: Vec<_> = current.map(|section| section.title).collect();
            assert_eq!(current, [wanted]);
        }
    }
}
