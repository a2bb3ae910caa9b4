//! The command line.

use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A faithful local stand-in for Adobe's User Management API.
///
/// Its first line on standard output is one JSON object with the address it listens on, the credentials that it
/// accepts, and the address of its control API. It runs until it is stopped.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Serve https with a certificate of a temporary CA, whose file is announced as `ca_file`
    #[arg(long)]
    pub tls: bool,

    /// Begin with the organisation in this JSON file (the form of `GET /state` of the control API)
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Begin with at least this many users
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub users: usize,

    /// Begin with at least this many groups
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub groups: usize,

    /// Items on a page
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub page_size: usize,

    /// Wait this long before each answer of the API
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency_ms: u64,

    /// Throttle as Adobe documents it, or not at all
    #[arg(long, value_enum, default_value_t = Limits::Documented)]
    pub limits: Limits,

    /// Also block for this many seconds after page 0 of all users or all groups was read three times within it
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub page0_block: u64,

    /// Let all users, and all groups, be listed at most once in two hours
    #[arg(long)]
    pub two_hour_rule: bool,

    /// How to treat an `add` of a membership that exists, and a list that changes no membership
    #[arg(long, value_enum, default_value_t = AlreadyMember::Success)]
    pub already_member: AlreadyMember,

    /// Whether the steps after a refused step of the same entry are applied
    #[arg(long, value_enum, default_value_t = AfterRefusal::Stop)]
    pub after_refusal: AfterRefusal,

    /// Whether `%2F` in a path is part of a name or separates two segments
    #[arg(long, value_enum, default_value_t = EncodedSlash::Name)]
    pub encoded_slash: EncodedSlash,

    /// Whether `createUserGroup` must hold a `name`
    #[arg(long, value_enum, default_value_t = GroupName::Optional)]
    pub group_name: GroupName,

    /// Let throttle time pass this many times faster: with 100 a minute takes 600 ms
    #[arg(long, default_value_t = 1.0, value_name = "X")]
    pub time_scale: f64,

    /// PEM certificate or public key that the signatures of JWT assertions are verified with
    #[arg(long, value_name = "FILE")]
    pub jwt_cert: Option<PathBuf>,

    /// How long access tokens live
    #[arg(long, default_value_t = 86_399, value_name = "SECONDS")]
    pub token_ttl: u64,

    /// Seed of the order in which the entries of a request are applied
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,

    /// End when standard input is closed, so that a test that dies leaves nothing behind
    #[arg(long)]
    pub exit_with_stdin: bool,
}

const TWO_HOURS: Duration = Duration::from_secs(7200);

impl Options {
    /// The shortest time between two listings of all users, or of all groups; zero is no limit.
    pub fn full_listing_every(&self) -> Duration {
        match self.two_hour_rule {
            true => TWO_HOURS.div_f64(self.time_scale.max(0.001)),
            false => Duration::ZERO,
        }
    }

    pub fn page0_block(&self) -> Duration {
        Duration::from_secs(self.page0_block).div_f64(self.time_scale.max(0.001))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlreadyMember {
    Error,
    Success,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterRefusal {
    Stop,
    GoOn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncodedSlash {
    Name,
    Separator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupName {
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Limits {
    Documented,
    Off,
}
