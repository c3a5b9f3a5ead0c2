//! The ids that the second generation gave tickets. KnowledgeTree has files under them (consumers 6).

use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::{Result, Scope, codex::Codex, import::map::tickets::ROW_ID};

sql! {
    /// Imported tickets: the PSA's number, and what is kept beside.
    IMPORTED = "select external_id, extra from claims where kind = 'ticket' and source = 'import' order by id";
}

impl Codex {
    /// The ids that the old database gave tickets, each with the `ticket_id` of today: the PSA's number. None for a
    /// generation in which they are the same.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for all but administrators and services.
    pub async fn imported_ticket_ids(&self, scope: &Scope) -> Result<Vec<(i64, i64)>> {
        scope.require_admin("listing ids of imported tickets")?;
        let rows: Vec<(String, Json<Map<String, Value>>)> = self.0.db.query(IMPORTED).all().await?;
        let ids = rows.into_iter().filter_map(|(number, extra)| {
            let row_id = extra.0.get(ROW_ID)?.as_i64()?;
            Some((row_id, number.parse().ok()?))
        });
        Ok(ids.collect())
    }
}
