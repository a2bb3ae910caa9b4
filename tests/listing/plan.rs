//! The plan of one schedule, drawn from its seed.

use crate::support::faults;
use serde_json::{Value, json};
use std::time::Duration;

pub enum Listing {
    Users,
    Members(&'static str),
    Groups,
    UserGroups,
}

/// How a listing signals its end. With fewer signals, fewer kinds of damage can be detected at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EndSignal {
    FlagAndCounts,
    Counts,
    Flag,
    Neither,
}

/// The API that the schedule uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Rust,
    /// The C API, page by page.
    C,
    /// The C API, item by item.
    CByItem,
}

/// Longer than the attempt timeout of 80 ms.
const LONGER_THAN_AN_ATTEMPT: Duration = Duration::from_millis(95);

pub struct Plan {
    pub api: Api,
    /// How long the consumer pauses after each of the first deliveries.
    pub slow_between: Option<Duration>,
    /// How long the progress callback blocks in its first calls.
    pub blocking: Option<Duration>,
    /// The rate limit that all clients share: requests, and the window in milliseconds.
    pub rate_limit: Option<(u32, u64)>,
    /// Whether a second client of the same client id reads the same listing meanwhile.
    pub two_clients: bool,
    /// When the process forks; only through the C API.
    pub fork_after: Option<Duration>,
    pub listing: Listing,
    end_signal: EndSignal,
    pub read_ahead: u32,
    pub max_attempts: u32,
    /// The number of errors after which the reading under faults stops.
    pub max_errors: usize,
    pub settings: Value,
    pub faults: Vec<Value>,
    /// The rules that remain after the faults: they remove the flag from all answers.
    pub lasting: Vec<Value>,
    pub cancel_after: Option<Duration>,
    pub deadline: Option<Duration>,
    technical: Vec<bool>,
}

/// The JSON pointer of the flag that marks the last page.
pub const LAST_PAGE: &str = "/lastPage";
const GROUP: &str = "Design/UX";

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let rng = &mut rng;
        let listing = match rng.u8(0..6) {
            0 | 1 => Listing::Members(GROUP),
            2 => Listing::Groups,
            3 => Listing::UserGroups,
            _ => Listing::Users,
        };
        let end_signal = match (&listing, rng.u8(0..4)) {
            (_, 0) => EndSignal::Counts,
            (Listing::UserGroups, 1) | (_, 2) => EndSignal::Neither,
            (_, 1) => EndSignal::Flag,
            _ => EndSignal::FlagAndCounts,
        };
        let lasting = match end_signal {
            EndSignal::Counts | EndSignal::Neither => {
                vec![json!({"fault": {"rewrite": {"remove": [LAST_PAGE]}}})]
            }
            _ => Vec::new(),
        };
        let sometimes = |rng: &mut fastrand::Rng| {
            (rng.u8(0..8) == 0).then(|| Duration::from_millis(rng.u64(1..20)))
        };
        let faults = (0..rng.usize(0..4)).map(|_| rule(&listing, end_signal, rng));
        let seldom = |rng: &mut fastrand::Rng, one_in: u8| rng.u8(0..one_in) == 0;
        Plan {
            faults: faults
                .collect::<Vec<_>>()
                .into_iter()
                .chain(lasting.clone())
                .collect(),
            lasting,
            end_signal,
            read_ahead: rng.u32(1..5),
            max_attempts: rng.u32(1..4),
            max_errors: rng.usize(1..6),
            settings: json!({
                "page_size": rng.usize(1..9),
                "latency_ms": rng.u64(0..2),
                "encoded_slash": (["name", "separator"][usize::from(rng.u8(0..12) == 0)]),
                "page_headers": matches!(end_signal, EndSignal::FlagAndCounts | EndSignal::Counts),
                "past_the_end": (["not_found", "404", "last_page"][rng.usize(0..3)]),
            }),
            cancel_after: sometimes(rng),
            deadline: sometimes(rng),
            technical: (0..64).map(|_| rng.u8(0..4) == 0).collect(),
            api: [Api::Rust, Api::C, Api::CByItem][rng.usize(0..3)],
            slow_between: seldom(rng, 16).then_some(LONGER_THAN_AN_ATTEMPT),
            blocking: seldom(rng, 16).then_some(LONGER_THAN_AN_ATTEMPT),
            rate_limit: seldom(rng, 10).then(|| (rng.u32(2..8), rng.u64(10..30))),
            two_clients: seldom(rng, 5),
            fork_after: seldom(rng, 20).then(|| Duration::from_millis(rng.u64(0..20))),
            listing,
        }
    }

    /// Whether the service reads the slash in the group's name as a separator. The listing is then an error, never empty.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self.listing, Listing::Members(_)) && self.settings["encoded_slash"] == "separator"
    }

    pub fn interrupts(&self) -> bool {
        self.cancel_after.is_some() || self.deadline.is_some()
    }

    /// Makes some users technical accounts, which no page contains, so that a small page can be empty. The first user is
    /// never one, since a repeated empty first page could not be detected. The last user is not one either if nothing
    /// but the items signals the end.
    pub fn shape(&self, mut state: Value) -> Value {
        let users = state["users"].as_array_mut().expect("there are users");
        let count = users.len();
        for (number, user) in users.iter_mut().enumerate() {
            let is_member = number % 3 == 0 || number + 1 == count;
            user["groups"] = if is_member { json!([GROUP]) } else { json!([]) };
            let is_last = number + 1 == count && self.end_signal == EndSignal::Neither;
            user["technical"] = json!(number > 0 && !is_last && self.technical[number % 64]);
        }
        state
    }

    /// The names of the items, in order.
    pub fn expected(&self, state: &Value) -> Vec<String> {
        let list = |key: &str| {
            state[key]
                .as_array()
                .cloned()
                .expect("there is such a list")
        };
        let name = |item: &Value, key: &str| item[key].as_str().map(str::to_owned);
        match self.listing {
            Listing::Users | Listing::Members(_) => {
                let all = matches!(self.listing, Listing::Users);
                let is_asked_for = |user: &&Value| {
                    user["technical"] != true
                        && match all {
                            true => user["status"] == "active",
                            false => user["groups"] == json!([GROUP]),
                        }
                };
                let users = list("users");
                let asked_for = users.iter().filter(is_asked_for);
                asked_for.filter_map(|user| name(user, "email")).collect()
            }
            Listing::Groups | Listing::UserGroups => {
                let all = matches!(self.listing, Listing::Groups);
                let is_asked_for = |group: &&Value| all || group["type"] == "USER_GROUP";
                let groups = list("groups");
                let asked_for = groups.iter().filter(is_asked_for);
                asked_for
                    .filter_map(|group| name(group, "groupName"))
                    .collect()
            }
        }
    }
}

