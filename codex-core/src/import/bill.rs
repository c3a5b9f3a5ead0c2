//! A company's bill as Ledger computes it (consumers 4), from what the REST API of either side says.
//!
//! The two sides differ in what they say alone: people and devices by their prices, every device as a workstation,
//! backups by both models, and the hours of each month by the price of an hour, each rounded to the cent. Overrides that
//! Ledger keeps itself are the same on both sides, as ids are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bytes of a terabyte and of a gigabyte, as they are billed.
const TB: f64 = 1_099_511_627_776.0;
const GB: f64 = 1_073_741_824.0;

/// Prices of a plan, by key.
pub(super) type Prices = BTreeMap<String, f64>;

/// What is billed for a company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Name of its plan; empty without one.
    pub plan: String,
    /// Term of its contract.
    pub term: String,
    /// People.
    pub users: u64,
    /// Devices.
    pub devices: u64,
    /// Devices with a backup.
    pub backed_up: u64,
    /// Bytes of their backups.
    pub backup_bytes: i64,
    /// Hours of work on tickets by month, such as `2026-01`.
    pub hours: BTreeMap<String, f64>,
}

impl Bill {
    /// Adds the hours of a ticket that last changed at a time.
    pub(super) fn work(&mut self, changed_at: &str, hours: f64) {
        if hours > 0.0 {
            let month: String = changed_at.chars().take(7).collect();
            *self.hours.entry(month).or_default() += hours;
        }
    }

    /// Adds a device.
    pub(super) fn device(&mut self, backup_bytes: i64) {
        self.devices += 1;
        self.backed_up += u64::from(backup_bytes > 0);
        self.backup_bytes = self.backup_bytes.saturating_add(backup_bytes);
    }

    /// The sum in cents; nothing is billed without a plan.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "counts and amounts are far below 2^52"
    )]
    pub(super) fn cents(&self, prices: Option<&Prices>) -> i64 {
        let Some(prices) = prices else { return 0 };
        let price = |key: &str| prices.get(key).copied().unwrap_or_default();
        let cents = |amount: f64| (amount * 100.0).round() as i64;
        let volume = self.backup_bytes as f64;
        let beyond = (volume / TB - price("backup_included_tb")).max(0.0);
        let month = cents(self.users as f64 * price("per_user_cost"))
            + cents(self.devices as f64 * price("per_workstation_cost"))
            + cents(self.backed_up as f64 * price("backup_base_fee_workstation"))
            + cents(beyond * price("backup_per_tb_fee"))
            + cents(volume / GB * price("backup_cost_per_gb_workstation"));
        let hour = price("per_hour_ticket_cost");
        let work: i64 = self.hours.values().map(|hours| cents(hours * hour)).sum();
        month + work
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_devices_backups_and_hours_are_billed() {
        let mut bill = Bill {
            users: 3,
            ..Bill::default()
        };
        bill.device(0);
        bill.device(2_199_023_255_552);
        bill.work("2026-01-31T10:00:00+00:00", 1.5);
        bill.work("2026-01-02T10:00:00+00:00", 0.25);
        assert!((bill.hours["2026-01"] - 1.75).abs() < 1e-9);
        let prices = [
            ("per_user_cost", 10.0),
            ("per_workstation_cost", 20.5),
            ("backup_base_fee_workstation", 5.0),
            ("backup_included_tb", 1.0),
            ("backup_per_tb_fee", 7.25),
            ("per_hour_ticket_cost", 100.0),
        ];
        let prices: Prices = prices
            .into_iter()
            .map(|(key, price)| (key.to_owned(), price))
            .collect();
        assert_eq!(
            bill.cents(Some(&prices)),
            3_000 + 4_100 + 500 + 725 + 17_500
        );
        assert_eq!(bill.cents(None), 0);
    }
}
