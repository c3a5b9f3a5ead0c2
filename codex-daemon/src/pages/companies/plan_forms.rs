//! The forms of a company's plan: overrides are set and cleared, another plan is chosen.

use axum::{http::StatusCode, response::Response};
use codex_core::{
    Error,
    companies::{Company, CompanyFields},
    records::Author,
};
use serde_json::{Map, Value};

use super::{
    author, company, path_of,
    plan::{Refusal, view},
    redirect, respond,
    tabs::{Content, DetailQuery, Tab},
    unknown, updated,
};
use crate::{
    http::{extract::Path, problem::Problem},
    pages::{
        form::SentForm,
        visit::{BillingEditor, Editor, Visit},
    },
};

const PLAN: &str = "billing_plan";
const TERM: &str = "contract_term_length";

/// The page after a form was refused.
async fn refused(
    visit: &Visit,
    company: &Company,
    status: StatusCode,
    refusal: &Refusal,
) -> Result<Response, Problem> {
    let content = Content::Plan(Box::new(view(visit, company, Some(refusal)).await?));
    respond(visit, company, &DetailQuery::of(Tab::Plan), content, status)
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
    let path = format!("{}?tab=plan", path_of(company));
    redirect(&visit.at, &path, word)
}

/// An author of a change that requires the override to be as the person has seen it, or that there was none.
async fn override_author(
    visit: &Visit,
    company: &Company,
    key: &str,
    sent: &SentForm,
) -> Result<Result<Author, Error>, Problem> {
    if !sent.text("updated_at").is_empty() {
        return Ok(Ok(author(visit, sent.version()?)));
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
    let company = company(&visit, &account).await?;
    let typed = sent.text("value").trim().to_owned();
    let body = Map::from_iter([
        ("value".to_owned(), Value::from(typed.as_str())),
        ("enabled".to_owned(), true.into()),
    ]);
    let codex = &visit.call.codex;
    let set = match override_author(&visit, &company, &key, &sent).await? {
        Ok(author) => {
            let set = codex.set_override(visit.scope(), &author, &company, &key, &body);
            set.await
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
    let company = company(&visit, &account).await?;
    let author = author(&visit, sent.version()?);
    let codex = &visit.call.codex;
    let deleted = codex.delete_override(visit.scope(), &author, &company, &key);
    match deleted.await {
        Ok(true) => Ok(done(&visit, &company, "cleared")),
        Ok(false) => Err(Problem::not_found("The override was cleared already.")),
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
    let version = sent.version()?;
    let before = company(&visit, &account).await?;
    let stated = match sent.changes(CompanyFields::FIELDS) {
        Ok(mut stated) => {
            stated.retain(|key, _| [PLAN, TERM].contains(&key.as_str()));
            if stated.is_empty() {
                return Ok(done(&visit, &before, "unchanged"));
            }
            updated(&visit, &account, version, stated).await
        }
        Err(faults) => Err(Error::Unprocessable(faults)),
    };
    match stated {
        Ok(Some(company)) => Ok(done(&visit, &company, "saved")),
        Ok(None) => Err(unknown()),
        Err(error) => {
            let (status, why) = reason(error)?;
            let company = company(&visit, &account).await?;
            let (plan, term) = (sent.text(PLAN).to_owned(), sent.text(TERM).to_owned());
            refused(&visit, &company, status, &Refusal::Plan(plan, term, why)).await
        }
    }
}
