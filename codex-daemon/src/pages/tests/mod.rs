//! Every template with every sample: well formed, safe, and of classes that are styled.

mod html;
mod vocabulary;

use std::collections::{BTreeSet, HashSet};

use askama::Template as _;

use self::{
    html::{Document, Element},
    vocabulary::CLASSES,
};
use super::{
    admin, agents, asset_secrets,
    assets::{self, Assets},
    billing_plans, bulk_edit,
    companies::{self, Companies},
    contacts::{self, Contacts},
    dashboard::DashboardView,
    deleted, duplicates,
    error::ErrorView,
    holds,
    locations::{self, Locations},
    outbox,
    record::samples::rendered,
    search::SearchView,
    settings::SettingsView,
    sync,
    tags::{self, Tags},
    tickets, views,
};

/// A text that breaks out of texts and attributes that are not escaped.
pub(super) const HOSTILE: &str = "'\"><script>alert(1)</script><b onclick=alert(1)>&lt;{{ 7 * 7 }}";

/// The most bytes of a page.
const LARGEST: usize = 60_000;

/// Pages of resources.
fn resources() -> Vec<(String, String)> {
    let pages = [
        rendered::<Assets>(&assets::samples()),
        rendered::<Companies>(&companies::samples()),
        rendered::<Contacts>(&contacts::samples()),
        rendered::<Locations>(&locations::samples()),
        rendered::<Tags>(&tags::samples()),
        companies::samples::rendered(),
        tickets::samples::rendered(),
        billing_plans::samples::rendered(),
    ];
    pages.concat()
}

fn pages() -> Vec<(String, String)> {
    let mut pages = resources();
    pages.extend(decisions());
    pages.extend(admin::samples::rendered());
    pages.extend(agents::samples::rendered());
    pages.extend(asset_secrets::samples());
    pages.extend(bulk_edit::samples::rendered());
    pages.extend(views::samples::rendered());
    for (name, view) in DashboardView::samples() {
        pages.push((name.to_owned(), view.render().unwrap()));
    }
    for (name, view) in SearchView::samples() {
        pages.push((name.to_owned(), view.render().unwrap()));
    }
    for (name, view) in SettingsView::samples() {
        pages.push((name.to_owned(), view.render().unwrap()));
    }
    for (name, view) in ErrorView::samples() {
        pages.push((name.to_owned(), view.render().unwrap()));
    }
    pages
}

/// Pages of syncs and decisions.
fn decisions() -> Vec<(String, String)> {
    let all = [
        sync::samples::rendered(),
        holds::samples::rendered(),
        duplicates::samples::rendered(),
        outbox::samples::rendered(),
        deleted::samples::rendered(),
    ];
    all.into_iter().flatten().collect()
}

