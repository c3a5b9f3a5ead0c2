//! The forms of a company's plan: overrides are set and cleared, another plan is chosen.

use axum::{http::StatusCode, response::Response};
use codex_core::{
    Error,
    companies::{Company, CompanyFields},
    overrides::wire::{OverrideIn, OverrideValue},
    records::Author,
};

use super::{
    Companies,
    plan::{Refusal, view},
    tabs::PLAN,
};
use crate::{
    http::{extract::Path, problem::Problem},
    pages::{
        form::SentForm,
        record::{Part, RecordPages as _, found, show_tab, to_tab},
        visit::{BillingEditor, Editor, Visit, applied},
    },
};

const NAME: &str = "billing_plan";
const TERM: &str = "contract_term_length";

/// The page after a form was refused.
async fn refused(
    visit: &Visit,
    company: &Company,
    status: StatusCode,
    refusal: &Refusal,
) -> Result<Response, Problem> {
    let part = Part::of_template(&view(visit, company, Some(refusal)).await?)?;
    show_tab::<Companies>(visit, company, PLAN, part, status)
}

/// Why a value was refused, with the status of the answer.
///
/// # Errors
/// The error itself, when the sender can do nothing about it.
fn reason(error: Error) -> Result<(StatusCode, String), Problem> {
    match error {
        Error::Unprocessable(faults) => {
            let words: Vec<String> = faults.into_iter().map(|fault| fault.detail).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, words.join("; ")))
        }
        Error::Invalid { message, .. } => Ok((StatusCode::UNPROCESSABLE_ENTITY, message)),
        Error::Conflict { message } => Ok((StatusCode::CONFLICT, message)),
        Error::Changed => {
            let words = "was changed by somebody else meanwhile; nothing was saved, save again to set yours";
            Ok((StatusCode::PRECONDITION_FAILED, words.to_owned()))
        }
        error => Err(error.into()),
    }
}

fn done(visit: &Visit, company: &Company, word: &str) -> Response {
    to_tab::<Companies>(&visit.at, company, PLAN, word)
}

/// An author of a change that requires the override to be as the person has seen it, or that there was none.
async fn override_author(
    visit: &Visit,
    company: &Company,
    key: &str,
    sent: &SentForm,
) -> Result<Result<Author, Error>, Problem> {
    if !sent.text("updated_at").is_empty() {
        return Ok(Ok(visit.author(sent.version()?)));
    }
    let codex = &visit.call.codex;
    let there = codex.override_of(visit.scope(), company, key).await?;
    Ok(match there {
        Some(_) => Err(Error::Changed),
        None => Ok(visit.call.author.clone()),
    })
}

/// Sets a company's override for one key.
pub(super) async fn set_override(
    BillingEditor(visit): BillingEditor,
    Path((account, key)): Path<(String, String)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let company = found::<Companies>(&visit, &account).await?;
    let typed = sent.text("value").trim().to_owned();
    let body = OverrideIn {
        value: Some(OverrideValue::Text(typed.clone())),
        enabled: Some(true),
    };
    let codex = &visit.call.codex;
    let set = match override_author(&visit, &company, &key, &sent).await? {
        Ok(author) => {
            let set = codex.set_override(visit.scope(), &author, &company, &key, &body);
            set.await.and_then(applied)
        }
        Err(error) => Err(error),
    };
    match set {
        Ok(_) => Ok(done(&visit, &company, "override")),
        Err(error) => {
            let (status, why) = reason(error)?;
            refused(
                &visit,
                &company,
                status,
                &Refusal::Override(key, typed, why),
            )
            .await
        }
    }
}

/// Ends a company's override for one key: the plan holds again.
pub(super) async fn delete_override(
    BillingEditor(visit): BillingEditor,
    Path((account, key)): Path<(String, String)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let company = found::<Companies>(&visit, &account).await?;
    let author = visit.author(sent.version()?);
    let codex = &visit.call.codex;
    let deleted = codex.delete_override(visit.scope(), &author, &company, &key);
    let deleted = deleted.await;
    match deleted.and_then(|gone| gone.map(applied).transpose()) {
        Ok(Some(())) => Ok(done(&visit, &company, "cleared")),
        Ok(None) => Err(Problem::not_found("The override was cleared already.")),
        Err(error) => {
            let (status, why) = reason(error)?;
            let typed = sent.text("value").to_owned();
            refused(
                &visit,
                &company,
                status,
                &Refusal::Override(key, typed, why),
            )
            .await
        }
    }
}

/// Gives a company another plan or term.
pub(super) async fn choose_plan(
    Editor(visit): Editor,
    Path(account): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let author = visit.author(sent.version()?);
    let company = found::<Companies>(&visit, &account).await?;
    let updated = match sent.changes(CompanyFields::FIELDS) {
        Ok(mut stated) => {
            stated.retain(|key, _| [NAME, TERM].contains(&key.as_str()));
            if stated.is_empty() {
                return Ok(done(&visit, &company, "unchanged"));
            }
            Companies::update(&visit, &author, &company, stated).await
        }
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match updated {
        Ok(true) => Ok(done(&visit, &company, "saved")),
        Ok(false) => Err(Problem::not_found("There is no such company any more.")),
        Err(error) => {
            let (status, why) = reason(error)?;
            // It may have changed: the form continues from what is stored.
            let company = found::<Companies>(&visit, &account).await?;
            let (plan, term) = (sent.text(NAME).to_owned(), sent.text(TERM).to_owned());
            refused(&visit, &company, status, &Refusal::Plan(plan, term, why)).await
        }
    }
}
