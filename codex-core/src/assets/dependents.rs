//! What depends on a device moves to the record that it is merged into.

use crate::{Result, store::Tx};

sql! {
    /// Who uses it. Rows that the other has already stay behind with the deleted record.
    CONTACTS = "insert into asset_contacts (asset_id, source, contact_id, removed) \
        select $2, source, contact_id, removed from asset_contacts where asset_id = $1 \
        on conflict (asset_id, source, contact_id) do nothing";
    /// Secret fields that the other has not.
    SECRETS = "insert into asset_secrets (asset_id, name, value) \
        select $2, name, value from asset_secrets where asset_id = $1 on conflict (asset_id, name) do nothing";
    /// The status that was seen last.
    STATUS_IS_NEWER = "select count(*) from asset_status f where f.asset_id = $1 and not exists \
        (select 1 from asset_status t where t.asset_id = $2 and t.last_seen is not null \
        and (f.last_seen is null or t.last_seen >= f.last_seen))";
    DROP_STATUS = "delete from asset_status where asset_id = $1";
    MOVE_STATUS = "update asset_status set asset_id = $2 where asset_id = $1";
    /// The inventory that was read last, with its programs.
    HARDWARE_IS_NEWER = "select count(*) from asset_hardware f where f.asset_id = $1 and not exists \
        (select 1 from asset_hardware t where t.asset_id = $2 and t.read_at >= f.read_at)";
    DROP_HARDWARE = "delete from asset_hardware where asset_id = $1";
    MOVE_HARDWARE = "update asset_hardware set asset_id = $2 where asset_id = $1";
    DROP_SOFTWARE = "delete from asset_software where asset_id = $1";
    MOVE_SOFTWARE = "update asset_software set asset_id = $2 where asset_id = $1";
}

pub(super) async fn move_dependents(tx: &mut Tx, from: i64, to: i64) -> Result<()> {
    for sql in [CONTACTS, SECRETS] {
        tx.query(sql).bind(from).bind(to).execute().await?;
    }
    let is_newer: Option<i64> = tx
        .query(STATUS_IS_NEWER)
        .bind(from)
        .bind(to)
        .scalar()
        .await?;
    if is_newer > Some(0) {
        tx.query(DROP_STATUS).bind(to).execute().await?;
        tx.query(MOVE_STATUS).bind(from).bind(to).execute().await?;
    }
    let is_newer: Option<i64> = tx
        .query(HARDWARE_IS_NEWER)
        .bind(from)
        .bind(to)
        .scalar()
        .await?;
    if is_newer > Some(0) {
        for sql in [DROP_HARDWARE, DROP_SOFTWARE] {
            tx.query(sql).bind(to).execute().await?;
        }
        for sql in [MOVE_HARDWARE, MOVE_SOFTWARE] {
            tx.query(sql).bind(from).bind(to).execute().await?;
        }
    }
    Ok(())
}
