use std::collections::HashSet;

use super::*;

fn bytes(world: &World) -> String {
    format!("{world:?}")
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let world = |seed| bytes(&World::generate(Size::S, seed));
    assert_eq!(world(1), world(1));
    assert_ne!(world(1), world(2));
}

#[test]
fn sizes_have_their_counts() {
    for size in [Size::Tiny, Size::S, Size::M] {
        let (companies, contacts, assets) = size.counts();
        let world = World::generate(size, 1);
        assert_eq!(world.departments.len(), companies);
        assert_eq!(world.requesters.len(), contacts);
        assert_eq!(world.devices.len(), assets);
        assert!(world.sites.len() > companies);
    }
}

#[test]
fn identities_are_unique_where_the_vendor_says_so() {
    let world = World::generate(Size::M, 1);
    let ids = |list: &[Value]| {
        list.iter()
            .map(|r| r["id"].as_i64())
            .collect::<HashSet<_>>()
            .len()
    };
    assert_eq!(ids(&world.departments), world.departments.len());
    assert_eq!(ids(&world.requesters), world.requesters.len());
    assert_eq!(ids(&world.agents), world.agents.len());
    let of = |name: &str| {
        let values = world.devices.iter().map(|d| d.body[name].to_string());
        values.collect::<HashSet<_>>().len()
    };
    assert_eq!(
        (of("uid"), of("id")),
        (world.devices.len(), world.devices.len())
    );
    let sites: HashSet<String> = world
        .sites
        .iter()
        .map(|s| s.body["id"].to_string())
        .collect();
    assert_eq!(sites.len(), world.sites.len());
    for site in &world.sites {
        let ids: HashSet<String> = site.variables.iter().map(|v| v["id"].to_string()).collect();
        assert_eq!(ids.len(), site.variables.len(), "{}", site.uid);
    }
}

#[test]
fn world_has_every_promised_flaw() {
    let world = World::generate(Size::S, 1);
    let number = |d: &Value| d["custom_fields"]["account_number"].clone();
    let department = |is: &dyn Fn(&Value) -> bool| world.departments.iter().any(is);
    assert!(department(&|d| number(d).is_null()));
    assert!(department(&|d| number(d) == "TBD"));
    assert!(department(&|d| number(d)
        .as_str()
        .is_some_and(|n| n.trim() != n)));
    let requester = |is: &dyn Fn(&Value) -> bool| world.requesters.iter().any(is);
    assert!(requester(
        &|r| r["last_name"].is_null() && r["primary_email"].is_null()
    ));
    assert!(requester(
        &|r| r["primary_email"].is_null() && r["work_phone_number"].is_string()
    ));
    assert!(requester(&|r| r["department_ids"]
        .as_array()
        .is_some_and(Vec::is_empty)));
    assert!(requester(&|r| r["department_ids"]
        .as_array()
        .is_some_and(|ids| ids.len() > 1)));
    assert!(requester(&|r| r["custom_fields"].is_null()));
    let device = |is: &dyn Fn(&Device) -> bool| world.devices.iter().any(is);
    for class in ["device", "printer", "esxihost", "rmmnetworkdevice"] {
        assert!(device(&|d| d.body["deviceClass"] == class), "{class}");
    }
    assert!(device(&|d| d.body["udf"].is_null()));
    assert!(device(&|d| d.body["hostname"] == ""));
    assert!(device(&|d| d.body["udf"]["udf6"] == "1.2 TB"));
    let addresses: HashSet<&String> = world
        .devices
        .iter()
        .filter_map(|d| d.mac.as_ref())
        .collect();
    let known = world.devices.iter().filter(|d| d.mac.is_some()).count();
    assert!(addresses.len() < known, "some addresses are cloned");
    assert!(world.sites.iter().any(|s| s.variables.len() > 250));
}

#[test]
fn time_changes_volatile_values_of_online_devices_only() {
    let before = World::generate(Size::S, 1);
    let mut after = before.clone();
    after.tick(Duration::minutes(30));
    let volatile = ["lastSeen", "lastLoggedInUser", "extIpAddress"];
    for (old, new) in before.devices.iter().zip(&after.devices) {
        let online = old.body["online"] == true;
        assert_eq!(old.body["lastSeen"] != new.body["lastSeen"], online);
        for (name, value) in &old.body {
            assert!(
                volatile.contains(&name.as_str()) || new.body[name] == *value,
                "{name}"
            );
        }
    }
    assert_eq!(before.requesters, after.requesters);
}

#[test]
fn returned_device_has_a_new_uid_and_its_old_mac() {
    let mut world = World::tiny();
    let (uid, site) = (device_uid(1), world.sites[0].uid.clone());
    world.delete_device(&uid).unwrap();
    assert_eq!(world.device_mut(&uid).unwrap().site, DELETED_DEVICES);
    world.return_device(&uid, "new-uid", &site).unwrap();
    let mac = world.device_mut(&uid).unwrap().mac.clone();
    let back = world.device_mut("new-uid").unwrap();
    assert_eq!((&back.site, &back.mac), (&site, &mac));
    assert_eq!(world.devices.len(), 13);
}

#[test]
fn a_converted_requester_keeps_its_id_and_address() {
    let mut world = World::tiny();
    world.convert_to_agent(requester_id(1)).unwrap();
    assert!(world.requester_mut(requester_id(1)).is_none());
    let agent = world.agents.last().unwrap();
    assert_eq!(agent["id"], requester_id(1));
    assert_eq!(agent["email"], "person1@client1.example");
    assert_eq!(
        world.merge_requesters(requester_id(2), requester_id(99)),
        None
    );
    world
        .merge_requesters(requester_id(2), requester_id(3))
        .unwrap();
    assert_eq!(world.requesters.len(), 10);
}
