//! Reading and writing inventories.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Audit, DueDevice, Hardware, Parts, Software};
use crate::{
    Result,
    fold::SearchKey,
    ids::AssetId,
    store::{Db, Tx},
};

/// Rows of programs written by one statement.
const ROWS: usize = 1_000;

const DUE_COLUMNS: &str =
    "select a.id, a.device_uid, a.site_uid, a.device_class, s.last_audit_date as audited_at";
// Not older but another: after a date that lies years ahead, every true one is older.
const DUE_FROM: &str = " from assets a join asset_status s on s.asset_id = a.id \
    left join asset_hardware h on h.asset_id = a.id \
    where a.deleted_at is null and a.rmm_provider = $1 and a.device_uid is not null \
    and s.last_audit_date is not null \
    and (h.audited_at is null or h.audited_at <> s.last_audit_date) \
    and coalesce(a.device_class, 'device') in ('device', 'esxihost', 'printer')";

sql! {
    /// The hardware of a device.
    FIND = "select audited_at, cpu, cpu_cores, ram_bytes, disk_bytes, disk_free_bytes, bios_version, \
        bios_released_at, base_board, detail from asset_hardware where asset_id = $1";
    /// The programs of a device.
    SOFTWARE = "select t.name, t.version from asset_software s join software_titles t on t.id = s.title_id \
        where s.asset_id = $1 order by t.name_fold, t.version, t.id";
    /// Devices of an RMM whose inventory is another than what was read, after one of them.
    DUE = [DUE_COLUMNS, DUE_FROM, " and a.id > $2 order by a.id limit 100"];
    /// A device, when it is one of those.
    DUE_ONE = [DUE_COLUMNS, DUE_FROM, " and a.id = $2"];
    /// How many those are.
    DUE_COUNT = ["select count(*)", DUE_FROM];
}

#[derive(sqlx::FromRow)]
struct Row {
    audited_at: DateTime<Utc>,
    cpu: Option<String>,
    cpu_cores: Option<i64>,
    ram_bytes: Option<i64>,
    disk_bytes: Option<i64>,
    disk_free_bytes: Option<i64>,
    bios_version: Option<String>,
    bios_released_at: Option<DateTime<Utc>>,
    base_board: Option<String>,
    detail: Option<Json<Parts>>,
}

/// What was read of a device's inventory, if anything.
pub(crate) async fn find(db: &Db, asset: AssetId) -> Result<Option<Audit>> {
    let Some(row) = db.query(FIND).bind(asset).optional::<Row>().await? else {
        return Ok(None);
    };
    let software: Vec<(String, String)> = db.query(SOFTWARE).bind(asset).all().await?;
    let software = software.into_iter().map(|(name, version)| Software {
        name,
        version: Some(version).filter(|version| !version.is_empty()),
    });
    Ok(Some(Audit {
        asset_id: asset,
        audited_at: row.audited_at,
        hardware: row.detail.map(|Json(parts)| Hardware {
            cpu: row.cpu,
            cpu_cores: row.cpu_cores,
            ram_bytes: row.ram_bytes,
            disk_bytes: row.disk_bytes,
            disk_free_bytes: row.disk_free_bytes,
            bios_version: row.bios_version,
            bios_released_at: row.bios_released_at,
            base_board: row.base_board,
            parts,
        }),
        software: Some(software.collect()),
    }))
}

pub(crate) async fn due(db: &Db, provider: &str, after: AssetId) -> Result<Vec<DueDevice>> {
    db.query(DUE).bind(provider).bind(after).all().await
}

/// The device, when its inventory is another than what was read.
pub(crate) async fn due_one(db: &Db, provider: &str, asset: AssetId) -> Result<Option<DueDevice>> {
    let q = db.query(DUE_ONE).bind(provider).bind(asset);
    q.optional().await
}

pub(crate) async fn due_count(db: &Db, provider: &str) -> Result<i64> {
    let count = db.query(DUE_COUNT).bind(provider).scalar().await?;
    Ok(count.unwrap_or(0))
}

/// Makes the inventories of some devices those that were read.
pub(crate) async fn replace(tx: &mut Tx, audits: &[Audit], at: DateTime<Utc>) -> Result<()> {
    if audits.is_empty() {
        return Ok(());
    }
    let none = Hardware::default();
    let mut q = tx.query(
        "insert into asset_hardware (asset_id, audited_at, read_at, cpu, cpu_cores, ram_bytes, \
         disk_bytes, disk_free_bytes, bios_version, bios_released_at, base_board, detail) ",
    );
    q.push_upsert_rows(
        audits,
        |audit| audit.asset_id,
        |row, audit| {
            let hardware = audit.hardware.as_ref().unwrap_or(&none);
            row.bind(audit.asset_id)
                .bind(audit.audited_at)
                .bind(at)
                .bind_text(hardware.cpu.as_deref())
                .bind(hardware.cpu_cores)
                .bind(hardware.ram_bytes)
                .bind(hardware.disk_bytes)
                .bind(hardware.disk_free_bytes)
                .bind_text(hardware.bios_version.as_deref())
                .bind(hardware.bios_released_at)
                .bind_text(hardware.base_board.as_deref())
                .bind(
                    audit
                        .hardware
                        .as_ref()
                        .map(|found| Json(found.parts.clone())),
                );
        },
    );
    q.push(
        " on conflict (asset_id) do update set audited_at = excluded.audited_at, \
         read_at = excluded.read_at, cpu = excluded.cpu, cpu_cores = excluded.cpu_cores, \
         ram_bytes = excluded.ram_bytes, disk_bytes = excluded.disk_bytes, \
         disk_free_bytes = excluded.disk_free_bytes, bios_version = excluded.bios_version, \
         bios_released_at = excluded.bios_released_at, base_board = excluded.base_board, \
         detail = excluded.detail",
    );
    q.execute().await?;
    let known = || audits.iter().filter(|audit| audit.software.is_some());
    let mut q = tx.query("delete from asset_software where asset_id in ");
    q.push_list(known().map(|audit| audit.asset_id));
    q.execute().await?;

    let installed = known().flat_map(|audit| {
        let of = |software| (audit.asset_id, software);
        audit.software.iter().flatten().map(of)
    });
    let installed: Vec<(AssetId, &Software)> = installed.collect();
    for chunk in installed.chunks(ROWS) {
        install(tx, chunk).await?;
    }
    Ok(())
}

async fn install(tx: &mut Tx, rows: &[(AssetId, &Software)]) -> Result<()> {
    let titles: HashSet<&Software> = rows.iter().map(|(_, software)| *software).collect();
    let mut titles: Vec<&Software> = titles.into_iter().collect();
    // In one order, so that two runs do not wait for one another.
    titles.sort_unstable_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let version = |software: &Software| software.version.clone().unwrap_or_default();
    let mut q = tx.query("insert into software_titles (name, version, name_fold) ");
    q.push_rows(&titles, |row, title| {
        row.bind(title.name.as_str())
            .bind(version(title))
            .bind(SearchKey::new(&title.name));
    });
    q.push(" on conflict (name, version) do nothing");
    q.execute().await?;
    let mut q = tx.query("with installed (asset_id, name, version) as (");
    q.push_rows(rows, |row, (asset, software)| {
        row.bind(*asset)
            .bind(software.name.as_str())
            .bind(version(software));
    });
    q.push(
        ") insert into asset_software (asset_id, title_id) select i.asset_id, t.id from installed i \
         join software_titles t on t.name = i.name and t.version = i.version where true \
         on conflict do nothing",
    );
    q.execute().await?;
    Ok(())
}
