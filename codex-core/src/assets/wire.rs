//! Assets as JSON (contract 1.2.B).

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Asset;

/// Bytes in the unit that backup volumes are shown in.
const TB: f64 = 1_099_511_627_776.0;

/// A device. Its keys are fixed (contract 1.2.B); there is no `billing_type`, which Ledger would take for
/// an asset entered by hand (consumers.md 0 #3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetOut {
    /// Antivirus product.
    pub antivirus_product: Option<String>,
    /// Backup volume in bytes, as `backup_usage_tb` says it; 0 when unknown.
    pub backup_data_bytes: i64,
    /// Backup volume in TB, text with two decimals.
    #[schema(example = "0.50")]
    pub backup_usage_tb: Option<String>,
    /// Compliance level of the company.
    #[schema(example = "standard")]
    pub company_compliance_level: String,
    /// Device type as the MSP keeps it.
    pub device_type: Option<String>,
    /// Windows domain or workgroup.
    pub domain: Option<String>,
    /// Address as seen from outside.
    pub ext_ip_address: Option<String>,
    /// The RMM's category.
    pub hardware_type: Option<String>,
    /// Host name; empty when the device has none.
    pub hostname: String,
    /// Id, stable for ever.
    pub id: i64,
    /// Address inside the network.
    pub int_ip_address: Option<String>,
    /// Last user.
    pub last_logged_in_user: Option<String>,
    /// When the agent last reported, RFC 3339 in UTC.
    pub last_seen: Option<String>,
    /// Whether the agent is connected; null when unknown.
    pub online: Option<bool>,
    /// Operating system.
    pub operating_system: Option<String>,
}

impl AssetOut {
    /// The wire form, with the compliance level of the company.
    pub fn new(asset: &Asset, compliance_level: &str) -> Self {
        let (fields, status) = (&asset.fields, &asset.status);
        let usage = fields.backup_bytes.map(in_tb);
        Self {
            antivirus_product: fields.antivirus_product.clone(),
            backup_data_bytes: usage.as_deref().map_or(0, in_bytes),
            backup_usage_tb: usage,
            company_compliance_level: compliance_level.to_owned(),
            device_type: fields.device_type.clone(),
            domain: fields.domain.clone(),
            ext_ip_address: status.ext_ip_address.clone(),
            hardware_type: fields.hardware_type.clone(),
            hostname: fields.hostname.clone().unwrap_or_default(),
            id: asset.id.0,
            int_ip_address: fields.int_ip_address.clone(),
            last_logged_in_user: status.last_logged_in_user.clone(),
            last_seen: status
                .last_seen
                .map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, false)),
            online: status.online,
            operating_system: fields.operating_system.clone(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "two decimals of a TB are far above the loss"
)]
fn in_tb(bytes: i64) -> String {
    format!("{:.2}", bytes as f64 / TB)
}

/// What Ledger bills by: the text's TB in bytes, cut to a whole number (contract 1.2.B).
#[expect(
    clippy::cast_possible_truncation,
    reason = "a volume in bytes fits; the cut is the contract's"
)]
fn in_bytes(usage: &str) -> i64 {
    usage.parse::<f64>().map_or(0, |tb| (tb * TB) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_bytes_follow_the_two_decimals_of_the_text() {
        assert_eq!(in_tb(549_755_813_888), "0.50");
        assert_eq!(in_bytes("0.50"), 549_755_813_888);
    }
}
