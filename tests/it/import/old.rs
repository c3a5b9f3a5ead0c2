//! Databases of the Flask service, written out: each generation with a few rows and flaws of every table.

use codex_tests::harness::database::{self, TestDatabase};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

/// A database of the Flask service; it goes with its value.
pub struct Old {
    pub url: String,
    _kept: Option<TestDatabase>,
}

/// Runs statements against the engine of `like`: a file beside it, or a schema of another database.
pub async fn create(like: &TestDatabase, sql: &str) -> anyhow::Result<Old> {
    if like.url.starts_with("sqlite") {
        let path = like
            .folder()
            .join(format!("old-{}.db", uuid::Uuid::new_v4()));
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let mut connection = SqliteConnection::connect(&url).await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        return Ok(Old {
            url: format!("sqlite:{}", path.display()),
            _kept: None,
        });
    }
    let kept = database::postgres().await?;
    let server = kept
        .as_ref()
        .map(|kept| kept.url.clone())
        .unwrap_or_default();
    let mut connection = PgConnection::connect(&server).await?;
    let sql = format!("create schema old; set search_path to old; {sql}");
    sqlx::raw_sql(AssertSqlSafe(&*sql))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(Old {
        url: format!("{server}?options=-c%20search_path%3Dold"),
        _kept: kept,
    })
}

/// Changes an old database.
pub async fn change(old: &Old, sql: &str) -> anyhow::Result<()> {
    if let Some(path) = old.url.strip_prefix("sqlite:") {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{path}")).await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
    } else {
        let mut connection = PgConnection::connect(&old.url).await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
    }
    Ok(())
}

/// Tables that are the same in every generation.
const SAME: &str = "
create table contact_company_link (contact_id integer, company_account_number varchar(50),
    primary key (contact_id, company_account_number));
create table asset_contact_link (asset_id integer, contact_id integer, primary key (asset_id, contact_id));
create table company_feature_overrides (id integer primary key, company_account_number varchar(50) not null,
    feature_key varchar(100) not null, value varchar(100) not null, override_enabled boolean not null);
create table locations (id integer primary key, name varchar(150) not null, address varchar(255),
    phone_number varchar(50), company_account_number varchar(50) not null);
insert into contact_company_link values (11, '100001'), (12, '100002'), (99, '100001');
insert into asset_contact_link values (21, 11), (21, 99);
insert into company_feature_overrides values
    (1, '100001', 'per_user_cost', '12.50', true), (2, '100001', 'per_user_cost', '11.00', true),
    (3, '999999', 'antivirus', 'X', true);
insert into locations values (5, 'Main Office', 'Road 1', '+1 555', '100001'), (6, 'Depot', null, null, '100002'),
    (7, 'Nowhere', null, null, '999999');
";

/// The first generation.
pub fn first() -> String {
    format!("{FIRST}{SAME}{FIRST_ROWS}")
}

/// The second generation.
pub fn second() -> String {
    format!("{SECOND}{SAME}{SECOND_ROWS}")
}

/// The first generation after the second one's migration: columns and tables added, nothing carried over.
pub fn mixed() -> String {
    format!("{FIRST}{SAME}{FIRST_ROWS}{MIGRATION}")
}

const FIRST: &str = "
create table companies (account_number varchar(50) primary key, freshservice_id bigint not null unique,
    name varchar(150) not null, description text, created_at varchar(100), updated_at varchar(100),
    head_user_id bigint, head_name varchar(150), prime_user_id bigint, prime_user_name varchar(150), domains text,
    workspace_id integer, plan_selected varchar(100), managed_users varchar(100), managed_devices varchar(100),
    managed_network varchar(100), contract_term varchar(50), contract_start_date varchar(100),
    profit_or_non_profit varchar(50), company_main_number varchar(50), address text, company_start_date varchar(100),
    billing_plan varchar(100), contract_term_length varchar(50), support_level varchar(100),
    phone_system varchar(100), email_system varchar(100), datto_portal_url varchar(255));
