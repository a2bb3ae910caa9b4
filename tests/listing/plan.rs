//! What one schedule reads, drawn from its seed.

use crate::support::faults;
use serde_json::{Value, json};
use std::time::Duration;

pub enum Listing {
    Users,
    Members(&'static str),
    Groups,
    UserGroups,
}

/// How a listing tells its end. What tells less can be garbled in fewer ways before nobody could see it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    FlagAndFigures,
    Figures,
    Flag,
    Nothing,
}

/// Which of the library's faces the schedule goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Rust,
    /// Page by page.
    C,
    /// Item by item.
    CByItem,
}

/// More than the 80 ms that an attempt has.
const LONGER_THAN_AN_ATTEMPT: Duration = Duration::from_millis(95);

pub struct Plan {
    pub face: Face,
    /// The consumer pauses for so long after each of the first deliveries.
    pub slow_between: Option<Duration>,
    /// The progress callback blocks for so long at its first calls.
    pub blocking: Option<Duration>,
    /// Requests in a window of so many milliseconds, that all clients share.
    pub pace: Option<(u32, u64)>,
    /// A second client of the same client id reads the same meanwhile.
    pub beside: bool,
    /// When the process forks; only by the C face.
    pub fork_after: Option<Duration>,
    pub listing: Listing,
    telling: Telling,
    pub read_ahead: u32,
    pub max_attempts: u32,
    /// So many errors are put up with.
    pub patience: usize,
    pub settings: Value,
    pub faults: Vec<Value>,
    /// What is no fault and stays: answers without a flag.
    pub lasting: Vec<Value>,
    pub cancel_after: Option<Duration>,
    pub deadline: Option<Duration>,
    technical: Vec<bool>,
}

/// By its JSON pointer.
pub const LAST_PAGE: &str = "/lastPage";
const GROUP: &str = "Design/UX";

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let dice = &mut dice;
        let listing = match dice.u8(0..6) {
            0 | 1 => Listing::Members(GROUP),
            2 => Listing::Groups,
            3 => Listing::UserGroups,
            _ => Listing::Users,
        };
        let telling = match (&listing, dice.u8(0..4)) {
            (_, 0) => Telling::Figures,
            (Listing::UserGroups, 1) | (_, 2) => Telling::Nothing,
            (_, 1) => Telling::Flag,
            _ => Telling::FlagAndFigures,
        };
        let lasting = match telling {
            Telling::Figures | Telling::Nothing => {
                vec![json!({"fault": {"rewrite": {"remove": [LAST_PAGE]}}})]
            }
            _ => Vec::new(),
        };
        let sometimes = |dice: &mut fastrand::Rng| {
            (dice.u8(0..8) == 0).then(|| Duration::from_millis(dice.u64(1..20)))
        };
        let faults = (0..dice.usize(0..4)).map(|_| rule(&listing, telling, dice));
        let seldom = |dice: &mut fastrand::Rng, one_in: u8| dice.u8(0..one_in) == 0;
        Plan {
            faults: faults
                .collect::<Vec<_>>()
                .into_iter()
                .chain(lasting.clone())
                .collect(),
            lasting,
            telling,
            read_ahead: dice.u32(1..5),
            max_attempts: dice.u32(1..4),
            patience: dice.usize(1..6),
            settings: json!({
                "page_size": dice.usize(1..9),
                "latency_ms": dice.u64(0..2),
                "encoded_slash": (["name", "separator"][usize::from(dice.u8(0..12) == 0)]),
                "page_headers": matches!(telling, Telling::FlagAndFigures | Telling::Figures),
                "past_the_end": (["not_found", "404", "last_page"][dice.usize(0..3)]),
            }),
            cancel_after: sometimes(dice),
            deadline: sometimes(dice),
            technical: (0..64).map(|_| dice.u8(0..4) == 0).collect(),
            face: [Face::Rust, Face::C, Face::CByItem][dice.usize(0..3)],
            slow_between: seldom(dice, 16).then_some(LONGER_THAN_AN_ATTEMPT),
            blocking: seldom(dice, 16).then_some(LONGER_THAN_AN_ATTEMPT),
            pace: seldom(dice, 10).then(|| (dice.u32(2..8), dice.u64(10..30))),
            beside: seldom(dice, 5),
            fork_after: seldom(dice, 20).then(|| Duration::from_millis(dice.u64(0..20))),
            listing,
        }
    }

    /// Whether the service takes the slash in the group's name for another path: an error, never an empty listing.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self.listing, Listing::Members(_)) && self.settings["encoded_slash"] == "separator"
    }

    pub fn interrupts(&self) -> bool {
        self.cancel_after.is_some() || self.deadline.is_some()
    }

    /// Makes some users technical accounts, which no page shows, so that a page of few can be empty. The first of a
    /// listing is none: an empty first page could not be told from itself again. Nor the last where nothing else
    /// tells the end.
    pub fn shape(&self, mut state: Value) -> Value {
        let users = state["users"].as_array_mut().expect("there are users");
        let count = users.len();
        for (number, user) in users.iter_mut().enumerate() {
            let is_member = number % 3 == 0 || number + 1 == count;
            user["groups"] = if is_member { json!([GROUP]) } else { json!([]) };
            let is_last = number + 1 == count && self.telling == Telling::Nothing;
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

/// Some fault of the listing, or of the token's endpoint.
fn rule(listing: &Listing, telling: Telling, dice: &mut fastrand::Rng) -> Value {
    let endpoint = match listing {
        Listing::Users | Listing::Members(_) => "users",
        Listing::Groups => "groups",
        Listing::UserGroups => "user-groups",
    };
    let mut rule = match dice.u8(0..8) {
        0 => json!({"endpoint": "token", "fault": faults::any(dice)}),
        1 | 2 if telling != Telling::Nothing => {
            let (asked, sent) = wrong_page(telling, dice);
            json!({
                "endpoint": endpoint,
                "match": {"path_contains": place(listing, asked)},
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
            let broken = broken[dice.usize(0..5)];
            let nonsense = [json!([[]]), json!(7), json!("partial")][dice.usize(0..3)].clone();
            json!({"endpoint": endpoint, "fault": {"rewrite": {"set": {broken: nonsense}}}})
        }
        4 if telling != Telling::Nothing => json!({
            "endpoint": endpoint,
            "fault": {"rewrite": {"set": {"/result": "Not found"}, "remove": ["/users", "/groups"]}},
        }),
        _ => json!({"endpoint": endpoint, "fault": faults::any(dice)}),
    };
    // A missing page, told by the service itself, is the end where nothing else tells it.
    if telling == Telling::Nothing && rule["fault"]["status"]["code"] == 404 {
        rule["fault"]["status"]["body"] = json!("html");
    }
    rule["probability"] = json!(dice.f64() * 0.8);
    rule["seed"] = json!(dice.u32(..));
    rule
}

/// Which page to send for which. Without figures only the first is known again wherever it comes.
fn wrong_page(telling: Telling, dice: &mut fastrand::Rng) -> (usize, usize) {
    let asked = dice.usize(0..8);
    let sent = match telling {
        Telling::Flag => 0,
        // The second might be the first in a count from 1.
        _ if asked == 0 => [0, 2, 3][dice.usize(0..3)],
        _ => dice.usize(0..8),
    };
    (asked, sent)
}

/// What is in the path of this page and of no other of the first ten.
fn place(listing: &Listing, page: usize) -> String {
    match listing {
        Listing::UserGroups => format!("page={}", page + 1),
        Listing::Members(_) => format!("/{page}/"),
        _ => format!("AdobeOrg/{page}"),
    }
}
