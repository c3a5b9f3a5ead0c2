//! What concerns several simulators: faults, speed, the vendors' own descriptions.

mod faults;
mod keycloak_spec;
mod vendor_spec;

use std::time::{Duration, Instant};

use super::{datto::tests::SimClient, *};

#[tokio::test]
async fn all_simulators_start_and_answer() -> anyhow::Result<()> {
    let all = start_all(Size::Tiny).await?;
    let health = http().get(format!("{}/health", all.core.url()));
    assert_eq!(health.send().await?.status(), 200);
    let departments = http()
        .get(format!("{}/api/v2/departments", all.freshservice.url()))
        .basic_auth(freshservice::API_KEY, Some("X"));
    assert_eq!(departments.send().await?.status(), 200);
    let status = http().get(format!("{}/api/v2/system/status", all.datto.url()));
    assert_eq!(status.send().await?.status(), 200);
    assert!(all.freshservice.url().starts_with("http://127.0.0.1:"));
    Ok(())
}

/// How long the first time takes is for an optimised build to say; pages that are kept cost no more than copying.
#[tokio::test]
async fn forty_thousand_devices_are_served_quickly() -> anyhow::Result<()> {
    let options = datto::Options {
        limits: false,
        ..Default::default()
    };
    let sim = SimClient::with(World::generate(Size::M, 1), options).await?;
    for most in [Duration::from_secs(120), Duration::from_secs(5)] {
        let (started, mut bytes) = (Instant::now(), 0);
        for page in 0..160 {
            let reply = sim.get(&format!("account/devices?page={page}")).await?;
            bytes += reply.bytes().await?.len();
        }
        let took = started.elapsed();
        println!("40,000 devices, {bytes} bytes, in {took:?}");
        assert!(
            bytes > 40_000_000 && took < most,
            "{bytes} bytes in {took:?}"
        );
    }
    Ok(())
}