create table contacts (id integer primary key, freshservice_id bigint not null unique, external_id varchar(100),
    first_name varchar(150), last_name varchar(150), name varchar(150) not null, primary_email varchar(150) not null,
    email varchar(150) not null, active boolean, is_agent boolean, vip_user boolean, has_logged_in boolean,
    mobile_phone_number varchar(50), work_phone_number varchar(50), address text, secondary_emails text,
    job_title varchar(150), title varchar(150), employment_type varchar(100), department_ids text,
    department_names text, reporting_manager_id bigint, location_id bigint, work_schedule_id bigint,
    location_name varchar(150), language varchar(10), time_zone varchar(100), time_format varchar(10),
    can_see_all_tickets_from_associated_departments boolean,
    can_see_all_changes_from_associated_departments boolean, created_at varchar(100), updated_at varchar(100),
    background_information text, user_number varchar(50));
create table assets (id integer primary key, hostname varchar(150) not null,
    company_account_number varchar(50) not null, hardware_type varchar(100), operating_system varchar(100),
    domain varchar(100), antivirus_product varchar(100), last_logged_in_user varchar(150),
    datto_site_name varchar(150), description text, ext_ip_address varchar(50), int_ip_address varchar(50),
    last_audit_date varchar(50), last_reboot varchar(50), last_seen varchar(50), online boolean,
    patch_status varchar(50), backup_usage_tb varchar(50), enabled_administrators text, device_type varchar(50),
    portal_url varchar(255), web_remote_url varchar(255));
create table datto_site_links (id integer primary key, company_account_number varchar(50) not null,
    datto_site_uid varchar(100) not null unique);
create table ticket_details (ticket_id bigint primary key, company_account_number varchar(50) not null,
    ticket_number varchar(50), subject text, description text, description_text text, status varchar(50),
    priority varchar(50), requester_email varchar(150), requester_name varchar(150), created_at varchar(50),
    last_updated_at varchar(50), closed_at varchar(50), total_hours_spent double precision, conversations text,
    notes text);
create table sync_jobs (id varchar(50) primary key, script varchar(50) not null, status varchar(20) not null,
    started_at varchar(50) not null, completed_at varchar(50), output text, error text, success boolean);
create table billing_plans (id integer primary key, plan_name varchar(100) not null,
    term_length varchar(50) not null, per_user_cost numeric(10,2), per_workstation_cost numeric(10,2),
    per_server_cost numeric(10,2), per_vm_cost numeric(10,2), per_switch_cost numeric(10,2),
    per_firewall_cost numeric(10,2), per_hour_ticket_cost numeric(10,2), backup_base_fee_workstation numeric(10,2),
    backup_base_fee_server numeric(10,2), backup_cost_per_gb_workstation numeric(10,4),
    backup_cost_per_gb_server numeric(10,4), support_level varchar(100), antivirus varchar(100), soc varchar(100),
    password_manager varchar(100), sat varchar(100), email_security varchar(100), network_management varchar(100),
    unique (plan_name, term_length));
create table feature_options (id integer primary key, feature_category varchar(100) not null,
    option_value varchar(100) not null, unique (feature_category, option_value));
create table agents (keycloak_id varchar(100) primary key, username varchar(150) not null, email varchar(150),
    first_name varchar(150), last_name varchar(150), enabled boolean, theme_preference varchar(20),
    knowledgetree_view_preference varchar(20), created_at varchar(100), updated_at varchar(100),
    last_synced_at varchar(100));
";

const FIRST_ROWS: &str = r#"
insert into companies (account_number, freshservice_id, name, description, domains, plan_selected, billing_plan,
    contract_term, contract_term_length, contract_start_date, address) values
    ('100001', 7001, 'Acme', 'Anvils', '["acme.test"]', 'Gold', 'Gold', '1-Year', '1 Year', '2025-01-01', 'Road 1'),
    ('100002', 7002, 'Bäcker', '', '[]', 'Silver', 'Gold', null, null, null, null);
insert into contacts (id, freshservice_id, external_id, first_name, last_name, name, primary_email, email, active,
    department_ids, secondary_emails, employment_type) values
    (11, 9001, 'E-1', 'Ada', 'Lovelace', 'Ada Lovelace', 'ada@acme.test', 'ada@acme.test', true, '[7001]',
        '["a.l@acme.test"]', 'Part Time'),
    (12, 9002, null, null, null, 'None None', 'bob@b.test', 'bob@b.test', true, '[]', null, 'Full Time');
