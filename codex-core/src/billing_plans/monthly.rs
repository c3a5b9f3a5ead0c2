//! What a company pays a month for people and devices: billable counts by the prices in force.

use super::effective::EffectivePlanOut;
use crate::{assets::billable::BillableOut, money::Money};

/// A line of a month's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthlyLine {
    /// What is counted, by its key in [`BillableOut`].
    pub item: &'static str,
    /// How many.
    pub count: usize,
    /// The price of one; `None` where neither the plan nor an override names it.
    pub price: Option<Money>,
    /// The price of all.
    pub amount: Option<Money>,
}

/// People and devices with their prices. Network devices have no line: whether one is a switch or a firewall, which have
/// prices of their own, is not known. Backups have none either, because plans know two ways to count them.
pub fn monthly(plan: &EffectivePlanOut, billable: &BillableOut) -> Vec<MonthlyLine> {
    let counted = [
        ("users", &billable.users, "per_user_cost"),
        (
            "workstations",
            &billable.workstations,
            "per_workstation_cost",
        ),
        ("servers", &billable.servers, "per_server_cost"),
        ("vms", &billable.vms, "per_vm_cost"),
    ];
    let lines = counted.into_iter().map(|(item, counted, price)| {
        let price = plan.prices.get(price).map(|price| price.value);
        let times = i64::try_from(counted.count).unwrap_or(i64::MAX);
        let of_all = |one: Money| one.ten_thousandths().saturating_mul(times);
        MonthlyLine {
            item,
            count: counted.count,
            price,
            amount: price.map(|one| Money::from_ten_thousandths(of_all(one))),
        }
    });
    lines.collect()
}

/// The sum of the lines that have an amount; `None` when none has.
pub fn total(lines: &[MonthlyLine]) -> Option<Money> {
    let amounts = lines.iter().filter_map(|line| line.amount);
    let sum = amounts
        .map(Money::ten_thousandths)
        .reduce(i64::saturating_add);
    sum.map(Money::from_ten_thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assets::billable::{BillableCount, BillableRecord},
        billing_plans::effective::{EffectivePrice, ValueSource},
        companies::CompanyFields,
    };

    #[test]
    fn counts_are_multiplied_by_the_prices_in_force() {
        let record = BillableRecord {
            id: 1,
            name: String::new(),
        };
        let billable = BillableOut {
            users: BillableCount {
                count: 3,
                records: vec![record; 3],
            },
            ..BillableOut::default()
        };
        let mut plan = EffectivePlanOut::new(&CompanyFields::default(), None, &[]);
        assert_eq!(total(&monthly(&plan, &billable)), None);
        let price = EffectivePrice {
            plan_value: None,
            source: ValueSource::Override,
            value: Money::from_ten_thousandths(125_000),
        };
        plan.prices.insert("per_user_cost".to_owned(), price);
        let lines = monthly(&plan, &billable);
        assert_eq!(lines[0].amount, Some(Money::from_ten_thousandths(375_000)));
        assert_eq!(lines[1].price, None);
        assert_eq!(total(&lines), lines[0].amount);
    }
}
