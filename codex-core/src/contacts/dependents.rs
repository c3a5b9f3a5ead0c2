//! What depends on a contact moves to the record that it is merged into.

use crate::{Result, store::Tx};

sql! {
    /// Where the person works. Rows that the other has already stay behind with the deleted record.
    COMPANIES = "insert into contact_companies (contact_id, source, ref, company_id, removed) \
        select $2, source, ref, company_id, removed from contact_companies where contact_id = $1 \
        on conflict (contact_id, source, ref) do nothing";
    /// What the person uses.
    ASSETS = "insert into asset_contacts (asset_id, source, contact_id, removed) \
        select asset_id, source, $2, removed from asset_contacts where contact_id = $1 \
        on conflict (asset_id, source, contact_id) do nothing";
}

pub(super) async fn move_dependents(tx: &mut Tx, from: i64, to: i64) -> Result<()> {
    for sql in [COMPANIES, ASSETS] {
        tx.query(sql).bind(from).bind(to).execute().await?;
    }
    Ok(())
}