insert into assets (id, hostname, company_account_number, hardware_type, operating_system, datto_site_name,
    last_seen, online, backup_usage_tb, device_type, portal_url) values
    (21, 'PC-1', '100001', 'Desktop', 'Windows 11', 'Acme', '2025-07-01 12:00:00', true, '1.50', 'Workstation',
        'https://x.example/device/4711/PC-1'),
    (22, 'PC-2', '100001', 'Laptop', 'Windows 11', 'Acme', null, null, 'N/A', null, null),
    (23, 'LOST', '999999', null, null, null, null, false, null, null, null);
insert into datto_site_links values (31, '100001', 'site-uid-1');
insert into ticket_details values
    (5001, '100001', '5001', 'Printer', '<p>No ink</p>', 'No ink', 'Closed', 'Medium', 'ada@acme.test', 'Ada',
        '2025-06-01T08:00:00Z', '2025-06-02T09:00:00Z', '2025-06-02T09:00:00Z', 1.25,
        '[{"id": 1, "body": "Hello", "body_html": "<p>Hello</p>", "incoming": true, "private": false,
           "to_emails": ["help@msp.test"], "created_at": "2025-06-01T08:05:00Z"}]',
        '[{"created_at": "2025-06-01T10:00:00", "text": "Ordered ink", "user": "carol"}]'),
    (5002, '100002', '5002', 'Screen', null, null, 'closed', 'High', null, null, '2025-06-03T08:00:00Z',
        '2025-06-03T12:00:00', null, 0.5, null, '{broken');
insert into sync_jobs values
    ('job-1', 'tickets', 'completed', '2025-06-02T04:00:00', '2025-06-02T04:01:00', 'done', null, true),
    ('job-2', 'freshservice', 'running', '2025-06-03T04:00:00', null, null, null, null);
insert into billing_plans values
    (41, 'Gold', '1 Year', 10.00, 20.50, 0, 0, 0, 0, 120.00, 5.00, 9.00, 0.0125, 0.0250, 'Unlimited', 'Bit',
        'Not Included', 'Not Included', 'Not Included', 'Not Included', 'Not Included'),
    (42, 'Gold', '1-Year', 99.00, 99.00, 0, 0, 0, 0, 99.00, 0, 0, 0, 0, null, null, null, null, null, null, null),
    (43, 'Silver', 'Month to Month', 7.00, 8.00, null, 0, 0, 0, 90.00, 0, 0, 0, 0, 'Billed Hourly', null, null, null,
        null, null, null);
insert into feature_options values (51, 'antivirus', 'Bit');
insert into agents values ('kc-1', 'carol', 'carol@msp.test', 'Carol', 'C', true, 'dark', 'tree', null, null, null);
"#;

const SECOND: &str = "
create table companies (account_number varchar(50) primary key, external_id bigint unique,
    external_source varchar(50), psa_provider varchar(50), compliance_level varchar(20), name varchar(150) not null,
    description text, domains text, plan_selected varchar(100), billing_plan varchar(100), contract_term varchar(50),
    contract_term_length varchar(50), contract_start_date varchar(100), contract_end_date varchar(100),
    support_level varchar(100), address text);
create table contacts (id integer primary key, external_id bigint unique, external_source varchar(50),
    first_name varchar(150), last_name varchar(150), name varchar(150) not null, primary_email varchar(150),
    email varchar(150), active boolean, department_ids text, secondary_emails text, employment_type varchar(100));
create table assets (id integer primary key, hostname varchar(150) not null,
    company_account_number varchar(50) not null, hardware_type varchar(100), operating_system varchar(100),
    rmm_site_name varchar(150), last_seen varchar(50), online boolean, backup_usage_tb varchar(50),
    device_type varchar(50), portal_url varchar(255), web_remote_url varchar(255), udf2 text, udf5 text);
create table rmm_site_links (id integer primary key, company_account_number varchar(50) not null,
    rmm_site_uid varchar(100) not null, rmm_provider varchar(50) not null, unique (rmm_site_uid, rmm_provider));
create table psa_agents (id integer primary key, external_id bigint not null, external_source varchar(50) not null,
    email varchar(150), first_name varchar(100), last_name varchar(100), active boolean, job_title varchar(150),
    department_ids text, group_ids text);
