//! How much speaks for two records being one.
//!
//! | fact of two devices | points |
//! |---|---|
//! | the same device uid of the RMM | 100 |
//! | the same serial number, which is no placeholder | 50 |
//! | the same company | 30 |
//! | the same MAC address, which is one machine's own | 30 |
//! | the same host name, which says something | 20 |
//! | the same MAC address, which several machines may have (virtual, local, of a dock) | 10 |
//! | another serial number | -40 |
//!
//! Between devices of different companies a MAC address and a host name count nothing: addresses come with docks and
//! adapters, and host names repeat everywhere.
//!
//! Two devices are the same for certain ([`Verdict::Same`]) when their points reach `merge_score` (80), and either
//! their uid is the same, or their company is and at least one fact of the hardware. So a serial number needs the
//! company, and a MAC address the company and the host name. Below that, from `candidate_score` (50) on, a person
//! decides: a duplicate candidate. Everything else is two devices, and so are those of which no uid, serial number or
//! MAC address is the same. An imported device that no source has stated yet has none of these: its company and its host
//! name are enough for a candidate.
//!
//! | fact of two contacts | points |
//! |---|---|
//! | the same e-mail address | 50 |
//! | a company in common | 30 |
//! | the same name | 20 |
//!
//! Contacts of different companies are two, unless the older is manual and the newer came from a source: then
//! the address alone makes them a duplicate candidate, for the company of either may be wrong. People share addresses,
//! so contacts are never the same for certain.

use std::collections::BTreeSet;

use super::{Fact, Matching};
use crate::{assets::identifiers, fold::IdentityKey};

/// Host names that many devices have.
const COMMON_NAMES: [&str; 14] = [
    "android",
    "computer",
    "desktop",
    "ipad",
    "iphone",
    "laptop",
    "localhost",
    "localhost.localdomain",
    "macbook",
    "pc",
    "raspberrypi",
    "server",
    "ubuntu",
    "unknown",
];

/// What follows from evidence, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Verdict {
    /// They are two.
    #[default]
    Different,
    /// A person decides.
    Possible,
    /// They are one.
    Same,
}

/// What speaks for two records being one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Evidence {
    /// The facts.
    pub facts: Vec<Fact>,
    /// What may follow at most, however many points there are.
    at_most: Verdict,
}

impl Evidence {
    /// The points together.
    pub(crate) fn score(&self) -> i64 {
        self.facts.iter().map(|fact| fact.points).sum()
    }

    /// What follows.
    pub(crate) fn verdict(&self, matching: Matching) -> Verdict {
        let score = self.score();
        let by_score = if score >= i64::from(matching.merge_score) {
            Verdict::Same
        } else if score >= i64::from(matching.candidate_score) {
            Verdict::Possible
        } else {
            Verdict::Different
        };
        by_score.min(self.at_most)
    }

    /// The same of a device that was imported: nothing of its hardware is known, so its company and its host name are
    /// enough to ask a person.
    pub(crate) fn of_imported(mut self) -> Self {
        self.at_most = self.at_most.max(Verdict::Possible);
        self
    }

    fn add(&mut self, fact: &str, points: i64, value: Option<String>) {
        self.facts.push(Fact {
            fact: fact.to_owned(),
            points,
            value,
        });
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.facts.iter().filter(|fact| fact.points > 0);
        let shared: Vec<&str> = shared.map(|fact| fact.fact.as_str()).collect();
        f.write_str(&shared.join(", "))
    }
}

/// What is compared of a device.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(crate) struct DeviceFacts {
    pub device_uid: Option<String>,
    pub serial_number: Option<String>,
    pub mac_address: Option<String>,
    pub hostname: Option<String>,
    pub company_id: Option<i64>,
}

