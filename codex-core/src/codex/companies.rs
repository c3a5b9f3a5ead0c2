//! Making, correcting and renumbering companies.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::Codex;
use crate::{
    Error, Fault, Result, Scope,
    changes::{Author, Outcome},
    companies::{
        self, Company,
        numbers::{Numbers, is_account_number},
        wire::{self, BulkAction, BulkOut, BulkStatus, Renumbered},
    },
    store::Tx,
};

/// The most rows that are written all or none.
const MAX_ATOMIC: usize = 1_000;
/// The most rows of one call.
const MAX_ROWS: usize = 10_000;
/// Rows of one transaction: others must not wait long behind it (design 5).
const CHUNK: usize = 250;

impl Codex {
    /// Makes a company; it gets a free account number unless `body` states one.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the company that has the number
    /// or had it, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn create_company(
        &self,
        scope: &Scope,
        author: &Author,
        body: Map<String, Value>,
    ) -> Result<Company> {
        scope.require_technician("making companies")?;
        let mut fields = wire::stated_new(body)?;
        let mut tx = self.0.db.begin().await?;
        let number = match fields.get("account_number").and_then(Value::as_str) {
            Some(number) => {
                let number = number.to_owned();
                let held = companies::rules::holders(&mut tx, std::iter::once(&*number), true);
                if let Some(holder) = held.await?.get(&number) {
                    return Err(taken(&number, *holder));
                }
                number
            }
            None => Numbers::given(&mut tx).await?.free()?,
        };
        fields.insert("account_number".into(), json!(number));
        let mut door = self.door(&mut tx, author);
        let (_, outcome) = door.create::<Company>(vec![fields]).await?;
        Self::conclude(tx, author, outcome).await?;
        let made = self.company(scope, &number).await?;
        made.ok_or_else(|| Error::conflict("the company was deleted meanwhile"))
    }

    /// Corrects a company; `None` when there is none that the caller sees.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`], [`Error::Changed`],
    /// [`Error::DryRun`].
    pub async fn update_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
        body: Map<String, Value>,
    ) -> Result<Option<Company>> {
        let Some(company) = self.company(scope, account_number).await? else {
            return Ok(None);
        };
        scope.require_technician("changing companies")?;
        let mut fields = wire::stated(body)?;
        for (id, name) in [
            ("head_user_id", "head_name"),
            ("prime_user_id", "prime_user_name"),
        ] {
            if let Some(id) = fields.get(id) {
                let person = companies::query::person(&self.0.db, id.as_i64()).await?;
                fields.insert(name.to_owned(), json!(person));
            }
        }
        self.edit::<Company>(scope, author, company.id.0, fields)
            .await?;
        self.company_by_id(scope, company.id).await
    }

    /// Deletes a company for the people; `false` when there is none that the caller sees.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`], [`Error::DryRun`].
    pub async fn delete_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
    ) -> Result<bool> {
        match self.company(scope, account_number).await? {
            Some(company) => self.delete::<Company>(scope, author, company.id.0).await,
            None => Ok(false),
        }
    }

    /// Makes and corrects many companies, by account number; a row without one is a new company.
    ///
    /// With `atomic` all rows are written or none; otherwise each row for itself. Either way the answer says
    /// what became of each.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many rows, [`Error::Unprocessable`] with the faults of all rows when
    /// `atomic`, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn bulk_write_companies(
        &self,
        scope: &Scope,
        author: &Author,
        action: BulkAction,
        atomic: bool,
        rows: Vec<Value>,
    ) -> Result<BulkOut> {
        scope.require_technician("changing companies")?;
        let most = if atomic { MAX_ATOMIC } else { MAX_ROWS };
        if rows.len() > most {
            let message = format!(
                "at most {most} rows at once in this mode, {} were sent",
                rows.len()
            );
            return Err(Error::invalid("body", message));
        }
        let mut out = BulkOut::new(rows.len());
        let mut seen = HashSet::new();
        let parsed: Vec<Row> = rows
            .into_iter()
            .enumerate()
            .filter_map(
                |(index, row)| match Row::read(index, row, action, &mut seen) {
                    Ok(row) => Some(row),
                    Err(faults) => {
                        out.fail(index, faults);
                        None
                    }
                },
            )
            .collect();
        let mut outcome = Outcome::default();
        let chunk = if atomic { MAX_ATOMIC } else { CHUNK };
        for rows in parsed.chunks(chunk) {
            let mut tx = self.0.db.begin().await?;
            let written = self
                .write_rows(&mut tx, author, action, rows, &mut out)
                .await?;
            if (atomic && out.failed > 0) || author.dry_run {
                tx.rollback().await?;
            } else {
                tx.commit().await?;
            }
            outcome.add(written);
        }
        if atomic && out.failed > 0 {
            return Err(Error::Unprocessable(out.faults()));
        }
        if author.dry_run {
            return Err(Error::DryRun(outcome.changes));
        }
        Ok(out)
    }

    /// Writes rows in O(1) statements.
    async fn write_rows(
        &self,
        tx: &mut Tx,
        author: &Author,
        action: BulkAction,
        rows: &[Row],
        out: &mut BulkOut,
    ) -> Result<Outcome> {
        let numbers = rows.iter().filter_map(|row| row.number.as_deref());
        let numbers: Vec<&str> = numbers.collect();
        let live = companies::rules::holders(tx, numbers.iter().copied(), false).await?;
        let all = companies::rules::holders(tx, numbers.iter().copied(), true).await?;
        let mut free = Numbers::given(tx).await?;
        free.take(numbers.iter().map(|number| (*number).to_owned()));
        let (mut new, mut edits) = (Vec::new(), HashMap::new());
        let mut fault = |row: &Row, member: &str, message: String| {
            out.fail(row.index, vec![Fault::at(member, message)]);
        };
        let mut done = Vec::with_capacity(rows.len());
        for row in rows {
            let number = row.number.clone();
            let known = number.as_ref().and_then(|number| live.get(number)).copied();
            match (known, action) {
                (Some(id), BulkAction::Update | BulkAction::Upsert) => {
                    edits.insert(id, row.fields.clone());
                    done.push((row.index, number.unwrap_or_default(), BulkStatus::Updated));
                }
                (Some(id), BulkAction::Create) => {
                    fault(row, "account_number", format!("belongs to company {id}"));
                }
                (None, BulkAction::Update) => {
                    fault(row, "account_number", "no company has it".into());
                }
                (None, _) => {
                    let holder = number.as_ref().and_then(|number| all.get(number));
                    if let Some(id) = holder {
                        fault(
                            row,
                            "account_number",
                            format!("belongs to company {id}, which is deleted"),
                        );
                        continue;
                    }
                    if !row.fields.contains_key("name") {
                        fault(row, "name", "is required".into());
                        continue;
                    }
                    let number = match number {
                        Some(number) => number,
                        None => free.free()?,
                    };
                    let mut fields = row.fields.clone();
                    fields.insert("account_number".into(), json!(number));
                    new.push(fields);
                    done.push((row.index, number, BulkStatus::Created));
                }
            }
        }
        let mut door = self.door(tx, author);
        let mut outcome = Outcome::default();
        if !new.is_empty() {
            outcome.add(door.create::<Company>(new).await?.1);
        }
        if !edits.is_empty() {
            outcome.add(door.edit_all::<Company>(edits).await?.1);
        }
        for (index, number, status) in done {
            out.done(index, number, status);
        }
        Ok(outcome)
    }

    /// Gives a company another account number; the old one leads to it for ever. `None` when there is no
    /// such company.
    ///
    /// Neither vendors nor Ledger's own tables follow.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number that has not six digits, [`Error::Conflict`] naming the company
    /// that has it or had it, [`Error::Forbidden`].
    pub async fn renumber_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
        wanted: &str,
    ) -> Result<Option<Renumbered>> {
        scope.require_admin("renumbering companies")?;
        if !is_account_number(wanted) {
            let message = format!("`{wanted}` has not six digits");
            return Err(Error::invalid("account_number", message));
        }
        let Some(company) = self.company(scope, account_number).await? else {
            return Ok(None);
        };
        let mut tx = self.0.db.begin().await?;
        let held = companies::rules::holders(&mut tx, std::iter::once(wanted), true).await?;
        if let Some(holder) = held.get(wanted).filter(|holder| **holder != company.id.0) {
            return Err(taken(wanted, *holder));
        }
        let fields = Map::from_iter([("account_number".to_owned(), json!(wanted))]);
        let before = company.fields.account_number.filter(|old| old != wanted);
        let mut outcome = Outcome::default();
        if before.is_some() {
            let mut door = self.door(&mut tx, author);
            let edited = door.edit::<Company>(company.id.0, fields).await?;
            outcome = edited.unwrap_or_default();
            let (at, actor) = (author.at, author.actor.as_str());
            companies::aliases::swap(&mut tx, company.id, before.as_deref(), wanted, actor, at)
                .await?;
        }
        Self::conclude(tx, author, outcome).await?;
        Ok(Some(Renumbered {
            account_number: wanted.to_owned(),
            previous: companies::aliases::of_company(&self.0.db, company.id).await?,
        }))
    }
}

