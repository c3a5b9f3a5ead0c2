//! The tables of the Flask service, in the order of the import.

use super::{
    schema::Layout,
    source::{KeyType, OldTable},
};

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Companies.
    Companies,
    /// Contacts.
    Contacts,
    /// Which contact is of which company.
    ContactCompanies,
    /// Sites of the RMM, with their provider.
    Sites,
    /// Sites of the first generation's RMM.
    FirstSites,
    /// Assets.
    Assets,
    /// Who uses which asset.
    AssetContacts,
    /// Locations.
    Locations,
    /// Overrides of companies' plans.
    Overrides,
    /// The PSA's agents.
    PsaAgents,
    /// People who log in.
    Agents,
    /// Billing plans.
    Plans,
    /// What plans contain.
    Features,
    /// What can be chosen for features.
    Options,
    /// Labels of features.
    Labels,
    /// Tickets with their conversations.
    Tickets,
    /// Sync jobs.
    Jobs,
}

impl Table {
    /// All of them: what others refer to comes first.
    pub const ALL: [Self; 17] = [
        Self::Companies,
        Self::Contacts,
        Self::ContactCompanies,
        Self::Sites,
        Self::FirstSites,
        Self::Assets,
        Self::AssetContacts,
        Self::Locations,
        Self::Overrides,
        Self::PsaAgents,
        Self::Agents,
        Self::Plans,
        Self::Features,
        Self::Options,
        Self::Labels,
        Self::Tickets,
        Self::Jobs,
    ];

    /// Its name in the Flask service's database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::ContactCompanies => "contact_company_link",
            Self::Sites => "rmm_site_links",
            Self::FirstSites => "datto_site_links",
            Self::Assets => "assets",
            Self::AssetContacts => "asset_contact_link",
            Self::Locations => "locations",
            Self::Overrides => "company_feature_overrides",
            Self::PsaAgents => "psa_agents",
            Self::Agents => "agents",
            Self::Plans => "billing_plans",
            Self::Features => "plan_features",
            Self::Options => "feature_options",
            Self::Labels => "feature_category_config",
            Self::Tickets => "ticket_details",
            Self::Jobs => "sync_jobs",
        }
    }

    /// The table with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The table of ours whose ids are those of this one.
    pub(super) fn kept_ids(self) -> Option<&'static str> {
        match self {
            Self::Contacts => Some("contacts"),
            Self::Sites | Self::FirstSites => Some("site_links"),
            Self::Assets => Some("assets"),
            Self::Locations => Some("locations"),
            Self::Overrides => Some("company_overrides"),
            Self::PsaAgents => Some("psa_agents"),
            Self::Plans => Some("billing_plans"),
            Self::Options => Some("feature_options"),
            _ => None,
        }
    }

    /// How its rows are read.
    pub(super) fn reading(self, layout: &Layout) -> OldTable {
        let (key, columns): (&[(&str, KeyType)], &[&[&str]]) = match self {
            Self::Companies => (NUMBER, COMPANIES),
            Self::Contacts => (ID, CONTACTS),
            Self::ContactCompanies => (
                &[
                    ("contact_id", KeyType::Int),
                    ("company_account_number", KeyType::Text),
                ],
                &[&["contact_id"], &["company_account_number"]],
            ),
            Self::Sites => (
                ID,
                &[
                    &["company_account_number"],
                    &["rmm_site_uid"],
                    &["rmm_provider"],
                ],
            ),
            // Its names begin with those of the other table: what is read is the same.
            Self::FirstSites => (
                ID,
                &[
                    &["company_account_number"],
                    &["rmm_site_uid", "datto_site_uid"],
                    &["rmm_provider"],
                ],
            ),
            Self::Assets => (ID, ASSETS),
            Self::AssetContacts => (
                &[("asset_id", KeyType::Int), ("contact_id", KeyType::Int)],
                &[&["asset_id"], &["contact_id"]],
            ),
            Self::Locations => (
                ID,
                &[
                    &["name"],
                    &["address"],
                    &["phone_number"],
                    &["company_account_number"],
                ],
            ),
            Self::Overrides => (
                ID,
                &[
                    &["company_account_number"],
                    &["feature_key"],
                    &["value"],
                    &["override_enabled"],
                ],
            ),
            Self::PsaAgents => (
                ID,
                &[
                    &["external_id"],
                    &["external_source"],
                    &["email"],
                    &["first_name"],
                    &["last_name"],
                    &["active"],
                    &["job_title"],
                    &["department_ids"],
                    &["group_ids"],
                ],
            ),
            Self::Agents => (
                &[("keycloak_id", KeyType::Text)],
                &[
                    &["keycloak_id"],
                    &["username"],
                    &["email"],
                    &["first_name"],
                    &["last_name"],
                    &["enabled"],
                    &["theme_preference"],
                    &["preferred_color_theme"],
                    &["knowledgetree_view_preference"],
                    &["home_page_preference"],
                ],
            ),
            Self::Plans => (ID, PLANS),
            Self::Features => (ID, &[&["plan_id"], &["feature_type"], &["feature_value"]]),
            Self::Options => (
                ID,
                &[
                    &["feature_category", "feature_type"],
                    &["option_value"],
                    &["display_name"],
                    &["description"],
                ],
            ),
            Self::Labels => (ID, &[&["feature_key"]]),
            Self::Tickets if layout.has("ticket_details", "ticket_id") => {
                (&[("ticket_id", KeyType::Int)], TICKETS)
            }
            Self::Tickets => (ID, TICKETS),
            Self::Jobs => (
                &[("id", KeyType::Text)],
                &[
                    &["id"],
                    &["script"],
                    &["provider"],
                    &["sync_type"],
                    &["status"],
                    &["started_at"],
                    &["completed_at"],
                    &["output"],
                    &["error"],
                    &["success"],
                ],
            ),
        };
        OldTable {
            name: self.name(),
            key,
            columns,
        }
    }
}