/// What two devices have in common; see the rules above.
pub(crate) fn of_devices(one: &DeviceFacts, other: &DeviceFacts) -> Evidence {
    let mut evidence = Evidence::default();
    if let Some(uid) = both(one, other, |device| {
        device.device_uid.as_deref().and_then(IdentityKey::of)
    }) {
        evidence.at_most = Verdict::Same;
        evidence.add("device_uid", 100, Some(uid.to_string()));
    }
    let serial = |device: &DeviceFacts| {
        let text = device.serial_number.as_deref();
        text.and_then(identifiers::serial_key)
    };
    let mut hardware = 0;
    match (serial(one), serial(other)) {
        (Some(one), Some(other)) if one == other => {
            hardware += 1;
            evidence.at_most = evidence.at_most.max(Verdict::Possible);
            evidence.add("serial_number", 50, Some(one.to_string()));
        }
        (Some(_), Some(_)) => evidence.add("other_serial_number", -40, None),
        _ => {}
    }
    let companies = (one.company_id, other.company_id);
    let elsewhere = matches!(companies, (Some(one), Some(other)) if one != other);
    let together = companies.0.is_some() && companies.0 == companies.1;
    if together {
        evidence.add("company", 30, None);
    }
    if elsewhere {
        return evidence;
    }
    let address = |device: &DeviceFacts| {
        let text = device.mac_address.as_deref();
        text.and_then(identifiers::mac_address)
    };
    if let Some(address) = both(one, other, address) {
        evidence.at_most = evidence.at_most.max(Verdict::Possible);
        let value = address.map(|byte| format!("{byte:02X}")).join(":");
        if identifiers::is_shared(address) {
            evidence.add("shared_mac_address", 10, Some(value));
        } else {
            hardware += 1;
            evidence.add("mac_address", 30, Some(value));
        }
    }
    let name = |device: &DeviceFacts| {
        let key = device.hostname.as_deref().and_then(IdentityKey::of)?;
        (!COMMON_NAMES.contains(&key.as_str())).then_some(key)
    };
    if let Some(name) = both(one, other, name) {
        evidence.add("hostname", 20, Some(name.to_string()));
    }
    if together && hardware > 0 {
        evidence.at_most = Verdict::Same;
    }
    evidence
}

/// What is compared of a contact.
#[derive(Debug, Clone, Default)]
pub(crate) struct ContactFacts {
    pub email: Option<String>,
    pub name: String,
    pub companies: BTreeSet<i64>,
    /// Whether people alone keep it.
    pub is_manual: bool,
}

/// What two contacts have in common, the older first; see the rules above.
pub(crate) fn of_contacts(one: &ContactFacts, other: &ContactFacts) -> Evidence {
    let mut evidence = Evidence::default();
    let elsewhere = !one.companies.is_empty()
        && !other.companies.is_empty()
        && one.companies.is_disjoint(&other.companies);
    let arrived = one.is_manual && !other.is_manual;
    if elsewhere && !arrived {
        return evidence;
    }
    let email = |contact: &ContactFacts| contact.email.as_deref().and_then(IdentityKey::of);
    if let Some(email) = both(one, other, email) {
        evidence.at_most = Verdict::Possible;
        evidence.add("email", 50, Some(email.to_string()));
    }
    if !one.companies.is_disjoint(&other.companies) {
        evidence.add("company", 30, None);
    }
    if let Some(name) = both(one, other, |contact| IdentityKey::of(&contact.name)) {
        evidence.add("name", 20, Some(name.to_string()));
    }
    evidence
}

