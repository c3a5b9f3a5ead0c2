//! Assets as JSON (contract 1.2.B).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::AssetIn;
use super::{Asset, AssetFields, ShownAsset};
use crate::{
    RecordKind, Result,
    companies::{COMPANY_NUMBER, ComplianceLevel},
    dates::{self, EVENTS},
    records::{
        Intent, RecordBody,
        patch::{Form, fits, has_nul, ids},
    },
};

/// Bytes in the unit that backup volumes are shown in.
const TB: f64 = 1_099_511_627_776.0;

// Contract 1.2.B, consumers 0 #3.
/// A device. Its keys are fixed. `billing_type` is always absent, because Ledger takes an asset that has it for a
/// manual record.
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
    pub company_compliance_level: ComplianceLevel,
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
    /// Id; it never changes.
    pub id: i64,
    /// Address inside the network.
    pub int_ip_address: Option<String>,
    /// Last user.
    pub last_logged_in_user: Option<String>,
    /// When the agent last reported, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub last_seen: Option<DateTime<Utc>>,
    /// Whether the agent is connected; null when unknown.
    pub online: Option<bool>,
    /// Operating system.
    pub operating_system: Option<String>,
}

impl AssetOut {
    /// The wire form, with the compliance level of the company.
    pub fn new(asset: &Asset, compliance_level: ComplianceLevel) -> Self {
        let (fields, status) = (&asset.fields, &asset.status);
        let shown = ShownAsset {
            id: asset.id,
            company_id: fields.company_id,
            antivirus_product: fields.antivirus_product.clone(),
            backup_bytes: fields.backup_bytes,
            device_type: fields.device_type.clone(),
            domain: fields.domain.clone(),
            ext_ip_address: status.ext_ip_address.clone(),
            hardware_type: fields.hardware_type.clone(),
            hostname: fields.hostname.clone(),
            int_ip_address: fields.int_ip_address.clone(),
            last_logged_in_user: status.last_logged_in_user.clone(),
            last_seen: status.last_seen,
            online: status.online,
            operating_system: fields.operating_system.clone(),
        };
        Self::shown(shown, compliance_level)
    }

    /// The wire form of what is shown.
    pub(crate) fn shown(asset: ShownAsset, compliance_level: ComplianceLevel) -> Self {
        // Nothing backed up is no figure (contract 3.7).
        let usage = asset.backup_bytes.filter(|bytes| *bytes > 0).map(in_tb);
        Self {
            antivirus_product: asset.antivirus_product,
            backup_data_bytes: usage.as_deref().map_or(0, in_bytes),
            backup_usage_tb: usage,
            company_compliance_level: compliance_level,
            device_type: asset.device_type,
            domain: asset.domain,
            ext_ip_address: asset.ext_ip_address,
            hardware_type: asset.hardware_type,
            hostname: asset.hostname.unwrap_or_default(),
            id: asset.id.0,
            int_ip_address: asset.int_ip_address,
            last_logged_in_user: asset.last_logged_in_user,
            last_seen: asset.last_seen,
            online: asset.online,
            operating_system: asset.operating_system,
        }
    }
}

/// An asset of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub struct AssetRow {
    /// Antivirus product.
    pub antivirus_product: Option<String>,
    /// Account number of its company.
    pub company_account_number: Option<String>,
    /// Name of its company.
    pub company_name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Domain.
    pub domain: Option<String>,
    /// Public IP address.
    pub ext_ip_address: Option<String>,
    /// Type of hardware, as the RMM states it.
    pub hardware_type: Option<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Id; it never changes.
    pub id: i64,
    /// Private IP address.
    pub int_ip_address: Option<String>,
    /// User who logged in last.
    pub last_logged_in_user: Option<String>,
    /// When the RMM's agent last reported.
    pub last_seen: Option<DateTime<Utc>>,
    /// Whether the RMM's agent is connected.
    pub online: Option<bool>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// Patch status, as the RMM states it.
    pub patch_status: Option<String>,
    /// Address of remote control.
    pub web_remote_url: Option<String>,
}