/// Reads every page and collects what a check finds wrong with it.
fn check(of: impl Fn(&Document) -> Vec<String>) {
    let mut wrong = Vec::new();
    for (name, html) in pages() {
        let found = of(&Document::read(&html)).into_iter();
        wrong.extend(found.map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The elements that something is wrong with.
fn those(document: &Document, is_wrong: impl Fn(&Element) -> bool) -> Vec<String> {
    let wrong = document.elements.iter().filter(|one| is_wrong(one));
    wrong.map(|one| format!("{one:?}")).collect()
}

/// Whether a script is one of the pages' own.
fn is_ours(script: &Element) -> bool {
    let source = script.attribute("src");
    source.is_some_and(|source| source.trim_start_matches("/codex").starts_with("/static/"))
}

#[test]
fn pages_are_well_formed_documents() {
    check(|document| document.faults.clone());
    check(|document| {
        let counts = ["html", "head", "body", "main", "h1"].map(|name| {
            let elements = document.elements.iter();
            (name, elements.filter(|one| one.name == name).count())
        });
        let wrong = counts.iter().filter(|(_, count)| *count != 1);
        wrong.map(|wrong| format!("{wrong:?}")).collect()
    });
    // Nexus draws what stands around `main`.
    check(|document| {
        those(document, |one| {
            one.within.last().is_some_and(|parent| parent == "body") && one.name != "main"
        })
    });
}

#[test]
fn pages_have_styled_classes_and_no_style_of_their_own() {
    let known: HashSet<&str> = CLASSES.iter().copied().collect();
    check(|document| {
        let classes = document
            .elements
            .iter()
            .filter_map(|one| one.attribute("class"));
        let classes: BTreeSet<&str> = classes.flat_map(str::split_whitespace).collect();
        classes
            .into_iter()
            .filter(|class| !known.contains(class))
            .map(str::to_owned)
            .collect()
    });
    check(|document| {
        those(document, |one| {
            let mut names = one.attributes.iter().map(|(name, _)| name.as_str());
            names.any(|name| name == "style" || name.starts_with("on"))
                || ["style", "link"].contains(&one.name.as_str())
                || (one.name == "script" && !is_ours(one))
        })
    });
}

#[test]
fn hostile_texts_stay_texts() {
    // The markup of tickets has bold words. It has no attributes.
    check(|document| {
        those(document, |one| {
            (one.name == "script" && !is_ours(one))
                || (one.name == "b" && !one.attributes.is_empty())
        })
    });
    let is_hostile = |name: &str| name.contains("hostile") && !name.contains("/new/");
    for (name, html) in pages().into_iter().filter(|(name, _)| is_hostile(name)) {
        let document = Document::read(&html);
        assert!(document.text.contains(HOSTILE), "{name}");
    }
    // A link leads into Codex or to the web.
    check(|document| {
        those(document, |one| {
            let link = one.attribute("href").or_else(|| one.attribute("action"));
            link.is_some_and(|link| {
                let is_own = link.starts_with('/') && !link.starts_with("//");
                let is_outside = ["#", "https://", "mailto:"];
                !is_own && !is_outside.iter().any(|start| link.starts_with(start))
            })
        })
    });
}

#[test]
fn links_carry_the_prefix() {
    let lists = [bulk_edit::samples::rendered(), views::samples::rendered()].concat();
    let pages = resources().into_iter().chain(decisions()).chain(lists);
    for (name, html) in pages {
        for element in Document::read(&html).elements {
            for attribute in ["href", "action"] {
                let link = element.attribute(attribute).unwrap_or("/codex/");
                let is_outside = ["#", "https://", "mailto:"];
                let is_outside = is_outside.iter().any(|start| link.starts_with(start));
                assert!(is_outside || link.starts_with("/codex/"), "{name}: {link}");
            }
        }
    }
}

#[test]
fn inputs_tables_and_ids_are_accessible() {
    check(|document| {
        let ids: Vec<&str> = document
            .elements
            .iter()
            .filter_map(|one| one.attribute("id"))
            .collect();
        let unique: HashSet<&str> = ids.iter().copied().collect();
        let mut wrong = Vec::new();
        if unique.len() != ids.len() {
            wrong.push(format!("an id is there twice: {ids:?}"));
        }
        for element in &document.elements {
            for reference in ["for", "aria-describedby", "aria-labelledby"] {
                if element
                    .attribute(reference)
                    .is_some_and(|id| !unique.contains(id))
                {
                    wrong.push(format!("{reference} leads nowhere: {element:?}"));
                }
            }
        }
        wrong
    });
    check(|document| {
        let elements = || document.elements.iter();
        let labelled: HashSet<&str> = elements().filter_map(|one| one.attribute("for")).collect();
        those(document, |one| {
            let is_input = ["input", "select", "textarea"].contains(&one.name.as_str())
                && one.attribute("type") != Some("hidden");
            let is_in_label = one.within.iter().any(|outer| outer == "label");
            let is_named = one.attribute("id").is_some_and(|id| labelled.contains(id));
            let says_name = one
                .attribute("aria-label")
                .is_some_and(|name| !name.is_empty());
            is_input && !is_in_label && !is_named && !says_name
        })
    });
    check(|document| {
        let count = |name: &str| {
            document
                .elements
                .iter()
                .filter(|one| one.name == name)
                .count()
        };
        let captions =
            (count("table") != count("caption")).then(|| "a table has no caption".to_owned());
        let scopes = those(document, |one| {
            one.name == "th" && one.attribute("scope").is_none()
        });
        captions.into_iter().chain(scopes).collect()
    });
}

#[test]
fn forms_that_change_something_carry_a_token() {
    check(|document| {
        let count =
            |is: &dyn Fn(&Element) -> bool| document.elements.iter().filter(|one| is(one)).count();
        let forms = count(&|one| one.attribute("method") == Some("post"));
        let tokens = count(&|one| one.attribute("name") == Some(super::csrf::FIELD));
        (forms != tokens)
            .then(|| format!("{forms} forms, {tokens} tokens"))
            .into_iter()
            .collect()
    });
}

#[test]
fn actions_are_there_for_those_who_may() {
    for (name, html) in pages() {
        let is_editor = ["/admin", "/technician"]
            .iter()
            .any(|role| name.ends_with(role));
        if name.contains("/overview/") && !name.starts_with("sync/") {
            assert_eq!(html.contains(">Edit</a>"), is_editor, "{name}");
            assert_eq!(
                html.contains("Only technicians"),
                name.ends_with("/billing"),
                "{name}"
            );
        }
        if name.starts_with("companies/overview") {
            // Plans and sources are for staff.
            let is_client = name.ends_with("/client");
            assert_eq!(html.contains("tab=plan"), !is_client, "{name}");
            assert_eq!(html.contains("Freshservice"), !is_client, "{name}");
        }
    }
}

#[test]
fn fields_are_edited_in_their_place_by_those_who_may() {
    for (name, html) in resources() {
        if !name.contains("/overview/usual/") {
            continue;
        }
        let document = Document::read(&html);
        let elements = || document.elements.iter();
        let ids: HashSet<&str> = elements().filter_map(|one| one.attribute("id")).collect();
        let links = elements().filter_map(|one| Some((one.attribute("hx-target")?, one)));
        let links = links.filter_map(|(to, link)| Some((to.strip_prefix("#fact-")?, link)));
        let mut count = 0;
        for (field, link) in links {
            count += 1;
            assert!(
                ids.contains(format!("fact-{field}").as_str()),
                "{name}: {field}"
            );
            let (page, part) = (link.attribute("href"), link.attribute("hx-get"));
            // Without the script the link leads to the whole form.
            let whole = format!("/edit#field-{field}");
            assert!(
                page.is_some_and(|page| page.ends_with(&whole)),
                "{name}: {page:?}"
            );
            let narrowed = format!("/edit?field={field}");
            assert!(
                part.is_some_and(|part| part.ends_with(&narrowed)),
                "{name}: {part:?}"
            );
        }
        let is_editor = ["/admin", "/technician"]
            .iter()
            .any(|role| name.ends_with(role));
        assert_eq!(count > 0, is_editor, "{name}: {count}");
    }
}

#[test]
fn pages_are_small() {
    for (name, html) in pages() {
        // Hostile texts are longer than any that people write.
        let most = if name.contains("hostile") {
            2 * LARGEST
        } else {
            LARGEST
        };
        assert!(html.len() <= most, "{name}: {} bytes", html.len());
    }
}