/// What both have, when it is the same.
fn both<T, V: PartialEq>(one: &T, other: &T, of: impl Fn(&T) -> Option<V>) -> Option<V> {
    let value = of(one)?;
    (of(other).as_ref() == Some(&value)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "3C:52:82:00:00:01";
    const DOCK: &str = "00:50:B6:00:00:01";

    fn device(serial: &str, mac: &str, host: &str, company: i64) -> DeviceFacts {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        DeviceFacts {
            device_uid: None,
            serial_number: text(serial),
            mac_address: text(mac),
            hostname: text(host),
            company_id: (company != 0).then_some(company),
        }
    }

    fn verdict(one: &DeviceFacts, other: &DeviceFacts) -> Verdict {
        let verdict = of_devices(one, other).verdict(Matching::default());
        assert_eq!(verdict, of_devices(other, one).verdict(Matching::default()));
        verdict
    }

    #[test]
    fn two_agreeing_facts_in_one_company_are_one_device() {
        let one = device("SN1", OWN, "PC-1", 1);
        for (other, expected) in [
            (device("sn1 ", "", "", 1), Verdict::Same),
            (device("", "3c-52-82-00-00-01", "pc-1", 1), Verdict::Same),
            (device("SN1", "", "", 0), Verdict::Possible),
            (device("SN1", OWN, "PC-1", 0), Verdict::Possible),
            (device("SN1", OWN, "PC-1", 2), Verdict::Possible),
            (device("", OWN, "PC-2", 1), Verdict::Possible),
            (device("", OWN, "", 0), Verdict::Different),
            (device("", OWN, "PC-1", 2), Verdict::Different),
            (device("", "", "PC-1", 1), Verdict::Different),
            (device("SN2", OWN, "PC-1", 1), Verdict::Different),
        ] {
            assert_eq!(verdict(&one, &other), expected, "{other:?}");
        }
    }

    #[test]
    fn placeholders_and_shared_macs_are_no_evidence() {
        let one = device("To be filled by O.E.M.", DOCK, "PC-1", 1);
        assert_eq!(
            verdict(&one, &device("to be filled by o.e.m.", "", "", 1)),
            Verdict::Different
        );
        assert_eq!(
            verdict(&one, &device("", DOCK, "PC-1", 1)),
            Verdict::Possible
        );
        assert_eq!(
            verdict(&one, &device("", DOCK, "PC-2", 1)),
            Verdict::Different
        );
        let nameless = device("", OWN, "localhost", 1);
        assert_eq!(verdict(&nameless, &nameless.clone()), Verdict::Possible);
    }

    #[test]
    fn matching_device_uid_is_enough() {
        let with = |uid: &str| DeviceFacts {
            device_uid: Some(uid.to_owned()),
            ..device("", "", "", 0)
        };
        assert_eq!(verdict(&with("a-1"), &with("A-1")), Verdict::Same);
        assert_eq!(verdict(&with("a-1"), &with("a-2")), Verdict::Different);
    }

    #[test]
    fn thresholds_are_configurable() {
        let (one, other) = (device("SN1", "", "", 1), device("SN1", "", "", 1));
        let evidence = of_devices(&one, &other);
        let never = Matching {
            merge_score: 200,
            candidate_score: 50,
        };
        assert_eq!(evidence.verdict(never), Verdict::Possible);
        let neither = Matching {
            candidate_score: 200,
            ..never
        };
        assert_eq!(evidence.verdict(neither), Verdict::Different);
    }

    /// A contact that a person created may still be the one that a vendor lists elsewhere.
    #[test]
    fn contacts_of_different_companies_are_different() {
        let contact = |email: &str, companies: &[i64]| ContactFacts {
            email: Some(email.to_owned()),
            name: String::new(),
            companies: companies.iter().copied().collect(),
            is_manual: false,
        };
        let of = |one, other| of_contacts(&one, &other).verdict(Matching::default());
        assert_eq!(
            of(contact("a@b", &[1]), contact("A@B", &[1, 2])),
            Verdict::Possible
        );
        assert_eq!(
            of(contact("a@b", &[1]), contact("a@b", &[])),
            Verdict::Possible
        );
        assert_eq!(
            of(contact("a@b", &[1]), contact("a@b", &[2])),
            Verdict::Different
        );
        assert_eq!(
            of(contact("ä@b", &[1]), contact("a@b", &[1])),
            Verdict::Different
        );
        let manual = |companies: &[i64]| ContactFacts {
            is_manual: true,
            ..contact("a@b", companies)
        };
        for (one, other, expected) in [
            (manual(&[1]), contact("A@B", &[2]), Verdict::Possible),
            (contact("a@b", &[1]), manual(&[2]), Verdict::Different),
            (manual(&[1]), manual(&[2]), Verdict::Different),
            (manual(&[1]), contact("c@b", &[2]), Verdict::Different),
        ] {
            assert_eq!(
                of(one.clone(), other.clone()),
                expected,
                "{one:?} {other:?}"
            );
        }
    }
}
