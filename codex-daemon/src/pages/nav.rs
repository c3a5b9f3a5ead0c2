//! The sections that every page links, with their pages.

use codex_core::Access;

use super::PAGES;
use crate::http::forwarded::Forwarded;

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
    let mut sections: Vec<SectionLink> = Vec::new();
    let entries = PAGES.iter().filter_map(|pages| pages.nav.as_ref());
    for entry in entries.filter(|entry| is_open(entry.access)) {
        let link = PageLink {
            title: entry.title,
            href: at.link(entry.path),
            is_current: entry.title == title,
        };
        match sections.last_mut() {
            Some(section) if section.title == entry.section => section.pages.push(link),
            _ => sections.push(SectionLink {
                title: entry.section,
                pages: vec![link],
            }),
        }
    }
    sections
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
        assert!(billing.contains(&"Views"));
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
            ("Views", "Settings"),
        ] {
            let sections = sections(&at, title);
            let current = sections.iter().filter(|section| section.is_current());
            let current: Vec<_> = current.map(|section| section.title).collect();
            assert_eq!(current, [wanted]);
        }
    }
}
