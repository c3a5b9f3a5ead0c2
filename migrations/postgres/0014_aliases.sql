-- Account numbers that companies had before: they still lead to them, and are never given again.
create table account_aliases (
    account_number text primary key,
    company_id bigint not null references companies (id),
    since timestamptz not null,
    author text not null
);
create index account_aliases_company on account_aliases (company_id);