/// A row of a bulk write.
struct Row {
    index: usize,
    number: Option<String>,
    fields: Map<String, Value>,
}

impl Row {
    fn read(
        index: usize,
        row: Value,
        action: BulkAction,
        seen: &mut HashSet<String>,
    ) -> std::result::Result<Self, Vec<Fault>> {
        let fault = |member: &str, message: &str| vec![Fault::at(member, message)];
        let Value::Object(mut body) = row else {
            return Err(vec![Fault {
                pointer: String::new(),
                detail: "is no object".into(),
            }]);
        };
        let number = match body.remove("account_number") {
            None | Some(Value::Null) => None,
            Some(Value::String(number)) => Some(number),
            Some(_) => return Err(fault("account_number", "must be a text")),
        };
        let fresh = action == BulkAction::Create;
        match &number {
            None if action == BulkAction::Update => {
                return Err(fault("account_number", "is required"));
            }
            Some(number) if !seen.insert(number.clone()) => {
                return Err(fault("account_number", "is in another row too"));
            }
            Some(number) if fresh && !is_account_number(number) => {
                return Err(fault("account_number", "must have six digits"));
            }
            _ => {}
        }
        let read = if fresh || number.is_none() {
            wire::stated_new(body)
        } else {
            wire::stated(body)
        };
        match read {
            Ok(fields) => Ok(Self {
                index,
                number,
                fields,
            }),
            Err(Error::Unprocessable(faults)) => Err(faults),
            Err(other) => Err(fault("", &other.to_string())),
        }
    }
}

fn taken(number: &str, holder: i64) -> Error {
    Error::conflict(format!(
        "account number {number} belongs to company {holder}"
    ))
}
