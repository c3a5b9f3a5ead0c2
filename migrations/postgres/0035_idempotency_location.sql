-- Where what a call with a key has made can be read: the header `Location` of its answer, which a replay repeats.
alter table idempotency_keys add column location text;
