//! Parameters as today's modules send them: what cannot be read counts as not sent.

use std::collections::HashMap;

use axum::{extract::FromRequestParts, http::request::Parts};
use codex_core::{Codex, Scope, ids::CompanyId, list::Cursor};

use crate::http::{extract::Query, handling::Handling, problem::Problem};

/// The query of a legacy route by name.
#[derive(Debug)]
pub(crate) struct Params {
    values: HashMap<String, String>,
    handling: Handling,
}

/// A company that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// None: those of all.
    Any,
    /// This one.
    Only(CompanyId),
    /// An unknown one, or one that the caller does not see: no record belongs to it.
    Unknown,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(values) = Query::from_request_parts(parts, state).await?;
        Ok(Self {
            values,
            handling: Handling::of_request(parts),
        })
    }
}

impl Params {
    /// A text that is not empty.
    pub fn word(&self, name: &str) -> Option<&str> {
        let word = self.values.get(name)?.as_str();
        (!word.is_empty()).then_some(word)
    }

    /// A whole number.
    ///
    /// # Errors
    /// As every method here: 400 that names the parameter, when the caller wants strict handling.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.values.get(name) else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => self.unread(name, "must be a whole number"),
        }
    }

    /// A whole number of a range; of one beyond it the nearest.
    pub fn within(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Problem> {
        let Some(number) = self.integer(name)? else {
            return Ok(None);
        };
        if self.handling.is_strict() && !(least..=most).contains(&number) {
            let message = format!("{name}: must be from {least} to {most}");
            return Err(Problem::bad_request(message));
        }
        Ok(Some(number.clamp(least, most)))
    }

    /// True or false, in any case.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.word(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => self.unread(name, "must be `true` or `false`"),
        }
    }

    /// A year of the calendar: another has no records.
    pub fn year(&self) -> Result<Option<i32>, Problem> {
        let Some(year) = self.integer("year")? else {
            return Ok(None);
        };
        match i32::try_from(year) {
            Ok(year @ 1..=9_999) => Ok(Some(year)),
            _ => self.unread("year", "must be from 1 to 9999"),
        }
    }

    /// Whether the caller wants strict handling.
    pub fn is_strict(&self) -> bool {
        self.handling.is_strict()
    }

    /// Where to go on. It is newer than the leniency: another word is refused.
    pub fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let cursor = self.values.get("cursor");
        Ok(cursor.map(|word| Cursor::decode(word)).transpose()?)
    }

    /// The company whose account number is in a parameter; strictly handled an unknown one is 404.
    pub async fn company(
        &self,
        name: &str,
        codex: &Codex,
        scope: &Scope,
    ) -> Result<Wanted, Problem> {
        let Some(account) = self.word(name) else {
            return Ok(Wanted::Any);
        };
        match codex.company(scope, account).await? {
            Some(company) => Ok(Wanted::Only(company.id)),
            None if self.is_strict() => Err(Problem::not_found("Company not found").flat()),
            None => Ok(Wanted::Unknown),
        }
    }

    /// What is done with a value that cannot be read.
    pub fn unread<T>(&self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        if self.handling.is_strict() {
            return Err(Problem::bad_request(format!("{name}: {wanted}")));
        }
        self.handling.ignore(name);
        Ok(None)
    }
}
