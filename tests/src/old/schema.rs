//! The tables of each generation.
//!
//! There are no foreign keys and only primary keys are unique: a restored dump or an old `SQLite` file may lack both, and
//! that is where dangling and repeated rows come from.

use codex_core::import::Generation;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

/// Which generation has a table or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Both,
    First,
    Second,
}

use Of::{Both, First, Second};

/// Name, type and generation.
type Declared = (&'static str, &'static str, Of);

const NAME: &str = "varchar(150)";
const SHORT: &str = "varchar(50)";
const LONG: &str = "varchar(100)";
const PRICE: &str = "numeric(10,2) default 0";
const FINE_PRICE: &str = "numeric(10,4) default 0";
const ID: &str = "integer primary key";
const NUMBER: &str = "varchar(50) not null";

/// Tables with the generation that has them, a key of several columns, and columns.
const TABLES: [(&str, Of, Option<&str>, &[Declared]); 17] = [
    (
        "companies",
        Both,
        None,
        &[
            ("account_number", "varchar(50) primary key", Both),
            ("freshservice_id", "bigint not null", First),
            ("external_id", "bigint", Second),
            ("external_source", SHORT, Second),
            ("psa_provider", SHORT, Second),
            ("compliance_level", "varchar(20)", Second),
            ("name", "varchar(150) not null", Both),
            ("description", "text", Both),
            ("created_at", LONG, Both),
            ("updated_at", LONG, Both),
            ("head_user_id", "bigint", Both),
            ("head_name", NAME, Both),
            ("prime_user_id", "bigint", Both),
            ("prime_user_name", NAME, Both),
            ("domains", "text", Both),
            ("workspace_id", "integer", Both),
            ("plan_selected", LONG, Both),
            ("managed_users", LONG, Both),
            ("managed_devices", LONG, Both),
            ("managed_network", LONG, Both),
            ("contract_term", SHORT, Both),
            ("contract_start_date", LONG, Both),
            ("contract_end_date", LONG, Second),
            ("profit_or_non_profit", SHORT, Both),
            ("company_main_number", SHORT, Both),
            ("address", "text", Both),
            ("company_start_date", LONG, Both),
            ("billing_plan", LONG, Both),
            ("contract_term_length", SHORT, Both),
            ("support_level", LONG, Both),
            ("phone_system", LONG, Both),
            ("email_system", LONG, Both),
            ("datto_portal_url", "varchar(255)", Both),
        ],
    ),
    (
        "contacts",
        Both,
        None,
        &[
            ("id", ID, Both),
            ("freshservice_id", "bigint not null", First),
            // One name with two meanings: a text of the PSA's, and its id.
            ("external_id", LONG, First),
            ("external_id", "bigint", Second),
            ("external_source", SHORT, Second),
            ("first_name", NAME, Both),
            ("last_name", NAME, Both),
            ("name", "varchar(150) not null", Both),
            ("primary_email", "varchar(150) not null", Both),
            ("email", "varchar(150) not null", Both),
            ("active", "boolean", Both),
            ("is_agent", "boolean", Both),
            ("vip_user", "boolean", Both),
            ("has_logged_in", "boolean", Both),
            ("mobile_phone_number", SHORT, Both),
            ("work_phone_number", SHORT, Both),
            ("address", "text", Both),
            ("secondary_emails", "text", Both),
            ("job_title", NAME, Both),
            ("title", NAME, Both),
            ("employment_type", LONG, Both),
            ("department_ids", "text", Both),
            ("department_names", "text", Both),
            ("reporting_manager_id", "bigint", Both),
            ("location_id", "bigint", Both),
            ("work_schedule_id", "bigint", Both),
            ("location_name", NAME, Both),
            ("language", "varchar(10)", Both),
            ("time_zone", LONG, Both),
            ("time_format", "varchar(10)", Both),
            (
                "can_see_all_tickets_from_associated_departments",
                "boolean",
                Both,
            ),
            (
                "can_see_all_changes_from_associated_departments",
                "boolean",
                Both,
            ),
            ("created_at", LONG, Both),
            ("updated_at", LONG, Both),
            ("background_information", "text", Both),
            ("user_number", SHORT, Both),
        ],
    ),
    (
        "contact_company_link",
        Both,
        Some("contact_id, company_account_number"),
        &[
            ("contact_id", "integer not null", Both),
            ("company_account_number", NUMBER, Both),
        ],
    ),
    (
        "rmm_site_links",
        Second,
        None,
        &[
            ("id", ID, Both),
            ("company_account_number", NUMBER, Both),
            ("rmm_site_uid", "varchar(100) not null", Both),
            ("rmm_provider", "varchar(50) not null", Both),
        ],
    ),
    (
        "datto_site_links",
        First,
        None,
        &[
            ("id", ID, Both),
            ("company_account_number", NUMBER, Both),
            ("datto_site_uid", "varchar(100) not null", Both),
        ],
    ),
    (
        "assets",
        Both,
        None,
        &[
            ("id", ID, Both),
            ("hostname", "varchar(150) not null", Both),
            ("company_account_number", NUMBER, Both),
            ("hardware_type", LONG, Both),
            ("operating_system", LONG, Both),
            ("domain", LONG, Both),
            ("antivirus_product", LONG, Both),
            ("last_logged_in_user", NAME, Both),
            ("datto_site_name", NAME, First),
            ("rmm_site_name", NAME, Second),
            ("description", "text", Both),
            ("ext_ip_address", SHORT, Both),
            ("int_ip_address", SHORT, Both),
            ("last_audit_date", SHORT, Both),
            ("last_reboot", SHORT, Both),
            ("last_seen", SHORT, Both),
            ("online", "boolean", Both),
            ("patch_status", SHORT, Both),
            ("backup_usage_tb", SHORT, Both),
            ("enabled_administrators", "text", Both),
            ("device_type", SHORT, Both),
            ("portal_url", "varchar(255)", Both),
            ("web_remote_url", "varchar(255)", Both),
            ("udf1", "text", Second),
            ("udf2", "text", Second),
            ("udf3", "text", Second),
            ("udf4", "text", Second),
            ("udf5", "text", Second),
            ("udf6", "text", Second),
            ("udf7", "text", Second),
            ("udf8", "text", Second),
            ("udf9", "text", Second),
            ("udf10", "text", Second),
        ],
    ),
    (
        "asset_contact_link",
        Both,
        Some("asset_id, contact_id"),
        &[
            ("asset_id", "integer not null", Both),
            ("contact_id", "integer not null", Both),
        ],
    ),
    (
        "locations",
        Both,
        None,
        &[
            ("id", ID, Both),
            ("name", "varchar(150) not null", Both),
            ("address", "varchar(255)", Both),
            ("phone_number", SHORT, Both),
            ("company_account_number", NUMBER, Both),
        ],
    ),
    (
        "company_feature_overrides",
        Both,
        None,
        &[
            ("id", ID, Both),
            ("company_account_number", NUMBER, Both),
            ("feature_key", "varchar(100) not null", Both),
            ("value", "varchar(100) not null", Both),
            ("override_enabled", "boolean not null", Both),
        ],
    ),
    (
        "psa_agents",
        Second,
        None,
        &[
            ("id", ID, Both),
            ("external_id", "bigint not null", Both),
            ("external_source", "varchar(50) not null", Both),
            ("email", NAME, Both),
            ("first_name", LONG, Both),
            ("last_name", LONG, Both),
            ("active", "boolean", Both),
            ("job_title", NAME, Both),
            ("department_ids", "text", Both),
            ("group_ids", "text", Both),
            ("created_at", SHORT, Both),
            ("updated_at", SHORT, Both),
        ],
    ),
    (
        "agents",
        Both,
        None,
        &[
            ("keycloak_id", "varchar(100) primary key", Both),
            ("username", "varchar(150) not null", Both),
            ("email", NAME, Both),
            ("first_name", NAME, Both),
            ("last_name", NAME, Both),
            ("enabled", "boolean", Both),
            ("theme_preference", "varchar(20)", Both),
            ("knowledgetree_view_preference", "varchar(20)", Both),
            ("preferred_color_theme", "varchar(20)", Second),
            ("home_page_preference", SHORT, Second),
            ("created_at", LONG, Both),
            ("updated_at", LONG, Both),
            ("last_synced_at", LONG, Both),
        ],
    ),
    (
        "billing_plans",
        Both,
        None,
        &[
            ("id", ID, Both),
            ("plan_name", "varchar(100) not null", Both),
            ("term_length", "varchar(50) not null", Both),
            ("per_user_cost", PRICE, Both),
            ("per_workstation_cost", PRICE, Both),
            ("per_server_cost", PRICE, Both),
            ("per_vm_cost", PRICE, Both),
            ("per_switch_cost", PRICE, Both),
            ("per_firewall_cost", PRICE, Both),
            ("per_hour_ticket_cost", PRICE, Both),
            ("backup_base_fee_workstation", PRICE, Both),
            ("backup_base_fee_server", PRICE, Both),
            ("backup_cost_per_gb_workstation", FINE_PRICE, First),
            ("backup_cost_per_gb_server", FINE_PRICE, First),
            ("backup_included_tb", "numeric(10,2) default 1.00", Second),
            ("backup_per_tb_fee", PRICE, Second),
            ("support_level", LONG, Both),
            ("antivirus", LONG, Both),
            ("soc", LONG, Both),
            ("password_manager", LONG, Both),
            ("sat", LONG, Both),
            ("email_security", LONG, Both),
            ("network_management", LONG, Both),
        ],
    ),
    (
        "plan_features",
        Second,
        None,
        &[
            ("id", ID, Both),
            ("plan_id", "integer not null", Both),
            ("feature_type", "varchar(100) not null", Both),
            ("feature_value", "varchar(150) not null", Both),
        ],
    ),
    (
        "feature_options",
        Both,
        None,
        &[
            ("id", ID, Both),
            ("feature_category", "varchar(100) not null", Both),
            ("option_value", "varchar(100) not null", Both),
            ("display_name", NAME, Second),
            ("feature_type", LONG, Second),
            ("description", "text", Second),
        ],
    ),
    (
        "feature_category_config",
        Second,
        None,
        &[
            ("id", ID, Both),
            ("feature_key", "varchar(100) not null", Both),
            ("display_name", "varchar(150) not null", Both),
            ("full_name", "varchar(255)", Both),
            ("description", "text", Both),
        ],
    ),
    (
        "ticket_details",
        Both,
        None,
        &[
            ("ticket_id", "bigint primary key", First),
            ("id", ID, Second),
            ("external_id", "bigint not null", Second),
            ("external_source", "varchar(50) not null", Second),
            ("company_account_number", NUMBER, First),
            ("company_account_number", SHORT, Second),
            ("ticket_number", SHORT, Both),
            ("subject", "text", Both),
            ("description", "text", Both),
            ("description_text", "text", Both),
            ("status", SHORT, Both),
            ("priority", SHORT, Both),
            ("status_id", "integer", Second),
            ("priority_id", "integer", Second),
            ("ticket_type", SHORT, Second),
            ("requester_email", NAME, Both),
            ("requester_name", NAME, Both),
            ("requester_id", "bigint", Second),
            ("responder_id", "bigint", Second),
            ("group_id", "bigint", Second),
            ("department_id", "bigint", Second),
            ("created_at", SHORT, Both),
            ("last_updated_at", SHORT, Both),
            ("closed_at", SHORT, Both),
            ("total_hours_spent", "double precision default 0", Both),
            ("fr_due_by", SHORT, Second),
            ("due_by", SHORT, Second),
            ("first_responded_at", SHORT, Second),
            ("agent_responded_at", SHORT, Second),
            ("webhook_updated_at", SHORT, Second),
            ("conversations", "text", Both),
            ("notes", "text", Both),
        ],
    ),
    (
        "sync_jobs",
        Both,
        None,
        &[
            ("id", "varchar(50) primary key", Both),
            ("script", "varchar(50) not null", Both),
            ("provider", SHORT, Second),
            ("sync_type", SHORT, Second),
            ("status", "varchar(20) not null", Both),
            ("started_at", "varchar(50) not null", Both),
            ("completed_at", SHORT, Both),
            ("output", "text", Both),
            ("error", "text", Both),
            ("success", "boolean", Both),
        ],
    ),
];

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub name: &'static str,
    /// Its type with its constraints.
    kind: &'static str,
    /// Whether the migration of the second generation has added it.
    pub is_added: bool,
}