const ID: &[(&str, KeyType)] = &[("id", KeyType::Int)];
const NUMBER: &[(&str, KeyType)] = &[("account_number", KeyType::Text)];

const COMPANIES: &[&[&str]] = &[
    &["account_number"],
    &["external_id", "freshservice_id"],
    &["external_source"],
    &["compliance_level"],
    &["name"],
    &["description"],
    &["head_user_id"],
    &["head_name"],
    &["prime_user_id"],
    &["prime_user_name"],
    &["domains"],
    &["workspace_id"],
    &["plan_selected"],
    &["billing_plan"],
    &["managed_users"],
    &["managed_devices"],
    &["managed_network"],
    &["contract_term"],
    &["contract_term_length"],
    &["contract_start_date"],
    &["contract_end_date"],
    &["profit_or_non_profit"],
    &["company_main_number"],
    &["address"],
    &["company_start_date"],
    &["support_level"],
    &["phone_system"],
    &["email_system"],
    &["datto_portal_url"],
];

const CONTACTS: &[&[&str]] = &[
    // Where the first generation's column is, the second's name is that of a text of the PSA's.
    &["requester_id", "freshservice_id"],
    &["external_id"],
    &["external_source"],
    &["name"],
    &["first_name"],
    &["last_name"],
    &["email", "primary_email"],
    &["active"],
    &["is_agent"],
    &["vip_user"],
    &["has_logged_in"],
    &["mobile_phone_number"],
    &["work_phone_number"],
    &["address"],
    &["secondary_emails"],
    &["job_title", "title"],
    &["employment_type"],
    &["department_ids"],
    &["department_names"],
    &["reporting_manager_id"],
    &["location_id"],
    &["work_schedule_id"],
    &["location_name"],
    &["language"],
    &["time_zone"],
    &["time_format"],
    &["can_see_all_tickets_from_associated_departments"],
    &["can_see_all_changes_from_associated_departments"],
    &["background_information"],
    &["user_number"],
];

const ASSETS: &[&[&str]] = &[
    &["hostname"],
    &["company_account_number"],
    &["hardware_type"],
    &["operating_system"],
    &["last_logged_in_user"],
    &["domain"],
    &["antivirus_product"],
    &["rmm_site_name", "datto_site_name"],
    &["description"],
    &["ext_ip_address"],
    &["int_ip_address"],
    &["last_audit_date"],
    &["last_reboot"],
    &["last_seen"],
    &["online"],
    &["patch_status"],
    &["backup_usage_tb"],
    &["enabled_administrators"],
    &["device_type"],
    &["portal_url"],
    &["web_remote_url"],
    &["udf1"],
    &["udf2"],
    &["udf3"],
    &["udf4"],
    &["udf5"],
    &["udf6"],
    &["udf7"],
    &["udf8"],
    &["udf9"],
    &["udf10"],
    &["udf11"],
    &["udf12"],
    &["udf13"],
    &["udf14"],
    &["udf15"],
    &["udf16"],
    &["udf17"],
    &["udf18"],
    &["udf19"],
    &["udf20"],
    &["udf21"],
    &["udf22"],
    &["udf23"],
    &["udf24"],
    &["udf25"],
    &["udf26"],
    &["udf27"],
    &["udf28"],
    &["udf29"],
    &["udf30"],
];
/// The user-defined fields of an asset.
pub(super) const UDFS: [&str; 30] = [
    "udf1", "udf2", "udf3", "udf4", "udf5", "udf6", "udf7", "udf8", "udf9", "udf10", "udf11",
    "udf12", "udf13", "udf14", "udf15", "udf16", "udf17", "udf18", "udf19", "udf20", "udf21",
    "udf22", "udf23", "udf24", "udf25", "udf26", "udf27", "udf28", "udf29", "udf30",
];

const PLANS: &[&[&str]] = &[
    &["plan_name"],
    &["term_length"],
    &["support_level"],
    &["per_user_cost"],
    &["per_workstation_cost"],
    &["per_server_cost"],
    &["per_vm_cost"],
    &["per_switch_cost"],
    &["per_firewall_cost"],
    &["per_hour_ticket_cost"],
    &["backup_base_fee_workstation"],
    &["backup_base_fee_server"],
    &["backup_included_tb"],
    &["backup_per_tb_fee"],
    &["backup_cost_per_gb_workstation"],
    &["backup_cost_per_gb_server"],
    &["antivirus"],
    &["soc"],
    &["password_manager"],
    &["sat"],
    &["email_security"],
    &["network_management"],
];

const TICKETS: &[&[&str]] = &[
    &["external_id", "ticket_id"],
    &["external_source"],
    &["company_account_number"],
    &["ticket_number"],
    &["subject"],
    &["description"],
    &["description_text"],
    &["status"],
    &["priority"],
    &["status_id"],
    &["priority_id"],
    &["ticket_type"],
    &["requester_email"],
    &["requester_name"],
    &["requester_id"],
    &["responder_id"],
    &["group_id"],
    &["department_id"],
    &["created_at"],
    &["last_updated_at"],
    &["closed_at"],
    &["total_hours_spent"],
    &["fr_due_by"],
    &["due_by"],
    &["first_responded_at"],
    &["agent_responded_at"],
    &["conversations"],
    &["notes"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_by_their_names() {
        for table in Table::ALL {
            assert_eq!(Table::of_name(table.name()), Some(table));
        }
        assert!(UDFS.iter().all(|udf| ASSETS.contains(&&[*udf][..])));
    }
}