/// A random fault rule, for the listing or the token endpoint.
fn rule(listing: &Listing, end_signal: EndSignal, rng: &mut fastrand::Rng) -> Value {
    let endpoint = match listing {
        Listing::Users | Listing::Members(_) => "users",
        Listing::Groups => "groups",
        Listing::UserGroups => "user-groups",
    };
    let mut rule = match rng.u8(0..8) {
        0 => json!({"endpoint": "token", "fault": faults::any(rng)}),
        1 | 2 if end_signal != EndSignal::Neither => {
            let (asked, sent) = wrong_page(end_signal, rng);
            json!({
                "endpoint": endpoint,
                "match": {"path_contains": path_of_page(listing, asked)},
                "fault": {"serve_page": {"page": sent}},
            })
        }
        3 => {
            let broken = [
                "/result",
                "/users",
                "/groups",
                "/users/0",
                "/groups/0/groupId",
            ];
            let broken = broken[rng.usize(0..5)];
            let nonsense = [json!([[]]), json!(7), json!("partial")][rng.usize(0..3)].clone();
            json!({"endpoint": endpoint, "fault": {"rewrite": {"set": {broken: nonsense}}}})
        }
        4 if end_signal != EndSignal::Neither => json!({
            "endpoint": endpoint,
            "fault": {"rewrite": {"set": {"/result": "Not found"}, "remove": ["/users", "/groups"]}},
        }),
        _ => json!({"endpoint": endpoint, "fault": faults::any(rng)}),
    };
    // If nothing else signals the end, a 404 of the service itself is the end, so this one is from elsewhere.
    if end_signal == EndSignal::Neither && rule["fault"]["status"]["code"] == 404 {
        rule["fault"]["status"]["body"] = json!("html");
    }
    rule["probability"] = json!(rng.f64() * 0.8);
    rule["seed"] = json!(rng.u32(..));
    rule
}

/// The page to request, and the page to serve for it. Without counts only a repeated first page can be detected.
fn wrong_page(end_signal: EndSignal, rng: &mut fastrand::Rng) -> (usize, usize) {
    let asked = rng.usize(0..8);
    let sent = match end_signal {
        EndSignal::Flag => 0,
        // Page 1 could be the first page, counted from 1.
        _ if asked == 0 => [0, 2, 3][rng.usize(0..3)],
        _ => rng.usize(0..8),
    };
    (asked, sent)
}

/// A part of the path of this page that no other of the first ten pages has.
fn path_of_page(listing: &Listing, page: usize) -> String {
    match listing {
        Listing::UserGroups => format!("page={}", page + 1),
        Listing::Members(_) => format!("/{page}/"),
        _ => format!("AdobeOrg/{page}"),
    }
}
