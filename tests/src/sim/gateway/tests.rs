//! The parts of the gateway that need no server.

use axum::http::Uri;

use super::{
    frame::{COLOURS, Theme, wrap},
    panel,
    people::PEOPLE,
    proxy::target,
    session::is_local,
};

const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>a</title></head>\
    <body id=\"a>b\"><main>é &lt;body&gt;</main></body></html>";

fn asked(uri: &str) -> Option<String> {
    let uri: Uri = uri.parse().unwrap();
    target("http://codex:5010", &uri).map(|url| url.to_string())
}

#[test]
fn pages_get_themes_styles_and_a_panel() {
    let theme = Theme::known("dark", "bee").unwrap();
    let page = wrap(PAGE, theme, "PANEL");
    assert!(page.contains(r#"<html data-theme="dark" data-color-theme="bee" lang="en">"#));
    assert!(page.contains("</script></head><body id=\"a>b\"><div class=\"hivematrix-layout\">"));
    assert!(page.contains("id=\"side-panel\">PANEL</div>"));
    assert!(page.ends_with("<main>é &lt;body&gt;</main></div></div></body></html>"));
}

#[test]
fn fragments_pass_unchanged() {
    for text in ["", "<p>a</p>", "<htmlx>", "<tr><td>é</td></tr>"] {
        assert_eq!(wrap(text, Theme::default(), "PANEL"), text);
    }
}

#[test]
fn unknown_themes_are_refused() {
    assert!(
        COLOURS
            .iter()
            .all(|colour| Theme::known("light", colour).is_some())
    );
    assert_eq!(Theme::known("light", "purple"), Some(Theme::default()));
    assert_eq!(Theme::known("dim", "purple"), None);
    assert_eq!(Theme::known("dark", "mauve"), None);
}

#[test]
fn paths_lose_the_prefix_and_queries_repeated_names() {
    let cases = [
        ("/codex", "http://codex:5010/"),
        ("/codex/", "http://codex:5010/"),
        ("/codex/companies/", "http://codex:5010/companies/"),
        ("/codex//a%2Fb/%25c", "http://codex:5010/a/b/%25c"),
        ("/codex/a%C3%A9+b?", "http://codex:5010/a%C3%A9+b"),
        ("/codex/x?a=1&b=&a=2", "http://codex:5010/x?a=1&b="),
    ];
    for (from, to) in cases {
        assert_eq!(asked(from).as_deref(), Some(to), "{from}");
    }
    assert_eq!(asked("/codexx/"), None);
    assert_eq!(asked("/helm/api"), None);
}

#[test]
fn a_login_leads_to_paths_of_this_host_alone() {
    for next in ["/codex/", "/codex/companies/?q=a%20b", "/"] {
        assert!(is_local(next), "{next}");
    }
    for next in ["", "codex", "//evil", "/\\evil", "https://evil", "/a\r\nb"] {
        assert!(!is_local(next), "{next:?}");
    }
}

#[test]
fn the_panel_links_codex_and_the_settings() {
    let panel = panel::html(&PEOPLE[0], "/codex/companies/100001");
    assert!(panel.contains(r#"href="/codex/" aria-current="true""#));
    assert!(panel.contains(r#"href="/codex/settings"><"#));
    assert!(!panel.contains("/codex/companies/"));
    let panel = panel::html(&PEOPLE[0], "/codex/settings");
    assert!(panel.contains(r#"href="/codex/settings" aria-current="true""#));
}
