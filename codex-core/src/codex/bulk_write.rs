//! Many companies at once.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::Codex;
use crate::{
    Error, Fault, Result, Scope,
    changes::{Author, Outcome},
    companies::{
        self, Company,
        numbers::{Numbers, is_account_number},
        wire::{self, BulkAction, BulkOut, BulkStatus},
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
            let sent = rows.len();
            let message = format!("at most {most} rows at once in this mode, {sent} were sent");
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
        let mut tx = self.0.db.begin().await?;
        let mut free = Numbers::given(&mut tx).await?;
        tx.rollback().await?;
        free.take(seen);
        let mut outcome = Outcome::default();
        let chunk = if atomic { MAX_ATOMIC } else { CHUNK };
        for rows in parsed.chunks(chunk) {
            let mut tx = self.0.db.begin().await?;
            let plan = Plan::new(&mut tx, action, rows, &mut free).await?;
            let undone = author.dry_run || (atomic && (out.failed > 0 || plan.fails()));
            match self.write_plan(tx, author, &plan, !undone).await {
                Ok(written) => {
                    outcome.add(written);
                    plan.tell(&mut out);
                }
                // Somebody else was faster with a number: of these rows none was written.
                Err(error) if !atomic && error.is_taken() => {
                    let detail = "somebody else took a number of this part of the rows meanwhile";
                    let fault = Fault::at("account_number", detail);
                    for row in rows {
                        out.fail(row.index, vec![fault.clone()]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if atomic && out.failed > 0 {
            return Err(Error::Unprocessable(out.faults()));
        }
        if author.dry_run {
            return Err(Error::DryRun(outcome.changes));
        }
        Ok(out)
    }

    /// Writes the rows of a plan in O(1) statements; they stay when `keep` says so.
    async fn write_plan(
        &self,
        mut tx: Tx,
        author: &Author,
        plan: &Plan,
        keep: bool,
    ) -> Result<Outcome> {
        let mut door = self.door(&mut tx, author);
        let mut outcome = door.create::<Company>(plan.new.clone()).await?.1;
        outcome.add(door.edit_all::<Company>(plan.edits.clone()).await?.1);
        if keep {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(outcome)
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
            Some(Value::String(number)) if !number.contains('\0') => Some(number),
            Some(_) => return Err(fault("account_number", "must be a text without NUL")),
        };
        let fresh = action == BulkAction::Create;
        match &number {
            None if action == BulkAction::Update => {
                return Err(fault("account_number", "is required"));
            }
            Some(number) if !seen.insert(number.clone()) => {
                return Err(fault("account_number", "is in another row too"));
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

/// The number of a row's company and what is done to it, or why nothing can be.
type Fate = std::result::Result<(String, BulkStatus), Fault>;

/// What becomes of some rows.
#[derive(Default)]
struct Plan {
    new: Vec<Map<String, Value>>,
    edits: HashMap<i64, Map<String, Value>>,
    /// By the index of the row.
    fates: Vec<(usize, Fate)>,
}

impl Plan {
    async fn new(
        tx: &mut Tx,
        action: BulkAction,
        rows: &[Row],
        free: &mut Numbers,
    ) -> Result<Self> {
        let numbers = || rows.iter().filter_map(|row| row.number.as_deref());
        let live = companies::rules::holders(tx, numbers(), false).await?;
        let all = companies::rules::holders(tx, numbers(), true).await?;
        let mut plan = Self::default();
        for row in rows {
            let number = row.number.as_deref();
            let holder = number.and_then(|number| live.get(number)).copied();
            let deleted = number.and_then(|number| all.get(number)).copied();
            let fate = match holder {
                Some(id) => plan.change(action, row, id),
                None => plan.make(action, row, deleted, free)?,
            };
            plan.fates.push((row.index, fate));
        }
        Ok(plan)
    }

    fn change(&mut self, action: BulkAction, row: &Row, id: i64) -> Fate {
        let fault = |detail: String| Err(Fault::at("account_number", detail));
        if action == BulkAction::Create {
            return fault(format!("belongs to company {id}"));
        }
        // A company that was renumbered has several.
        if self.edits.contains_key(&id) {
            return fault(format!("leads to company {id}, as another row does"));
        }
        self.edits.insert(id, row.fields.clone());
        Ok((row.number.clone().unwrap_or_default(), BulkStatus::Updated))
    }

    fn make(
        &mut self,
        action: BulkAction,
        row: &Row,
        deleted: Option<i64>,
        free: &mut Numbers,
    ) -> Result<Fate> {
        let fault = |member: &str, detail: String| Ok(Err(Fault::at(member, detail)));
        if action == BulkAction::Update {
            return fault("account_number", "no company has it".into());
        }
        if let Some(id) = deleted {
            return fault(
                "account_number",
                format!("belongs to company {id}, which is deleted"),
            );
        }
        if !row.fields.contains_key("name") {
            return fault("name", "is required".into());
        }
        let number = match &row.number {
            Some(number) if !is_account_number(number) => {
                return fault("account_number", "must have six digits".into());
            }
            Some(number) => number.clone(),
            None => free.free()?,
        };
        let mut fields = row.fields.clone();
        fields.insert("account_number".into(), json!(number));
        self.new.push(fields);
        Ok(Ok((number, BulkStatus::Created)))
    }

    fn fails(&self) -> bool {
        self.fates.iter().any(|(_, fate)| fate.is_err())
    }

    fn tell(self, out: &mut BulkOut) {
        for (row, fate) in self.fates {
            match fate {
                Ok((number, status)) => out.done(row, number, status),
                Err(fault) => out.fail(row, vec![fault]),
            }
        }
    }
}
