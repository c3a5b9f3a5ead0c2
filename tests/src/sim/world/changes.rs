//! What people do at the vendors, as far as more than one member changes.

use serde_json::{Value, json};

use super::{DELETED_DEVICES, Device, Site, World};

impl World {
    /// A department to change in place.
    pub fn department_mut(&mut self, id: i64) -> Option<&mut Value> {
        let at = Self::position(&self.departments, id)?;
        self.departments.get_mut(at)
    }

    /// A requester to change in place.
    pub fn requester_mut(&mut self, id: i64) -> Option<&mut Value> {
        let at = Self::position(&self.requesters, id)?;
        self.requesters.get_mut(at)
    }

    /// Erases a requester for good (`forget`).
    pub fn forget_requester(&mut self, id: i64) -> Option<Value> {
        let at = Self::position(&self.requesters, id)?;
        Some(self.requesters.remove(at))
    }

    /// Makes a requester an agent: the same id leaves one list and comes up in the other.
    pub fn convert_to_agent(&mut self, id: i64) -> Option<()> {
        let mut agent = self.forget_requester(id)?;
        agent["email"] = agent["primary_email"].clone();
        if let Some(members) = agent.as_object_mut() {
            for gone in ["is_agent", "primary_email", "secondary_emails"] {
                members.remove(gone);
            }
            for (name, value) in [
                ("occasional", json!(false)),
                ("member_of", json!([])),
                ("observer_of", json!([])),
            ] {
                members.insert(name.to_owned(), value);
            }
        }
        self.agents.push(agent);
        Some(())
    }

    /// Folds the second requester into the first, whose id stays.
    pub fn merge_requesters(&mut self, kept: i64, folded: i64) -> Option<()> {
        Self::position(&self.requesters, kept)?;
        let gone = self.forget_requester(folded)?;
        let kept = self.requester_mut(kept)?;
        let emails = kept["secondary_emails"].as_array_mut()?;
        if gone["primary_email"].is_string() {
            emails.push(gone["primary_email"].clone());
        }
        Some(())
    }

    /// A site to change in place.
    pub fn site_mut(&mut self, uid: &str) -> Option<&mut Site> {
        self.sites.iter_mut().find(|site| site.uid == uid)
    }

    /// Removes a site with its devices.
    pub fn delete_site(&mut self, uid: &str) -> Option<Site> {
        let at = self.sites.iter().position(|site| site.uid == uid)?;
        self.devices.retain(|device| device.site != uid);
        Some(self.sites.remove(at))
    }

    /// A device to change in place.
    pub fn device_mut(&mut self, uid: &str) -> Option<&mut Device> {
        let has = |device: &&mut Device| device.body.get("uid").is_some_and(|has| has == uid);
        self.devices.iter_mut().find(has)
    }

    /// Moves a device to another site; its uid stays.
    pub fn move_device(&mut self, uid: &str, site: &str) -> Option<()> {
        site.clone_into(&mut self.device_mut(uid)?.site);
        Some(())
    }

    /// Deletes a device: for 30 days it lies in the site of deleted devices (vendors 2.7).
    pub fn delete_device(&mut self, uid: &str) -> Option<()> {
        let device = self.device_mut(uid)?;
        DELETED_DEVICES.clone_into(&mut device.site);
        device.body.insert("deleted".into(), true.into());
        device.body.insert("online".into(), false.into());
        Some(())
    }

    /// The agent of a deleted device calls in: the device returns as a new one (vendors 2.7).
    pub fn return_device(&mut self, uid: &str, new_uid: &str, site: &str) -> Option<()> {
        let mut device = self.device_mut(uid)?.clone();
        let id = self.devices.iter().filter_map(|d| d.body["id"].as_i64());
        let id = id.max().unwrap_or(0) + 1;
        site.clone_into(&mut device.site);
        device.body.insert("id".into(), id.into());
        device.body.insert("uid".into(), new_uid.into());
        device.body.insert("deleted".into(), false.into());
        device.body.insert("online".into(), true.into());
        let now = self.now.timestamp_millis();
        device.body.insert("creationDate".into(), now.into());
        device.body.insert("lastSeen".into(), now.into());
        self.devices.push(device);
        Some(())
    }
}
