//! The bills of both sides: what each is made of is gathered while records are compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{
    bill::{Bill, Prices},
    facts::Facts,
    shapes,
    source::OldRow,
    tables::Table,
    verify::{BillDifference, Comparison, SAMPLES},
};
use crate::{
    billing_plans::{MONTH_TO_MONTH, PRICES},
    store::snapshot::Key,
};

/// Tables whose rows are billed for a company.
const BILLED: [Table; 4] = [
    Table::Companies,
    Table::ContactCompanies,
    Table::Assets,
    Table::Tickets,
];

/// Bills of both sides, by account number.
#[derive(Debug, Default)]
pub(super) struct Bills {
    old: BTreeMap<String, Bill>,
    pub new: BTreeMap<String, Bill>,
    old_plans: HashMap<(String, String), Prices>,
    pub new_plans: HashMap<(String, String), Prices>,
}

/// The account number that a row names.
pub(super) fn company_number(row: &OldRow) -> String {
    let number = match row.key.as_slice() {
        [Key::Text(number)] => number.as_str(),
        _ => row.get("company_account_number").unwrap_or_default(),
    };
    number.trim().to_owned()
}

/// The term by which Ledger looks a plan up (consumers 4).
pub(super) fn term_of(stored: Option<&str>) -> String {
    let term = stored.map(str::trim).filter(|term| !term.is_empty());
    term.unwrap_or(MONTH_TO_MONTH).to_owned()
}

impl Bills {
    /// Adds what a row of the Flask service is billed by.
    pub fn old_row(&mut self, table: Table, row: &OldRow, facts: &Facts, record: &Value) {
        if table == Table::Plans {
            self.old_plan(row, facts);
        }
        if !BILLED.contains(&table) {
            return;
        }
        let number = company_number(row);
        if facts.company(&number).is_none() {
            return;
        }
        let bill = self.old.entry(number).or_default();
        match table {
            Table::Companies => {
                let plan = row.get("plan_selected").unwrap_or_default();
                plan.trim().clone_into(&mut bill.plan);
                bill.term = term_of(row.get("contract_term_length"));
            }
            Table::ContactCompanies => bill.users += 1,
            Table::Assets => {
                let bytes = shapes::backup_bytes(row.get("backup_usage_tb"));
                bill.device(bytes.unwrap_or_default());
            }
            _ => {
                let shape = shapes::ticket(row, facts);
                // A ticket whose time cannot be read has the time that it has here.
                let stated = shape.get("last_updated_at").and_then(Value::as_str);
                let known = record.get("last_updated_at").and_then(Value::as_str);
                let changed = stated.or(known).unwrap_or_default();
                bill.work(changed, shapes::hours(row).unwrap_or_default());
            }
        }
    }

    fn old_plan(&mut self, row: &OldRow, facts: &Facts) {
        let id = row.name().parse().unwrap_or_default();
        let shape = shapes::plan(row, id, facts);
        let name = row.get("plan_name").unwrap_or_default().trim();
        let length = row.get("term_length").unwrap_or_default().trim();
        let mut prices: Prices = PRICES
            .iter()
            .filter_map(|price| Some(((*price).to_owned(), shape.get(*price)?.as_f64()?)))
            .collect();
        prices.entry("backup_included_tb".to_owned()).or_insert(1.0);
        let key = (name.to_owned(), length.to_owned());
        self.old_plans.insert(key, prices);
    }

    /// Compares the bills of all companies.
    pub fn compare(&self, comparison: &mut Comparison) {
        let numbers: BTreeSet<&String> = self.old.keys().chain(self.new.keys()).collect();
        let (no_old, no_new) = (Bill::default(), Bill::default());
        for number in numbers {
            let old = self.old.get(number).unwrap_or(&no_old);
            let new = self.new.get(number).unwrap_or(&no_new);
            let plan = |bill: &Bill| (bill.plan.clone(), bill.term.clone());
            let old_cents = old.cents(self.old_plans.get(&plan(old)));
            let new_cents = new.cents(self.new_plans.get(&plan(new)));
            comparison.bills += 1;
            if old_cents == new_cents {
                continue;
            }
            comparison.differing_bills += 1;
            if comparison.bill_differences.len() < SAMPLES {
                comparison.bill_differences.push(BillDifference {
                    account_number: number.clone(),
                    old_cents,
                    new_cents,
                    old: old.clone(),
                    new: new.clone(),
                });
            }
        }
    }
}
