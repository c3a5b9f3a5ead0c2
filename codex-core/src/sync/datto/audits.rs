//! Inventories: one or two calls a device, for devices whose inventory is newer than what was read.
//!
//! A first run over a large account takes hours within the vendor's limit; one that was cut goes on with
//! what is left.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use serde_json::Value;

use super::{
    NAME, Settings, audit_map,
    client::{Client, List},
    parts,
};
use crate::{
    Result,
    assets::{
        Asset,
        audit::{Audit, DeviceInventory, DueDevice, query},
    },
    ids::AssetId,
    plural::count_of,
    records::{SourceRecord, claims::ClaimSource},
    sync::{
        Run, Source, SyncKind, UpstreamError, Work,
        engine::{
            crawl::Lister as _,
            decode,
            optional::{OptionalList, is_refusal},
        },
    },
};

/// Name of the source's runs that read inventories.
const RUNS: &str = "datto.audits";
/// What inventories say about a device.
pub(super) const AUDIT: ClaimSource = ClaimSource::Part {
    name: "datto.audit",
    of: NAME,
};
/// Devices written in one transaction.
const BATCH: usize = 20;

/// Reads the inventories of Datto RMM.
#[derive(Debug)]
pub struct Audits {
    settings: Settings,
}

impl Audits {
    /// A source that reads the inventories of the account of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Source for Audits {
    fn name(&self) -> &'static str {
        RUNS
    }

    fn provider(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::RmmAudits
    }

    fn origins(&self) -> Vec<ClaimSource> {
        vec![AUDIT]
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(read(self, run))
    }
}

/// What the vendor says of a device; `None` when it has no inventory.
type Answer = (DueDevice, Result<Option<Inventory>, UpstreamError>);

pub(super) struct Inventory {
    found: audit_map::Found,
    /// `None` when the vendor does not give it.
    software: Option<Vec<crate::assets::audit::Software>>,
}

/// The lists of devices that an account may lack.
#[derive(Debug)]
pub(super) struct Parts {
    inventories: OptionalList,
    software: OptionalList,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            inventories: OptionalList::new("inventory"),
            software: OptionalList::new("list of programs"),
        }
    }
}

async fn read(source: &Audits, run: &mut Run) -> Result<()> {
    let client = Client::of_run(&source.settings, run)?;
    let total = query::due_count(run.db(), NAME).await?;
    if run.dry() {
        let devices = count_of(total, "device");
        run.note(format!("the inventories of {devices} would be read"));
        return Ok(());
    }
    let (mut after, mut done) = (AssetId(0), 0_i64);
    let known = Arc::new(Parts::default());
    while known.inventories.lacking().is_none() {
        let due = query::due(run.db(), NAME, after).await?;
        let Some(last) = due.last() else { break };
        after = last.id;
        let percent = done * 100 / total.max(1);
        run.stage("inventories", u8::try_from(percent.min(99)).ok());
        done += i64::try_from(due.len()).unwrap_or(0);
        let ask = |due: DueDevice| {
            let (client, known) = (client.clone(), known.clone());
            async move {
                let answer = ask(&client, &known, &due).await;
                (due, answer)
            }
        };
        let mut answers = parts::ask_each("inventory", due, ask).chunks(BATCH);
        while let Some(answers) = answers.next().await {
            run.calls(client.calls());
            let answers = answers.into_iter().collect::<Result<_, _>>()?;
            write(run, answers).await?;
        }
    }
    run.calls(client.calls());
    known
        .inventories
        .report(run, "what is known of devices is kept");
    known
        .software
        .report(run, "hardware is read without programs");
    run.match_devices().await?;
    run.stage("done", Some(100));
    Ok(())
}

/// `None` when the device has no inventory.
pub(super) async fn ask(
    client: &Client,
    known: &Parts,
    due: &DueDevice,
) -> Result<Option<Inventory>, UpstreamError> {
    let class = due.device_class.as_deref().unwrap_or("device");
    let record = format!("device {}", due.device_uid);
    let answer = client.audit(class, &due.device_uid).await;
    known.inventories.note(&record, &answer);
    let Some(body) = answer? else {
        return Ok(None);
    };
    let software = if class == "device" {
        software(client, known, due, &record).await?
    } else {
        Some(Vec::new())
    };
    let mut found = audit_map::audit(&body);
    let faults = software
        .iter()
        .flatten()
        .filter(|item| decode::fault(item).is_some());
    found.unreadable += faults.count();
    let software = software.map(|items| items.iter().filter_map(audit_map::software).collect());
    Ok(Some(Inventory { found, software }))
}

/// The programs on a device; `None` when the vendor does not give them.
async fn software(
    client: &Client,
    known: &Parts,
    due: &DueDevice,
    record: &str,
) -> Result<Option<Vec<Value>>, UpstreamError> {
    if known.software.lacking().is_some() {
        return Ok(None);
    }
    match parts::whole(client, List::Software(due.device_uid.clone())).await {
        // A device without a list of programs (trap 58).
        Err(error) if is_none(&error) => Ok(Some(Vec::new())),
        answer if known.software.note(record, &answer) => Ok(None),
        answer => answer.map(Some),
    }
}

/// What the vendor's answer says of a device.
pub(super) fn device_inventory(due: DueDevice, inventory: Option<Inventory>) -> DeviceInventory {
    let (claim, hardware, software) = match inventory {
        Some(Inventory { found, software }) => {
            let site = due.site_uid.as_deref().unwrap_or("none");
            let scope = format!("site:{site}");
            let item = SourceRecord {
                unread: found.unread,
                ..SourceRecord::part(due.device_uid, &scope, found.fields)
            };
            (Some((AUDIT, item)), Some(found.hardware), software)
        }
        None => (None, None, Some(Vec::new())),
    };
    let audit = Audit {
        asset_id: due.id,
        audited_at: due.audited_at,
        hardware,
        software,
    };
    DeviceInventory { claim, audit }
}

/// Whether the vendor says that there is no inventory: never taken (404), or not of this class (400).
pub(super) fn is_none(error: &UpstreamError) -> bool {
    matches!(error.status(), Some(400 | 404))
}

async fn write(run: &mut Run, answers: Vec<Answer>) -> Result<()> {
    let (mut items, mut audits) = (Vec::new(), Vec::new());
    for (due, answer) in answers {
        let inventory = match answer {
            Ok(inventory) => inventory,
            Err(error) if error.stops_everything() => return Err(error.into()),
            // Reported at the end, as one issue where the account gives none at all.
            Err(error) if is_refusal(&error) => continue,
            Err(error) => {
                run.issue(format!(
                    "device {}: its inventory could not be read ({error})",
                    due.device_uid
                ));
                continue;
            }
        };
        let unreadable = inventory.as_ref().map_or(0, |all| all.found.unreadable);
        if unreadable > 0 {
            run.issue(format!(
                "device {}: entries of its inventory that could not be read: {unreadable}",
                due.device_uid
            ));
        }
        let DeviceInventory { claim, audit } = device_inventory(due, inventory);
        items.extend(claim.map(|(_, item)| Ok(item)));
        audits.push(audit);
    }
    let now: DateTime<Utc> = run.clock().now();
    run.page::<Asset>(AUDIT, items).await?;
    let mut tx = run.begin().await?;
    query::replace(&mut tx, &audits, now).await?;
    run.end(tx).await
}
