//! Import of plans and options, as a file or as text. All or nothing; what is wrong is listed and the input stays.

use askama::Template;
use axum::{http::StatusCode, response::Response, routing::get};
use codex_core::{Error, Fault};
use serde_json::error::Category;
use utoipa_axum::router::OpenApiRouter;

use super::{LIST, list::crumb, redirect};
use crate::{
    api::billing_plans::ImportBody,
    app::App,
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        csrf,
        files::SentFiles,
        shell::{Shell, page},
        visit::{BillingEditor, Visit, applied},
    },
};

const IMPORT: &str = "/billing-plans/import";
/// The largest file, in bytes.
const LARGEST: usize = 500_000;
/// The largest input that is shown again, in bytes.
const SHOWN: usize = 30_000;
/// The most faults that are listed.
const FAULTS: usize = 50;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route(IMPORT, get(show_form).post(import_plans))
}

/// The form as a page.
#[derive(Debug, Template)]
#[template(path = "billing_plans/import.html")]
pub(in crate::pages) struct ImportView {
    shell: Shell,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    text: String,
    faults: Vec<String>,
    /// How large a file may be.
    largest: String,
}

impl ImportView {
    /// With what was sent, and what is wrong with it.
    pub fn new(at: &Forwarded, csrf: String, text: &str, mut faults: Vec<String>) -> Self {
        if faults.len() > FAULTS {
            let more = faults.len() - FAULTS;
            faults.truncate(FAULTS);
            faults.push(format!("and {more} more"));
        }
        let is_shown = text.len() <= SHOWN;
        if !is_shown {
            faults
                .push("The input is too long to be shown again: choose the file again.".to_owned());
        }
        Self {
            shell: crumb(at, "Import billing plans"),
            action: at.link(IMPORT),
            cancel: at.link(LIST),
            csrf_field: csrf::FIELD,
            csrf,
            text: if is_shown {
                text.to_owned()
            } else {
                String::new()
            },
            faults,
            largest: format!("{} kB", LARGEST / 1_000),
        }
    }
}

/// The file that was sent where there is one, else the text.
fn sent_json(sent: &SentFiles) -> &[u8] {
    match sent.bytes("json_file") {
        [] => sent.bytes("json"),
        file => file,
    }
}

/// Reads plans and options.
///
/// # Errors
/// What is wrong, in words.
fn read(json: &[u8]) -> Result<ImportBody, Vec<String>> {
    if json.len() > LARGEST {
        let limit = LARGEST / 1_000;
        return Err(vec![format!("The import is larger than {limit} kB.")]);
    }
    if json.trim_ascii().is_empty() {
        return Err(vec!["Choose a file, or paste its text.".to_owned()]);
    }
    // A list would pass for an object whose members come in their order.
    if json.trim_ascii().starts_with(b"[") {
        let what = "must be an object with the keys `plans` and `feature_options`";
        return Err(vec![format!("The import {what}.")]);
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|misfit| {
        let place = misfit.path().to_string();
        let what = misfit.into_inner();
        match what.classify() {
            Category::Data if place == "." => what.to_string(),
            Category::Data => format!("{place}: {what}"),
            _ => format!("This is not JSON: {what}"),
        }
    });
    let import = read.map_err(|what| vec![what])?;
    let end = reader.end();
    end.map_err(|what| vec![format!("This is not JSON: {what}")])?;
    Ok(import)
}

async fn show_form(BillingEditor(visit): BillingEditor) -> Result<Response, Problem> {
    let view = ImportView::new(&visit.at, visit.csrf.token(), "", Vec::new());
    page(StatusCode::OK, &view)
}

async fn import_plans(
    BillingEditor(visit): BillingEditor,
    sent: SentFiles,
) -> Result<Response, Problem> {
    visit.check(sent.text(csrf::FIELD))?;
    let json = sent_json(&sent);
    let faults = match read(json) {
        Err(faults) => faults,
        Ok(body) => match imported(&visit, body).await {
            Ok(()) => return Ok(redirect(&visit.at, LIST, "imported")),
            Err(Error::Unprocessable(faults)) => faults.iter().map(in_words).collect(),
            Err(Error::Invalid { field, message }) => vec![format!("{field}: {message}")],
            Err(error) => return Err(error.into()),
        },
    };
    let text = String::from_utf8_lossy(json);
    let view = ImportView::new(&visit.at, visit.csrf.token(), &text, faults);
    page(StatusCode::UNPROCESSABLE_ENTITY, &view)
}

async fn imported(visit: &Visit, body: ImportBody) -> codex_core::Result<()> {
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let import = body.read()?;
    let done = codex.import_billing(visit.scope(), author, &import);
    applied(done.await?)?;
    Ok(())
}

/// A fault with its place, such as `plans, number 2, per_user_cost: must be a number`.
fn in_words(fault: &Fault) -> String {
    let parts = fault.pointer.split('/').skip(1).map(|part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        match part.parse::<usize>() {
            Ok(index) => format!("number {}", index + 1),
            Err(_) => part,
        }
    });
    let place = parts.collect::<Vec<_>>().join(", ");
    format!("{place}: {}", fault.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_read_or_refused_with_a_place() {
        assert!(read(br#"{"plans": [], "feature_options": []}"#).is_ok());
        for (text, says) in [
            (" ", "Choose a file"),
            ("{", "not JSON"),
            ("[[], []]", "must be an object"),
            (r#"{"plans": []}"#, "feature_options"),
            (r#"{"plans": [1], "feature_options": []}"#, "plans[0]"),
            (r#"{"plans": [], "feature_options": []} x"#, "not JSON"),
        ] {
            let faults = read(text.as_bytes()).unwrap_err().join("\n");
            assert!(faults.contains(says), "{text}: {faults}");
        }
    }

    #[test]
    fn places_of_faults_count_from_one() {
        let fault = Fault::at("per_user_cost", "must be a number").within("/plans/1");
        assert_eq!(
            in_words(&fault),
            "plans, number 2, per_user_cost: must be a number"
        );
    }
}
