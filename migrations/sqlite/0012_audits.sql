-- What the RMM's inventory says of a device: one row a device that was asked for. audited_at is the inventory's
-- time that was read; detail is null where the RMM has no inventory.
create table asset_hardware (
    asset_id integer primary key not null references assets (id),
    audited_at text not null,
    read_at text not null,
    cpu text,
    cpu_cores bigint,
    ram_bytes bigint,
    disk_bytes bigint,
    disk_free_bytes bigint,
    bios_version text,
    bios_released_at text,
    base_board text,
    detail text check (json_valid(detail))
);

-- Programs, each once: what is installed where is a pair of numbers. version is empty where it is unknown.
create table software_titles (
    id integer primary key not null,
    name text not null,
    version text not null,
    name_fold text not null
);
create unique index software_titles_name on software_titles (name, version);
create index software_titles_fold on software_titles (name_fold);
create table asset_software (
    asset_id bigint not null references assets (id),
    title_id bigint not null references software_titles (id),
    primary key (asset_id, title_id)
) without rowid;
create index asset_software_title on asset_software (title_id);
