-- Few links are taken away by hand, and each look at the links in force asks for them.
create index contact_companies_removed on contact_companies (contact_id, company_id) where removed;
