-- When people at a company are at work: set by people, no source states it.
alter table companies add column timezone text;