/// A row of many assets that are written at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssetBulkIn {
    /// Which asset to update; absent for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// What it states.
    #[serde(flatten)]
    pub asset: AssetIn,
}

const FORM: Form = Form {
    kind: RecordKind::Asset,
    fields: AssetFields::FIELDS,
    beside: &[(COMPANY_NUMBER, account_number), ("contact_ids", ids)],
    refused: &[
        ("id", "is given by Codex"),
        ("billing_type", "is Ledger's (consumers 0 #3)"),
    ],
    rule: |key, value| match (key, &value) {
        ("backup_bytes", Value::Number(bytes)) if bytes.as_i64().is_some_and(|bytes| bytes < 0) => {
            Err("must not be negative".into())
        }
        ("warranty_date", Value::String(text)) => {
            dates::check(text, &EVENTS).map(|()| text.trim().into())
        }
        _ => Ok(value),
    },
};

/// The account number of a company, or null.
fn account_number(value: Value) -> std::result::Result<Value, String> {
    let is_valid = match &value {
        Value::Null => true,
        Value::String(number) => !has_nul(&value) && fits(number, true).is_ok(),
        _ => false,
    };
    if is_valid {
        Ok(value)
    } else {
        Err("must be an account number".into())
    }
}

impl RecordBody for AssetIn {
    fn read(body: Map<String, Value>, intent: Intent) -> Result<Self> {
        FORM.body(body, intent)
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
    use crate::{
        assets::{AssetFields, AssetStatus},
        ids::AssetId,
    };

    fn out(backup_bytes: Option<i64>, status: AssetStatus) -> AssetOut {
        let asset = Asset {
            id: AssetId(3),
            fields: AssetFields {
                backup_bytes,
                ..AssetFields::default()
            },
            status,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
            tags: Vec::new(),
        };
        AssetOut::new(&asset, ComplianceLevel::Cjis)
    }

    fn backup(bytes: i64) -> (Option<String>, i64) {
        let out = out(Some(bytes), AssetStatus::default());
        (out.backup_usage_tb, out.backup_data_bytes)
    }

    #[test]
    fn empty_asset_has_contract_keys_and_neutral_values() {
        assert_eq!(
            serde_json::to_string(&out(None, AssetStatus::default())).unwrap(),
            r#"{"antivirus_product":null,"backup_data_bytes":0,"backup_usage_tb":null,"#.to_owned()
                + r#""company_compliance_level":"cjis","device_type":null,"domain":null,"#
                + r#""ext_ip_address":null,"hardware_type":null,"hostname":"","id":3,"#
                + r#""int_ip_address":null,"last_logged_in_user":null,"last_seen":null,"#
                + r#""online":null,"operating_system":null}"#
        );
    }

    /// Times carry an offset.
    #[test]
    fn volatile_fields_come_from_the_status() {
        let out = out(
            None,
            AssetStatus {
                online: Some(false),
                last_seen: Some(DateTime::UNIX_EPOCH),
                ext_ip_address: Some("203.0.113.7".into()),
                ..AssetStatus::default()
            },
        );
        assert_eq!(out.online, Some(false));
        let json = serde_json::to_value(&out).unwrap();
        assert_eq!(json["last_seen"], "1970-01-01T00:00:00+00:00");
        assert_eq!(out.ext_ip_address.as_deref(), Some("203.0.113.7"));
    }

    #[test]
    fn billed_bytes_match_the_shown_figure() {
        assert_eq!(
            backup(549_755_813_888),
            (Some("0.50".into()), 549_755_813_888)
        );
        // Measured slightly more than 1.23 TB; Python's int(float("1.23") * 1024**4) bills this.
        assert_eq!(
            backup(1_352_400_000_000),
            (Some("1.23".into()), 1_352_399_302_164)
        );
    }

    #[test]
    fn missing_backup_is_null_and_zero() {
        assert_eq!(backup(0), (None, 0));
        assert_eq!(backup(-1), (None, 0));
    }
}
