//! Makes the simulated MSP look like a real one. Tests need odd values: names that are alike, times in the future, words for
//! numbers. A person who looks at the demo expects likely ones.

mod names;
mod psa;
mod rmm;
mod tickets;

use codex_tests::sim::World;

use names::Company;

/// Replaces odd values of a new world.
pub fn make_plausible(world: &mut World) {
    let companies: Vec<Company> = (0..world.departments.len()).map(Company::nth).collect();
    psa::departments(world, &companies);
    psa::requesters(world, &companies);
    psa::staff(world);
    let companies_of_sites = rmm::sites(world, &companies);
    rmm::devices(world, &companies, &companies_of_sites);
    tickets::rewrite(world);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use codex_tests::sim::{Size, world::tickets::sent};
    use serde_json::Value;

    use super::*;

    fn world() -> World {
        let mut world = World::generate(Size::S, 7);
        make_plausible(&mut world);
        world
    }

    fn distinct<'v>(values: impl Iterator<Item = &'v Value>) -> (usize, usize) {
        let texts: Vec<String> = values.map(ToString::to_string).collect();
        (texts.iter().collect::<HashSet<_>>().len(), texts.len())
    }

    #[test]
    fn companies_have_names_and_numbers_of_their_own() {
        let world = world();
        let (names, all) = distinct(world.departments.iter().map(|one| &one["name"]));
        assert_eq!(names, all);
        let numbers = world.departments.iter();
        let numbers = numbers.map(|one| &one["custom_fields"]["account_number"]);
        for number in numbers.clone().filter_map(Value::as_str) {
            assert!(
                number.parse::<u32>().is_ok_and(|n| n >= 100_000),
                "{number}"
            );
        }
        let (some, all) = distinct(numbers.filter(|number| !number.is_null()));
        assert_eq!(some, all);
        assert!(all < world.departments.len(), "one is still to be assigned");
    }

    #[test]
    fn people_have_addresses_of_their_own() {
        let world = world();
        let addresses = world.requesters.iter().map(|one| &one["primary_email"]);
        let (some, all) = distinct(addresses.filter(|one| !one.is_null()));
        assert_eq!(some, all);
    }

    #[test]
    fn no_time_lies_in_the_future() {
        let world = world();
        let now = world.now.timestamp_millis();
        for device in &world.devices {
            for name in ["lastSeen", "lastReboot", "lastAuditDate", "creationDate"] {
                assert!(device.body[name].as_i64().unwrap_or(0) <= now, "{name}");
            }
        }
        let now = sent(world.now);
        for ticket in &world.tickets {
            assert!(ticket.time("updated_at") <= world.now);
            for said in ticket.conversations() {
                assert!(said["created_at"].as_str() <= Some(now.as_str()));
            }
        }
    }

    #[test]
    fn host_names_differ_and_nothing_is_a_placeholder() {
        let world = world();
        let names = world.devices.iter().map(|device| &device.body["hostname"]);
        let (some, all) = distinct(names.filter(|name| !name.is_null()));
        assert_eq!(some, all);
        for text in [
            format!("{:?}", world.departments),
            format!("{:?}", world.requesters),
            format!("{:?}", world.sites),
        ] {
            for odd in ["TBD", "@client", "999999999999", "person1"] {
                assert!(!text.contains(odd), "{odd}");
            }
        }
    }
}