impl Column {
    /// The most characters that its type allows.
    pub fn longest(&self) -> Option<usize> {
        let rest = self.kind.strip_prefix("varchar(")?;
        rest.split(')').next()?.parse().ok()
    }

    /// What the migration adds has neither a key nor a constraint.
    fn sql(&self) -> String {
        let kind = if self.is_added {
            let kind = self.kind.split(" primary key").next().unwrap_or_default();
            kind.split(" not null").next().unwrap_or_default()
        } else {
            self.kind
        };
        format!("{} {kind}", self.name)
    }
}

/// A table.
#[derive(Debug, Clone)]
struct TableOf {
    name: &'static str,
    key: Option<&'static str>,
    columns: Vec<Column>,
}

/// The tables of a database.
#[derive(Debug, Clone)]
pub(super) struct Schema(Vec<TableOf>);

impl Schema {
    /// The tables of a generation; of a mixture with a seed, each later table and column is there or not.
    pub fn new(generation: Generation, seed: Option<u64>) -> Self {
        let mut random = seed.map(SmallRng::seed_from_u64);
        let mut is_there = |of: Of| match (generation, of) {
            (_, Both)
            | (Generation::First | Generation::Mixed, First)
            | (Generation::Second, Second) => true,
            (Generation::First, Second) | (Generation::Second, First) => false,
            (Generation::Mixed, Second) => random.as_mut().is_none_or(|r| r.random_bool(0.6)),
        };
        let mut tables = Vec::new();
        for (name, of, key, declared) in TABLES {
            if !is_there(of) {
                continue;
            }
            let mut columns: Vec<Column> = Vec::new();
            for &(name, kind, of) in declared {
                let is_known = columns.iter().any(|column| column.name == name);
                if !is_known && is_there(of) {
                    columns.push(Column {
                        name,
                        kind,
                        is_added: generation == Generation::Mixed && of == Second,
                    });
                }
            }
            tables.push(TableOf { name, key, columns });
        }
        Self(tables)
    }

