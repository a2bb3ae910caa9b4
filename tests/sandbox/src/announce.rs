//! The first line on standard output: where the sandbox is and how to get in.

use crate::tls::ThrowAway;
use crate::world::{CLIENT_ID, CLIENT_SECRET, ORG_ID, TECH_ACCT_ID, World};
use serde_json::json;
use std::io::{self, Write};
use std::net::SocketAddr;

pub fn print(
    world: &World,
    address: SocketAddr,
    control: SocketAddr,
    tls: Option<&ThrowAway>,
) -> io::Result<()> {
    let scheme = if world.options.tls { "https" } else { "http" };
    let mut line = json!({
        "endpoint": format!("{scheme}://{address}/v2/usermanagement"),
        "auth_host": address.to_string(),
        "auth_url": format!("{scheme}://{address}"),
        "org_id": ORG_ID,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "tech_acct_id": TECH_ACCT_ID,
        "control": format!("http://{control}"),
        "pid": std::process::id(),
    });
    if let Some(tls) = tls {
        line["ca_file"] = json!(tls.ca_file.path());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
