//! The first line on standard output: the addresses that the sandbox listens on, and credentials for it.

use crate::sandbox::{CLIENT_ID, CLIENT_SECRET, ORG_ID, Sandbox, TECH_ACCT_ID};
use crate::tls::EphemeralTls;
use serde_json::json;
use std::io::{self, Write};
use std::net::SocketAddr;

pub fn print(
    sandbox: &Sandbox,
    address: SocketAddr,
    control: SocketAddr,
    tls: Option<&EphemeralTls>,
) -> io::Result<()> {
    let scheme = if sandbox.options.tls { "https" } else { "http" };
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
