//! Records with nothing but what their tables require: everything else is null.

use codex_core::store::Db;

/// Two companies with one record of each kind, so that each has an id of 1 or 2, and records of no company.
const ROWS: [&str; 17] = [
    "insert into companies (created_at, updated_at, name, domains, name_fold, account_number) values \
        (AT, AT, '', '[]', '', '100001'), (AT, AT, '', '[]', '', '100002'), (AT, AT, '', '[]', '', null)",
    "insert into contacts (created_at, updated_at, name, secondary_emails, department_ids, department_names, name_fold) \
        values (AT, AT, '', '[]', '[]', '[]', ''), (AT, AT, '', '[]', '[]', '[]', ''), (AT, AT, '', '[]', '[]', '[]', '')",
    "insert into contact_companies (contact_id, source, ref, company_id, removed) values \
        (1, 's', '1', 1, false), (2, 's', '2', 2, false)",
    "insert into assets (created_at, updated_at, udf, hostname_fold, company_id) values \
        (AT, AT, '{}', '', 1), (AT, AT, '{}', '', 2), (AT, AT, '{}', '', null)",
    "insert into locations (created_at, updated_at, name, company_id) values (AT, AT, '', 1), (AT, AT, '', 2), (AT, AT, '', null)",
    "insert into tickets (created_at, updated_at, number, tags, newest_at, subject_fold, company_id) values \
        (AT, AT, 1, '[]', AT, '', 1), (AT, AT, 2, '[]', AT, '', 2), (AT, AT, 3, '[]', AT, '', null)",
    // A status is all that puts a ticket on a board.
    "insert into tickets (created_at, updated_at, number, tags, newest_at, subject_fold, status_id) \
        values (AT, AT, 4, '[]', AT, '', 2)",
    "insert into conversations (ticket_id, source, to_emails, attachments) values (1, 's', '[]', '[]')",
    "insert into time_entries (ticket_id, source, external_id) values (1, 's', 1)",
    "insert into psa_agents (created_at, updated_at, external_id, external_source, department_ids, group_ids, name_fold) \
        values (AT, AT, 1, 's', '[]', '[]', '')",
    "insert into agents (created_at, updated_at, keycloak_id, username, username_fold) values (AT, AT, 'k', '', '')",
    "insert into billing_plans (created_at, updated_at, plan_name, term_length, per_user_cost, per_workstation_cost, \
        per_server_cost, per_vm_cost, per_switch_cost, per_firewall_cost, per_hour_ticket_cost, \
        backup_base_fee_workstation, backup_base_fee_server, backup_included_tb, backup_per_tb_fee, \
        backup_cost_per_gb_workstation, backup_cost_per_gb_server, features) \
        values (AT, AT, 'Gold', '1 Year', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}')",
    "insert into feature_options (created_at, updated_at, feature_category, option_value) values (AT, AT, 'soc', '')",
    "insert into tags (created_at, updated_at, name, name_fold, name_key) values (AT, AT, '', '', '')",
    "insert into saved_views (created_at, updated_at, name, resource, query, audience, owner, name_fold) \
        values (AT, AT, '', 'companies', '', 'shared', '', '')",
    "insert into company_overrides (created_at, updated_at, company_id, key, value) values \
        (AT, AT, 1, 'soc', ''), (AT, AT, 2, 'soc', '')",
    // Its script and type say which sync it is.
    "insert into sync_jobs (id, script, sync_type, status, started_at, report) \
        values ('j', 'psa', 'base', 'completed', AT, '{}')",
];

/// Writes them.
pub async fn write(db: &Db) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    for row in ROWS {
        // The store takes constants only, and a test ends soon.
        let row: &'static str = row.replace("AT", "'2026-01-02T03:04:05+00:00'").leak();
        tx.query(row).execute().await?;
    }
    Ok(tx.commit().await?)
}