create table ticket_details (id integer primary key, external_id bigint not null,
    external_source varchar(50) not null, company_account_number varchar(50), ticket_number varchar(50), subject text,
    description text, description_text text, status varchar(50), priority varchar(50), status_id integer,
    priority_id integer, ticket_type varchar(50), requester_email varchar(150), requester_name varchar(150),
    requester_id bigint, responder_id bigint, group_id bigint, department_id bigint, created_at varchar(50),
    last_updated_at varchar(50), closed_at varchar(50), total_hours_spent double precision, fr_due_by varchar(50),
    due_by varchar(50), first_responded_at varchar(50), agent_responded_at varchar(50), conversations text,
    notes text);
create table sync_jobs (id varchar(50) primary key, script varchar(50) not null, provider varchar(50),
    sync_type varchar(50), status varchar(20) not null, started_at varchar(50) not null, completed_at varchar(50),
    output text, error text, success boolean);
create table billing_plans (id integer primary key, plan_name varchar(100) not null,
    term_length varchar(50) not null, per_user_cost numeric(10,2), per_workstation_cost numeric(10,2),
    per_server_cost numeric(10,2), per_vm_cost numeric(10,2), per_switch_cost numeric(10,2),
    per_firewall_cost numeric(10,2), per_hour_ticket_cost numeric(10,2), backup_base_fee_workstation numeric(10,2),
    backup_base_fee_server numeric(10,2), backup_included_tb numeric(10,2), backup_per_tb_fee numeric(10,2),
    support_level varchar(100), antivirus varchar(100), soc varchar(100));
create table plan_features (id integer primary key, plan_id integer not null, feature_type varchar(100) not null,
    feature_value varchar(150) not null);
create table feature_options (id integer primary key, feature_category varchar(100) not null,
    option_value varchar(100) not null, display_name varchar(150), feature_type varchar(100), description text);
create table feature_category_config (id integer primary key, feature_key varchar(100) not null,
    display_name varchar(150) not null);
create table agents (keycloak_id varchar(100) primary key, username varchar(150) not null, email varchar(150),
    first_name varchar(150), last_name varchar(150), enabled boolean, theme_preference varchar(20),
    preferred_color_theme varchar(20), knowledgetree_view_preference varchar(20), home_page_preference varchar(50));
";

const SECOND_ROWS: &str = r#"
insert into companies (account_number, external_id, external_source, compliance_level, name, description, domains,
    plan_selected, billing_plan, contract_term_length, contract_end_date) values
    ('100001', 7001, 'freshservice', 'cjis', 'Acme', 'Anvils', '{acme.test}', 'Gold', 'Gold', '1 Year', '2026-01-01'),
    ('100002', null, null, null, 'Bäcker', null, null, null, null, null, null);
insert into contacts values
    (11, 9001, 'freshservice', 'Ada', 'Lovelace', 'Ada Lovelace', 'ada@acme.test', 'ada@acme.test', true, '[7001]',
        null, 'Full Time'),
    (12, null, null, 'Bob', null, 'Bob', 'bob@b.test', 'bob@b.test', false, 'oops "', null, null);
insert into assets values
    (21, 'PC-1', '100001', 'Desktop', 'Windows 11', 'Acme', '2025-10-26T02:30:00', true, '0.50', null,
        'https://x.example/device/4711/PC-1', 'https://x.example/csm/remote/rto/4711', 'SECRET', 'yes'),
    (22, 'PC-2', '100001', 'Laptop', 'Windows 11', 'Acme', '2025-07-01T12:00:00', null, null, null, null, null, null,
        null);
insert into rmm_site_links values (31, '100001', 'site-uid-1', 'datto');
insert into psa_agents values (61, 8001, 'freshservice', 'dan@msp.test', 'Dan', 'D', true, null, null, '[1]');
insert into ticket_details (id, external_id, external_source, company_account_number, ticket_number, subject, status,
    priority, status_id, priority_id, ticket_type, created_at, last_updated_at, total_hours_spent, conversations)
    values
    (1, 5001, 'freshservice', '100001', '5001', 'Printer', 'waiting_customer', 'high', 9, 3, 'Incident',
        '2025-06-01T08:00:00Z', '2025-06-02T09:00:00+00:00', 1.25, '[{"id": 1, "body": "Hello"}]'),
    (2, 5002, 'freshservice', null, '5002', 'Screen', 'deleted', 'low', 2, 1, 'Incident', '2025-06-03T08:00:00Z',
        null, null, null),
    (3, 5003, 'freshservice', '999999', '5003', 'Lost', 'open', null, 2, null, null, null, null, 0, null);
