//! The scripts of the pages: htmx and our own. Pages work without them.

use std::sync::LazyLock;

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use utoipa_axum::router::OpenApiRouter;

use super::PageSet;
use crate::{
    app::App,
    http::{digest::hex, extract::Path, forwarded::Forwarded, problem::Problem},
};

/// The path of scripts.
pub(crate) const FOLDER: &str = "/static/";
/// A file name belongs to one content, so browsers may keep it.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// A file with a name that changes with its content.
struct Script {
    name: String,
    text: &'static str,
}

/// In the order in which pages load them. htmx is the release on npm (`static/htmx-LICENSE`).
static SCRIPTS: LazyLock<[Script; 2]> = LazyLock::new(|| {
    [
        script("htmx", include_str!("../../static/htmx-2.0.10.min.js")),
        script("codex", include_str!("../../static/codex.js")),
    ]
});

fn script(stem: &str, text: &'static str) -> Script {
    let digest = hex(&[text.as_bytes()]);
    Script {
        name: format!("{stem}-{}.js", &digest[..12]),
        text,
    }
}

/// The addresses of the scripts for a page.
pub(super) fn links(at: &Forwarded) -> Vec<String> {
    let link = |script: &Script| at.link(&format!("{FOLDER}{}", script.name));
    SCRIPTS.iter().map(link).collect()
}

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(Some("static"), routes);

/// The routes. Scripts hold no records, so they need no token.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route("/static/{name}", get(read))
}

async fn read(Path(name): Path<String>) -> Result<Response, Problem> {
    let script = SCRIPTS.iter().find(|script| script.name == name);
    let script = script.ok_or_else(|| Problem::not_found("There is no such file."))?;
    let headers = [
        (CONTENT_TYPE, JAVASCRIPT),
        (CACHE_CONTROL, FOREVER),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((StatusCode::OK, headers, script.text).into_response())
}
