-- The first schema. Both engines have the same tables and columns; a test compares them.
-- Times come from the program, never from the database (CURRENT_TIMESTAMP compares wrong on SQLite).

-- Client organisations. account_number is unique over deleted rows too: a number is never given twice.
create table companies (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    account_number text,
    name text not null,
    description text,
    compliance_level text,
    external_id bigint,
    external_source text,
    head_user_id bigint,
    head_name text,
    prime_user_id bigint,
    prime_user_name text,
    domains text not null check (json_valid(domains)),
    workspace_id bigint,
    plan_selected text,
    billing_plan text,
    managed_users text,
    managed_devices text,
    managed_network text,
    contract_term text,
    contract_term_length text,
    contract_start_date text,
    contract_end_date text,
    support_level text,
    profit_or_non_profit text,
    company_main_number text,
    address text,
    company_start_date text,
    phone_system text,
    email_system text,
    datto_portal_url text,
    name_fold text not null
);
create unique index companies_account_number on companies (account_number);
create index companies_order on companies (name_fold, id);

-- People. An e-mail address is no key: several may share one, and many have none.
create table contacts (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    name text not null,
    first_name text,
    last_name text,
    email text,
    secondary_emails text not null check (json_valid(secondary_emails)),
    active boolean,
    external_id bigint,
    external_source text,
    psa_external_id text,
    is_agent boolean,
    vip_user boolean,
    has_logged_in boolean,
    mobile_phone_number text,
    work_phone_number text,
    address text,
    job_title text,
    employment_type text,
    department_ids text not null check (json_valid(department_ids)),
    department_names text not null check (json_valid(department_names)),
    reporting_manager_id bigint,
    location_id bigint,
    location_name text,
    work_schedule_id bigint,
    language text,
    time_zone text,
    time_format text,
    can_see_all_tickets_from_associated_departments boolean,
    can_see_all_changes_from_associated_departments boolean,
    background_information text,
    user_number text,
    name_fold text not null,
    email_fold text
);
create index contacts_order on contacts (name_fold, id);
create index contacts_email on contacts (email_fold);

-- What each source says about who works where. ref is the source's id of the company and company_id
-- what it stands for, null until that company arrives; a removed row of source manual takes a link away.
create table contact_companies (
    contact_id bigint not null references contacts (id),
    source text not null,
    ref text not null,
    company_id bigint references companies (id),
    removed boolean not null,
    primary key (contact_id, source, ref)
);
create index contact_companies_company on contact_companies (company_id);
create index contact_companies_open on contact_companies (source, ref) where company_id is null;
-- The links in force: upstream + added by hand - removed by hand.
create view contact_company as
    select distinct l.contact_id, l.company_id from contact_companies l
    where l.company_id is not null and not l.removed and not exists (
        select 1 from contact_companies r
        where r.contact_id = l.contact_id and r.company_id = l.company_id and r.removed);

-- Devices. company_id follows the link of the device's site unless a person set it.
create table assets (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    hostname text,
    device_uid text,
    rmm_provider text,
    site_uid text,
    site_name text,
    hardware_type text,
    device_class text,
    device_type text,
    operating_system text,
    domain text,
    description text,
    antivirus_product text,
    antivirus_status text,
    int_ip_address text,
    mac_address text,
    serial_number text,
    manufacturer text,
    model text,
    backup_bytes bigint,
    enabled_administrators text,
    portal_url text,
    web_remote_url text,
    warranty_date text,
    suspended boolean,
    udf text not null check (json_valid(udf)),
    company_id bigint references companies (id),
    hostname_fold text not null
);
create index assets_company on assets (company_id, hostname_fold);
create index assets_order on assets (hostname_fold, id);
create index assets_site on assets (site_uid);
create index assets_mac on assets (mac_address);
create index assets_serial on assets (serial_number);

-- What moves at every poll: written in bulk, outside hash, log and undo.
create table asset_status (
    asset_id integer primary key not null references assets (id),
    online boolean,
    last_seen text,
    last_reboot text,
    last_audit_date text,
    last_logged_in_user text,
    ext_ip_address text,
    patch_status text,
    patches_installed bigint,
    patches_approved_pending bigint,
    patches_not_approved bigint,
    reboot_required boolean
);