    /// Names of the tables.
    pub fn tables(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|table| table.name)
    }

    /// The columns of a table; none without it.
    pub fn columns(&self, table: &str) -> &[Column] {
        let found = self.0.iter().find(|one| one.name == table);
        found
            .map(|found| found.columns.as_slice())
            .unwrap_or_default()
    }

    pub fn has_table(&self, table: &str) -> bool {
        self.0.iter().any(|one| one.name == table)
    }

    pub fn has(&self, table: &str, column: &str) -> bool {
        self.columns(table).iter().any(|one| one.name == column)
    }

    /// The statements that make the tables.
    pub fn sql(&self) -> String {
        let tables = self.0.iter().map(|table| {
            let mut parts: Vec<String> = table.columns.iter().map(Column::sql).collect();
            parts.extend(table.key.map(|key| format!("primary key ({key})")));
            format!("create table {} ({});", table.name, parts.join(", "))
        });
        tables.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_keeps_what_the_first_generation_had() {
        let first = Schema::new(Generation::First, None);
        let whole = Schema::new(Generation::Mixed, None);
        for seed in 0..20 {
            let mixed = Schema::new(Generation::Mixed, Some(seed));
            for table in first.tables() {
                for column in first.columns(table) {
                    assert!(mixed.has(table, column.name), "{table}.{}", column.name);
                }
            }
            assert!(mixed.tables().all(|table| whole.has_table(table)));
        }
        let one = Schema::new(Generation::Mixed, Some(1)).sql();
        assert_ne!(one, Schema::new(Generation::Mixed, Some(2)).sql());
        assert_eq!(one, Schema::new(Generation::Mixed, Some(1)).sql());
    }

    #[test]
    fn an_added_column_has_no_constraints() {
        let mixed = Schema::new(Generation::Mixed, None);
        let sql = mixed.sql();
        assert!(sql.contains("create table ticket_details (ticket_id bigint primary key, id integer, external_id bigint,"));
        let second = Schema::new(Generation::Second, None);
        assert_eq!(second.columns("assets")[1].longest(), Some(150));
        assert!(!second.has("contacts", "freshservice_id"));
    }
}
