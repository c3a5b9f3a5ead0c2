//! Rows of companies: an account number says which.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::{
    Error, Fault, Result,
    bulk::{
        BulkAction,
        write::{BulkRecord, Row, Stated},
    },
    companies::{self, Company, CompanyIn, numbers::Numbers},
    records::{Author, Intent, Patch, RecordBody as _, WriteSummary},
    store::Tx,
};

const KEY: &str = "account_number";

/// Companies among which no number is met or given twice.
#[derive(Debug, Default)]
pub(crate) struct Companies {
    /// Numbers that rows state: none of them is given to another.
    stated: Vec<String>,
    met: HashSet<String>,
    /// By what number rows have named their company.
    named: HashMap<i64, String>,
    /// Looked up when the first company needs one.
    free: Option<Numbers>,
}

impl Companies {
    /// Companies of these rows.
    pub fn among(rows: &[Value]) -> Self {
        let stated = rows.iter().filter_map(|row| row.get(KEY)?.as_str());
        Self {
            stated: stated.map(|number| number.trim().to_owned()).collect(),
            ..Self::default()
        }
    }

    /// A company that is named by its number.
    pub fn one(company: &Company) -> Self {
        let number = company.fields.account_number.clone();
        Self {
            named: number
                .map(|number| (company.id.0, number))
                .into_iter()
                .collect(),
            ..Self::default()
        }
    }

    /// The number that a row states.
    fn stated(&mut self, body: &Map<String, Value>) -> Result<Option<String>, Fault> {
        let number = match body.get(KEY) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(number)) if !number.contains('\0') => number.trim().to_owned(),
            Some(_) => return Err(Fault::at(KEY, "must be a text without NUL")),
        };
        if number.is_empty() {
            return Ok(None);
        }
        if !self.met.insert(number.clone()) {
            return Err(Fault::at(KEY, "is in another row too"));
        }
        Ok(Some(number))
    }

    /// A number that no company has or had, and no row states.
    async fn free(&mut self, tx: &mut Tx) -> Result<String> {
        if let Some(numbers) = &mut self.free {
            return numbers.free();
        }
        let mut given = Numbers::given(tx).await?;
        given.take(std::mem::take(&mut self.stated));
        self.free.insert(given).free()
    }
}

impl BulkRecord for Companies {
    type Record = Company;
    type Links = String;
    const KEY: &'static str = KEY;

    async fn find(
        &mut self,
        tx: &mut Tx,
        action: BulkAction,
        rows: &mut [&mut Map<String, Value>],
    ) -> Result<Vec<Result<Option<i64>, Fault>>> {
        if action == BulkAction::Upsert {
            companies::rules::advisory_lock(tx).await?;
        }
        let stated: Vec<_> = rows.iter().map(|body| self.stated(body)).collect();
        let numbers = stated
            .iter()
            .filter_map(|number| number.as_ref().ok()?.as_deref());
        let live = companies::rules::holders(tx, numbers, false).await?;
        let mut found = Vec::with_capacity(rows.len());
        for (body, stated) in rows.iter_mut().zip(stated) {
            found.push(stated.map(|number| {
                let number = number?;
                let id = live.get(&number).copied()?;
                // It says which company, and nothing of it.
                body.remove(KEY);
                self.named.entry(id).or_insert(number);
                Some(id)
            }));
        }
        Ok(found)
    }

    async fn read(&mut self, tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Result<Stated<String>>>> {
        let stated = rows.into_iter().map(|(body, id)| {
            let fields = match id {
                Some(id) => changed_fields(body, self.named.get(&id).map(String::as_str)),
                None => CompanyIn::read(body, Intent::Create).and_then(|company| company.stated()),
            };
            (fields, id)
        });
        let stated: Vec<_> = stated.collect();
        if stated.iter().any(|(_, id)| id.is_none()) {
            companies::rules::advisory_lock(tx).await?;
        }
        let new = stated.iter().filter(|(_, id)| id.is_none());
        let numbers = new.filter_map(|(fields, _)| number(fields.as_ref().ok()?));
        let held = companies::rules::holders(tx, numbers, true).await?;
        let mut read = Vec::with_capacity(stated.len());
        for (fields, id) in stated {
            read.push(match (fields, id) {
                (Ok(fields), Some(id)) => Ok((fields, self.named.remove(&id).unwrap_or_default())),
                (Ok(fields), None) => self.new_company(tx, fields, &held).await,
                (Err(error), _) => Err(error),
            });
        }
        let sound = read.iter_mut().filter_map(|row| row.as_mut().ok());
        name_people(tx, sound.map(|(fields, _)| fields)).await?;
        Ok(read)
    }

    async fn link(_: &mut Tx, _: &Author, _: HashMap<i64, String>) -> Result<WriteSummary> {
        Ok(WriteSummary::default())
    }

    fn account_number(number: &String) -> Option<String> {
        Some(number.clone())
    }
}

impl Companies {
    /// A new company with the number that it states, or a free one.
    async fn new_company(
        &mut self,
        tx: &mut Tx,
        mut fields: Map<String, Value>,
        held: &HashMap<String, i64>,
    ) -> Result<Stated<String>> {
        let number = match number(&fields) {
            Some(number) => match held.get(number) {
                Some(holder) => {
                    let taken = companies::rules::taken(tx, number, *holder).await?;
                    return Err(Error::conflict(taken));
                }
                None => number.to_owned(),
            },
            None => self.free(tx).await?,
        };
        fields.insert(KEY.into(), json!(number));
        Ok((fields, number))
    }
}

/// The tracked fields that the body of a change states; the company's `own` account number is no change.
pub(crate) fn changed_fields(
    body: Map<String, Value>,
    own: Option<&str>,
) -> Result<Map<String, Value>> {
    let mut company = CompanyIn::read_change(body, own)?;
    company.account_number = Patch::Absent;
    company.stated()
}

fn number(fields: &Map<String, Value>) -> Option<&str> {
    fields.get(KEY)?.as_str()
}

/// The names of people follow their ids.
pub(crate) async fn name_people<'r>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'r mut Map<String, Value>>,
) -> Result<()> {
    const NAMES: [(&str, &str); 2] = [
        ("head_user_id", "head_name"),
        ("prime_user_id", "prime_user_name"),
    ];
    let mut naming: Vec<_> = rows
        .filter(|fields| NAMES.iter().any(|(id, _)| fields.contains_key(*id)))
        .collect();
    let id = |fields: &Map<String, Value>, key: &str| fields.get(key).and_then(Value::as_i64);
    let ids = naming
        .iter()
        .flat_map(|fields| NAMES.iter().filter_map(|(key, _)| id(fields, key)));
    let ids: HashSet<i64> = ids.collect();
    let people = companies::rules::people(tx, &ids).await?;
    for fields in &mut naming {
        for (key, name) in NAMES {
            if fields.contains_key(key) {
                let person = id(fields, key).and_then(|id| people.get(&id));
                fields.insert(name.to_owned(), json!(person));
            }
        }
    }
    Ok(())
}
