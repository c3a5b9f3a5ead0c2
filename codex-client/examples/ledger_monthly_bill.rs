//! What Ledger does once a month: for every company its plan in force, what it has, and what that costs.
//!
//! `cargo run --example ledger_monthly_bill -- http://127.0.0.1:5010 <token of Core>`

use std::io::{self, Write as _};

use codex_client::{Client, TokenSource};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `println!` panics when the reader goes away, as `head` does.
    let mut out = io::stdout();
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().ok_or("the address of Codex is missing")?;
    let token = arguments.next().ok_or("a token is missing")?;
    let codex = Client::new(&base, TokenSource::fixed(token))?;

    for company in codex.companies().list().await? {
        let account = &company.account_number;
        let plan = codex.billing().plan_of(account).await?;
        let has = codex.billing().billable(account).await?;
        let counts = [
            ("per_user_cost", has.users.count),
            ("per_workstation_cost", has.workstations.count),
            ("per_server_cost", has.servers.count),
            ("per_vm_cost", has.vms.count),
        ];
        let mut bill = 0.0;
        let mut unknown = Vec::new();
        for (key, count) in counts {
            match plan.prices.get(key) {
                Some(price) => bill += f64::from(price.value) * f64::from(u32::try_from(count)?),
                None => unknown.push(key),
            }
        }
        let name = &company.name;
        if unknown.is_empty() {
            writeln!(
                out,
                "{account} {name}: {bill:.2} on plan `{}`",
                plan.plan_name
            )?;
        } else {
            writeln!(
                out,
                "{account} {name}: no bill, plan `{}` has no prices",
                plan.plan_name
            )?;
        }
    }
    Ok(())
}