insert into sync_jobs values
    ('job-1', 'psa', 'freshservice', 'base', 'completed', '2025-06-02T04:00:00+00:00', '2025-06-02T04:01:00+00:00',
        'done', null, true);
insert into billing_plans values
    (41, 'Gold', '1 Year', 10.00, 20.50, 0, 0, 0, 0, 120.00, 5.00, 9.00, 0.00, 7.25, 'Unlimited', 'Stale', 'Stale');
insert into plan_features values (1, 41, 'antivirus', 'Bit'), (2, 99, 'soc', 'Lost');
insert into feature_options values (51, 'antivirus', 'Bit', 'Bit Defender', null, null),
    (52, 'antivirus', 'Bit', null, null, null);
insert into feature_category_config values (1, 'soc', 'SOC');
insert into agents values ('kc-1', 'carol', null, 'Carol', 'C', true, 'dark', 'pink', 'list', 'beacon');
"#;

const MIGRATION: &str = "
alter table companies add column external_id bigint;
alter table companies add column external_source varchar(50) default 'freshservice';
alter table companies add column compliance_level varchar(20) default 'standard';
alter table companies add column contract_end_date varchar(100);
alter table contacts add column external_source varchar(50) default 'freshservice';
alter table assets add column rmm_site_name varchar(150);
alter table assets add column udf2 text;
alter table ticket_details add column id integer;
alter table ticket_details add column external_id bigint;
alter table ticket_details add column external_source varchar(50) default 'freshservice';
alter table ticket_details add column status_id integer;
alter table ticket_details add column priority_id integer;
alter table sync_jobs add column provider varchar(50);
alter table sync_jobs add column sync_type varchar(50);
alter table billing_plans add column backup_included_tb numeric(10,2) default 1.00;
alter table billing_plans add column backup_per_tb_fee numeric(10,2) default 0;
alter table feature_options add column display_name varchar(150);
alter table feature_options add column feature_type varchar(100);
alter table agents add column home_page_preference varchar(50) default 'beacon';
create table rmm_site_links (id integer primary key, company_account_number varchar(50) not null,
    rmm_site_uid varchar(100) not null, rmm_provider varchar(50) not null);
create table plan_features (id integer primary key, plan_id integer not null, feature_type varchar(100) not null,
    feature_value varchar(150) not null);
insert into rmm_site_links values (1, '100001', 'site-uid-1', 'datto'), (2, '100002', 'site-uid-2', 'datto');
update companies set external_id = 7001 where account_number = '100001';
";

/// A first generation with so many contacts, assets and tickets that every table has several pages.
pub fn large(rows: u32) -> String {
    let mut sql = first();
    for id in 1_000..1_000 + rows {
        sql.extend([format!(
            "insert into contacts (id, freshservice_id, name, primary_email, email, active, department_ids) values \
             ({id}, {}, 'Person {id}', 'p{id}@acme.test', 'p{id}@acme.test', true, '[7001]');\n\
             insert into contact_company_link values ({id}, '100001');\n\
             insert into assets (id, hostname, company_account_number, portal_url, backup_usage_tb) values \
             ({id}, 'HOST-{id}', '100001', 'https://x.example/device/9{id}', '0.10');\n\
             insert into ticket_details (ticket_id, company_account_number, subject, status, priority, created_at, \
             last_updated_at, total_hours_spent, notes) values ({}, '100001', 'Ticket {id}', 'Closed', 'Low', \
             '2025-01-01T00:00:00Z', '2025-01-02T00:00:00Z', 0.25, \
             '[{{\"created_at\": \"2025-01-01T10:00:00\", \"text\": \"Note {id}\", \"user\": \"carol\"}}]');\n",
            90_000 + id,
            60_000 + id,
        )]);
    }
    sql
}
