//! Rows of companies: an account number says which.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{Row, Rows, Stated};
use crate::{
    Error, Fault, Result,
    bulk::BulkAction,
    changes::{Author, Outcome},
    companies::{
        self, Company,
        numbers::{Numbers, is_account_number},
        wire,
    },
    store::Tx,
};

const KEY: &str = "account_number";

/// Companies among which no number is met or given twice.
#[derive(Debug)]
pub(crate) struct Companies {
    met: HashSet<String>,
    free: Numbers,
}

impl Companies {
    /// Companies of these rows: what one of them states is not given to another.
    pub async fn among(tx: &mut Tx, rows: &[Value]) -> Result<Self> {
        let mut free = Numbers::given(tx).await?;
        let stated = rows.iter().filter_map(|row| row.get(KEY)?.as_str());
        free.take(stated.map(|number| number.trim().to_owned()));
        let met = HashSet::new();
        Ok(Self { met, free })
    }

    /// The number that a row states.
    fn stated(&mut self, body: &mut Map<String, Value>) -> Result<Option<String>, Fault> {
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
        body.insert(KEY.into(), json!(number));
        Ok(Some(number))
    }
}

impl Rows for Companies {
    type Record = Company;
    type Links = String;
    const KEY: &'static str = KEY;

    async fn find(
        &mut self,
        tx: &mut Tx,
        _: BulkAction,
        rows: &mut [&mut Map<String, Value>],
    ) -> Result<Vec<Result<Option<i64>, Fault>>> {
        let stated: Vec<_> = rows.iter_mut().map(|body| self.stated(body)).collect();
        let numbers = || {
            stated
                .iter()
                .filter_map(|number| number.as_ref().ok()?.as_deref())
        };
        let live = companies::rules::holders(tx, numbers(), false).await?;
        let all = companies::rules::holders(tx, numbers(), true).await?;
        let find = |stated: Result<Option<String>, Fault>| {
            let Some(number) = stated? else {
                return Ok(None);
            };
            match (live.get(&number), all.get(&number)) {
                (None, Some(id)) => {
                    let detail = format!("belongs to company {id}, which is deleted");
                    Err(Fault::at(KEY, detail))
                }
                (live, _) => Ok(live.copied()),
            }
        };
        Ok(stated.into_iter().map(find).collect())
    }

    async fn read(&mut self, tx: &mut Tx, rows: Vec<Row>) -> Result<Vec<Result<Stated<String>>>> {
        let mut read: Vec<_> = rows.into_iter().map(|row| self.row(row)).collect();
        let sound = read.iter_mut().filter_map(|row| row.as_mut().ok());
        name_people(tx, sound.map(|(fields, _)| fields)).await?;
        Ok(read)
    }

    async fn link(_: &mut Tx, _: &Author, _: HashMap<i64, String>) -> Result<Outcome> {
        Ok(Outcome::default())
    }

    fn account_number(number: &String) -> Option<String> {
        Some(number.clone())
    }
}

impl Companies {
    fn row(&mut self, (mut body, id): Row) -> Result<Stated<String>> {
        let stated = body.get(KEY).and_then(Value::as_str).map(str::to_owned);
        if id.is_some() {
            body.remove(KEY);
            return Ok((wire::stated(body)?, stated.unwrap_or_default()));
        }
        if stated.is_some_and(|number| !is_account_number(&number)) {
            return Err(Error::Unprocessable(vec![Fault::at(
                KEY,
                "must have six digits",
            )]));
        }
        let mut fields = wire::stated_new(body)?;
        let number = match fields.get(KEY).and_then(Value::as_str) {
            Some(number) => number.to_owned(),
            None => self.free.free()?,
        };
        fields.insert(KEY.into(), json!(number));
        Ok((fields, number))
    }
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
