//! Secret fields of an asset (BitLocker, Windows keys): masked on its page, revealed one at a time, and logged.
//!
//! [`SecretsView`] with `templates/assets/_secrets.html` is a part of the asset's page.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    response::Response,
    routing::post,
};
use codex_core::ids::AssetId;
use utoipa_axum::router::OpenApiRouter;

use super::{
    PageSet, csrf,
    form::SentForm,
    shell::{Shell, page},
    visit::{Editor, Visit},
};
use crate::{
    app::App,
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
};

/// What user-defined fields are called (contract 3.7).
const NAMES: [(&str, &str); 2] = [("udf2", "BitLocker key"), ("udf9", "Windows key")];
/// The beginning of the names of user-defined fields.
const UDF: &str = "udf";

/// A secret field, without its value.
#[derive(Debug)]
pub(crate) struct Secret {
    pub label: String,
    /// Where it is revealed.
    pub action: String,
    pub csrf: String,
}

/// The secret fields of an asset: a part of its page.
#[derive(Debug)]
pub(crate) struct SecretsView {
    pub csrf_field: &'static str,
    pub secrets: Vec<Secret>,
}

impl SecretsView {
    /// For fields by their names; `token` makes a token for each form.
    pub fn new(
        at: &Forwarded,
        asset: AssetId,
        names: &[String],
        token: impl Fn() -> String,
    ) -> Self {
        let secrets = names.iter().filter_map(|name| {
            let number: u32 = name.strip_prefix(UDF)?.parse().ok()?;
            Some(Secret {
                label: label(name),
                action: at.link(&format!("/assets/{}/secrets/{number}/reveal", asset.0)),
                csrf: token(),
            })
        });
        Self {
            csrf_field: csrf::FIELD,
            secrets: secrets.collect(),
        }
    }

    /// Of an asset, for a person; `None` where the person may not reveal them, or there are none. One statement.
    pub async fn of(visit: &Visit, asset: AssetId) -> codex_core::Result<Option<Self>> {
        if visit.scope().require_technician("reading secrets").is_err() {
            return Ok(None);
        }
        let names = visit
            .call
            .codex
            .asset_secret_names(visit.scope(), asset)
            .await?;
        let view = Self::new(&visit.at, asset, &names, || visit.csrf.token());
        Ok((!view.secrets.is_empty()).then_some(view))
    }
}

fn label(name: &str) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map_or_else(
        || format!("User-defined field {}", name.trim_start_matches(UDF)),
        |(_, label)| (*label).to_owned(),
    )
}

/// A revealed secret as a page.
#[derive(Debug, Template)]
#[template(path = "assets/secret.html")]
pub(super) struct SecretView {
    shell: Shell,
    label: String,
    hostname: String,
    value: String,
    back: String,
}

impl SecretView {
    fn new(at: &Forwarded, asset: AssetId, hostname: &str, name: &str, value: String) -> Self {
        let back = at.link(&format!("/assets/{}", asset.0));
        let label = label(name);
        Self {
            shell: Shell::new(at, format!("{label} of {hostname}")).under(hostname, back.clone()),
            label,
            hostname: hostname.to_owned(),
            value,
            back,
        }
    }
}

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(None, routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route("/assets/{id}/secrets/{number}/reveal", post(reveal))
}

async fn reveal(
    Editor(visit): Editor,
    Path((id, number)): Path<(i64, u32)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let (codex, scope, id) = (&visit.call.codex, visit.scope(), AssetId(id));
    let unknown = || Problem::not_found("There is no such asset, or it has no such secret.");
    let (asset, _) = codex.asset(scope, id).await?.ok_or_else(unknown)?;
    let name = format!("{UDF}{number}");
    let value = codex.reveal_asset_secret(scope, &visit.call.author, id, &name);
    let value = value.await?.ok_or_else(unknown)?;
    let hostname = asset.fields.hostname.as_deref().unwrap_or("this asset");
    let view = SecretView::new(&visit.at, id, hostname, &name, value);
    let mut response = page(StatusCode::OK, &view)?;
    // The page is shown once; no cache keeps it.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
#[derive(Debug, Template)]
#[template(
    source = "{% extends \"base.html\" %}{% block content %}<h1>Asset</h1>{% include \"assets/_secrets.html\" %}{% endblock %}",
    ext = "html"
)]
struct PartView {
    shell: Shell,
    secrets: SecretsView,
}

/// What templates are tested with, rendered.
#[cfg(test)]
pub(super) fn samples() -> Vec<(String, String)> {
    use super::tests::HOSTILE;

    let at = Forwarded::of(&axum::http::HeaderMap::new());
    let part = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let secrets = SecretsView::new(&at, AssetId(7), &names, || "word.proof".to_owned());
        let shell = Shell::new(&at, "Asset");
        PartView { shell, secrets }.render().unwrap()
    };
    let view = |value: &str, host: &str| {
        let view = SecretView::new(&at, AssetId(7), host, "udf2", value.to_owned());
        view.render().unwrap()
    };
    vec![
        ("assets/secrets/empty".to_owned(), part(&[])),
        (
            "assets/secrets/usual".to_owned(),
            part(&["udf2", "udf9", "udf30"]),
        ),
        (
            "assets/secret/usual".to_owned(),
            view("111111-222222", "PC-7"),
        ),
        ("assets/secret/hostile".to_owned(), view(HOSTILE, HOSTILE)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_names_and_no_values() {
        assert_eq!(label("udf2"), "BitLocker key");
        assert_eq!(label("udf30"), "User-defined field 30");
        let (_, html) = &samples()[1];
        assert_eq!(html.matches("/assets/7/secrets/").count(), 3);
        assert!(html.contains("/assets/7/secrets/9/reveal"), "{html}");
    }
}
