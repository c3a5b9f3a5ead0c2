-- Lists compare serial numbers and hardware addresses without regard to case and separators: the indexes of the
-- columns as they are stored do not help them.
create index assets_serial_lower on assets (lower(serial_number collate "C"));
create index assets_mac_digits on assets
    (replace(replace(replace(replace(lower(mac_address), ':', ''), '-', ''), '.', ''), ' ', ''));

-- Few jobs of many have not ended.
create index sync_jobs_open on sync_jobs (provider) where status in ('queued', 'running');
