//! What it takes to write many records of a kind with one call.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    Error, Fault, Result,
    bulk::{BulkAction, BulkOut},
    records::{Author, Intent, Resource, WriteSummary},
    store::Tx,
};

/// What a row states, and which live record it means; `None` for a new one.
pub(crate) type Row = (Map<String, Value>, Option<i64>);

/// What a row is sent for.
pub(crate) fn intent(id: Option<i64>) -> Intent {
    id.map_or(Intent::Create, |_| Intent::Update)
}

/// The fields that a row states, and what else it says.
pub(crate) type Stated<Links> = (Map<String, Value>, Links);

/// A kind of record of which many are written at once. Each part is O(1) statements, however many rows there
/// are.
pub(crate) trait BulkRecord: Send {
    /// The kind.
    type Record: Resource;
    /// What a row says besides the fields of its record.
    type Links: Send;
    /// What a row names its record by.
    const KEY: &'static str;
    /// What no two records have.
    const UNIQUE: &'static str = Self::KEY;

    /// The live record that each row means; `None` for a new one.
    fn find(
        &mut self,
        tx: &mut Tx,
        action: BulkAction,
        rows: &mut [&mut Map<String, Value>],
    ) -> impl Future<Output = Result<Vec<Result<Option<i64>, Fault>>>> + Send;

    /// What each row states.
    fn read(
        &mut self,
        tx: &mut Tx,
        rows: Vec<Row>,
    ) -> impl Future<Output = Result<Vec<Result<Stated<Self::Links>>>>> + Send;

    /// Writes what hangs on records, by their ids.
    fn link(
        tx: &mut Tx,
        author: &Author,
        links: HashMap<i64, Self::Links>,
    ) -> impl Future<Output = Result<WriteSummary>> + Send;

    /// Account number of a company.
    fn account_number(_links: &Self::Links) -> Option<String> {
        None
    }
}

/// What becomes of some rows.
pub(super) struct WritePlan<K: BulkRecord> {
    pub new: Vec<(usize, Stated<K::Links>)>,
    /// By the id of the record.
    pub edits: HashMap<i64, (usize, Stated<K::Links>)>,
}

impl<K: BulkRecord> WritePlan<K> {
    /// Tells of the rows that cannot be taken; `met` holds the records that rows have meant so far.
    pub async fn new(
        tx: &mut Tx,
        kind: &mut K,
        action: BulkAction,
        mut rows: Vec<(usize, Map<String, Value>)>,
        met: &mut HashSet<i64>,
        out: &mut BulkOut,
    ) -> Result<Self> {
        let mut bodies: Vec<_> = rows.iter_mut().map(|(_, body)| body).collect();
        let found = kind.find(tx, action, &mut bodies).await?;
        let (mut places, mut known) = (Vec::new(), Vec::new());
        for ((index, body), found) in rows.into_iter().zip(found) {
            match found.and_then(|id| allowed::<K>(action, id, met)) {
                Ok(id) => {
                    places.push((index, id));
                    known.push((body, id));
                }
                Err(fault) => out.fail(index, vec![fault]),
            }
        }
        let mut plan = Self {
            new: Vec::new(),
            edits: HashMap::new(),
        };
        let read = kind.read(tx, known).await?;
        for ((index, id), read) in places.into_iter().zip(read) {
            match (read, id) {
                (Ok(stated), Some(id)) => drop(plan.edits.insert(id, (index, stated))),
                (Ok(stated), None) => plan.new.push((index, stated)),
                (Err(Error::Unprocessable(faults)), _) => out.fail(index, faults),
                (Err(Error::Conflict { message }), _) => {
                    out.fail(index, vec![Fault::at(K::UNIQUE, message)]);
                }
                (Err(Error::Invalid { field, message }), _) => {
                    let fault = if field == "body" {
                        Fault::of_all(message)
                    } else {
                        Fault::at(&field, message)
                    };
                    out.fail(index, vec![fault]);
                }
                (Err(other), _) => return Err(other),
            }
        }
        Ok(plan)
    }
}

/// Whether a row that means this record may do what is wanted.
fn allowed<K: BulkRecord>(
    action: BulkAction,
    id: Option<i64>,
    met: &mut HashSet<i64>,
) -> Result<Option<i64>, Fault> {
    let kind = K::Record::KIND;
    let fault = |detail: String| Err(Fault::at(K::KEY, detail));
    match (action, id) {
        (BulkAction::Create, Some(id)) => fault(format!("belongs to {kind} {id}")),
        (BulkAction::Update, None) => fault(format!("names no {kind} that is there")),
        (_, Some(id)) if !met.insert(id) => {
            fault(format!("leads to {kind} {id}, as another row does"))
        }
        _ => Ok(id),
    }
}