-- Secret user-defined fields (BitLocker, licence keys): nothing but the audited read touches this table.
create table asset_secrets (
    asset_id bigint not null references assets (id),
    name text not null,
    value text not null,
    primary key (asset_id, name)
);

-- Who uses a device, as people assigned it; a removed row takes a link away.
create table asset_contacts (
    asset_id bigint not null references assets (id),
    source text not null,
    contact_id bigint not null references contacts (id),
    removed boolean not null,
    primary key (asset_id, source, contact_id)
);
create index asset_contacts_contact on asset_contacts (contact_id);

-- Addresses of companies. company_id is resolved from company_external_id for synced ones.
create table locations (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    name text not null,
    address text,
    phone_number text,
    company_external_id text,
    external_source text,
    company_id bigint references companies (id)
);
create index locations_company on locations (company_id, id);

-- RMM sites. company_id is the holder of account_number, null when nobody is.
create table site_links (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    provider text not null,
    site_uid text not null,
    site_name text,
    account_number text,
    system_site boolean,
    on_demand boolean,
    portal_url text,
    company_id bigint references companies (id)
);
create index site_links_company on site_links (company_id);
create unique index site_links_uid on site_links (provider, site_uid) where deleted_at is null;
create index site_links_number on site_links (account_number);

-- When a site's variables and network interfaces were last read.
create table site_link_status (
    site_link_id integer primary key not null references site_links (id),
    variables_read_at text,
    interfaces_read_at text
);

-- The MSP's own people as the PSA knows them.
create table psa_agents (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    external_id bigint not null,
    external_source text not null,
    email text,
    first_name text,
    last_name text,
    active boolean,
    occasional boolean,
    job_title text,
    department_ids text not null check (json_valid(department_ids)),
    group_ids text not null check (json_valid(group_ids)),
    name_fold text not null
);
create unique index psa_agents_external on psa_agents (external_source, external_id) where deleted_at is null;

-- What each source last said about a record. A claim is never deleted: it gets gone_at, and its return
-- revives the same record. fields holds stated values only; anchor marks the claims that keep a record alive.
create table claims (
    id integer primary key not null,
    source text not null,
    kind text not null,
    external_id text not null,
    record_id bigint not null,
    scope text not null,
    anchor boolean not null,
    fields text not null check (json_valid(fields)),
    extra text not null check (json_valid(extra)),
    hash bigint not null,
    source_updated_at text,
    first_seen text not null,
    missing_since text,
    missing_run text,
    gone_at text
);
create unique index claims_identity on claims (source, kind, external_id);
create index claims_record on claims (kind, record_id);

-- Every change of a record, written with it. changes holds the tracked fields that differ, before and after.
create table change_log (
    id integer primary key autoincrement not null,
    at text not null,
    kind text not null,
    record_id bigint not null,
    op text not null,
    changes text not null check (json_valid(changes)),
    actor text not null,
    reason text,
    request_id text,
    run_id text
);
create index change_log_record on change_log (kind, record_id);

-- What ran and how it ended (contract 2.6); report is counts, scopes, issues and progress.
create table sync_jobs (
    id text primary key not null,
    script text not null,
    provider text,
    sync_type text,
    status text not null,
    started_at text not null,
    completed_at text,
    output text,
    error text,
    success boolean,
    report text not null check (json_valid(report))
);
create index sync_jobs_newest on sync_jobs (script, started_at);

-- One run per source across processes. fence rises with every holder and is checked in every page
-- transaction; beat rises while the holder lives.
create table sync_leases (
    source text primary key not null,
    fence bigint not null,
    beat bigint not null,
    job_id text
);

-- Deletions that wait for a person: too large a part of a scope vanished at once.
create table sync_holds (
    source text not null,
    kind text not null,
    scope text not null,
    missing bigint not null,
    total bigint not null,
    external_ids text not null check (json_valid(external_ids)),
    held_at text not null,
    job_id text not null,
    primary key (source, kind, scope)
);

-- Until when a vendor must not be called: limits are account-wide and processes are many.
create table upstream_gates (
    source text primary key not null,
    closed_until text not null,
    reason text not null
);

-- The companies that an administrator opened to a client user, by Keycloak id.
create table user_companies (
    user_sub text not null,
    company_id bigint not null references companies (id),
    primary key (user_sub, company_id)
);
