-- What a plan costs and contains, for one term. Amounts are ten-thousandths.
create table billing_plans (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    plan_name text not null,
    term_length text not null,
    support_level text,
    per_user_cost bigint not null,
    per_workstation_cost bigint not null,
    per_server_cost bigint not null,
    per_vm_cost bigint not null,
    per_switch_cost bigint not null,
    per_firewall_cost bigint not null,
    per_hour_ticket_cost bigint not null,
    backup_base_fee_workstation bigint not null,
    backup_base_fee_server bigint not null,
    backup_included_tb bigint not null,
    backup_per_tb_fee bigint not null,
    backup_cost_per_gb_workstation bigint not null,
    backup_cost_per_gb_server bigint not null,
    features text not null check (json_valid(features))
);
create unique index billing_plans_name on billing_plans (plan_name, term_length) where deleted_at is null;

-- What can be chosen for a kind of feature.
create table feature_options (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    feature_category text not null,
    option_value text not null,
    display_name text,
    description text
);
create unique index feature_options_value on feature_options (feature_category, option_value)
    where deleted_at is null;

-- What is agreed with a company instead of one value of its plan.
create table company_overrides (
    id integer primary key not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    company_id bigint references companies (id),
    key text not null,
    value text not null,
    enabled boolean
);
create unique index company_overrides_key on company_overrides (company_id, key) where deleted_at is null;
