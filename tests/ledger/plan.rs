//! What one schedule does, drawn from its seed.

use crate::support::faults;
use serde_json::{Value, json};
use std::time::Duration;
use umapi::{Action, BatchLimits, IdentityType, NewUser, OnConflict, UserUpdate};

/// An action, and how it must look on the wire.
pub struct Planned {
    pub action: Action,
    pub target: String,
    pub steps: Vec<Step>,
}

/// A step that the action's commands amount to.
pub struct Step {
    pub command: usize,
    pub json: Value,
    pub replay_safe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    AtOnce,
    Queued,
    /// In four tasks on as many threads, each with actions of its own.
    ManyThreads,
    /// The same, half of them by a second client of one client id.
    TwoClients,
}

/// Which of the library's two faces the schedule goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    Rust,
    C,
}

pub struct Plan {
    pub actions: Vec<Planned>,
    pub way: Way,
    pub face: Face,
    pub limits: BatchLimits,
    pub max_attempts: u32,
    pub faults: Vec<Value>,
    pub settings: Value,
    pub cancel_after: Option<Duration>,
    pub deadline: Option<Duration>,
    pub revoke_after: Option<Duration>,
    /// When connections are cut and refused, for so many milliseconds.
    pub refusal: Option<(Duration, u64)>,
    /// The caller pauses for so long after each of the first actions that it queues.
    pub slow_between: Option<Duration>,
    /// The progress callback blocks for so long at its first calls.
    pub blocking: Option<Duration>,
    /// Requests in a window of so many milliseconds, that all clients share.
    pub pace: Option<(u32, u64)>,
    /// When the process forks; only by the C face.
    pub fork_after: Option<Duration>,
}

const GROUPS: [&str; 9] = [
    "Sales",
    "Marketing",
    "Engineering",
    "Design/UX",
    "v2.0 Testers",
    "Acrobat Pro DC",
    "Ghosts",
    "Synced from AD",
    "_org_admin",
];

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let dice = &mut dice;
        let limits = match dice.u8(0..3) {
            0 => BatchLimits::default(),
            _ => BatchLimits {
                entries_per_request: dice.usize(1..5),
                steps_per_entry: dice.usize(1..4),
                names_per_step: dice.usize(1..4),
            },
        };
        let count = dice.usize(1..16);
        let actions = (0..count)
            .map(|number| planned(number, &limits, dice))
            .collect();
        let sometimes = |dice: &mut fastrand::Rng, most: u64| {
            (dice.u8(0..6) == 0).then(|| Duration::from_millis(dice.u64(0..most)))
        };
        Plan {
            actions,
            limits,
            way: [Way::AtOnce, Way::Queued, Way::ManyThreads, Way::TwoClients][dice.usize(0..4)],
            face: [Face::Rust, Face::C][dice.usize(0..2)],
            max_attempts: dice.u32(1..5),
            faults: (0..dice.usize(0..4)).map(|_| rule(dice)).collect(),
            settings: json!({
                "step_as_text": dice.bool(),
                "latency_ms": dice.u64(0..3),
                "already_member": (["success", "error"][dice.usize(0..2)]),
                "after_refusal": (["stop", "go-on"][dice.usize(0..2)]),
                "group_name": (["optional", "required"][usize::from(seldom(dice, 8))]),
            }),
            cancel_after: sometimes(dice, 30),
            deadline: sometimes(dice, 60).map(|time| time + Duration::from_millis(1)),
            revoke_after: sometimes(dice, 10),
            refusal: sometimes(dice, 20).map(|after| (after, dice.u64(0..20))),
            slow_between: seldom(dice, 20).then_some(LONGER_THAN_AN_ATTEMPT),
            blocking: seldom(dice, 20).then_some(LONGER_THAN_AN_ATTEMPT),
            pace: seldom(dice, 10).then(|| (dice.u32(1..6), dice.u64(10..40))),
            fork_after: seldom(dice, 20).then(|| Duration::from_millis(dice.u64(0..15))),
        }
    }
}

/// More than the 80 ms that an attempt has.
const LONGER_THAN_AN_ATTEMPT: Duration = Duration::from_millis(95);

fn seldom(dice: &mut fastrand::Rng, one_in: u8) -> bool {
    dice.u8(0..one_in) == 0
}

fn planned(number: usize, limits: &BatchLimits, dice: &mut fastrand::Rng) -> Planned {
    let mut action = match dice.u8(0..4) {
        0 => on_group(number, dice),
        _ => on_user(number, dice),
    };
    action
        .set_tag(number as u64)
        .set_request_id(&format!("a{number}"))
        .expect("the request id is good");
    Planned {
        target: action.target().name().to_lowercase(),
        steps: steps(&action, limits),
        action,
    }
}

/// Names, each to be drawn once: an action that said the same twice could not be told apart in the ledger.
struct Pool<T>(Vec<T>);

impl<T> Pool<T> {
    fn new(names: impl IntoIterator<Item = T>, dice: &mut fastrand::Rng) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        dice.shuffle(&mut names);
        Pool(names)
    }

    fn groups(dice: &mut fastrand::Rng) -> Pool<&'static str> {
        let good_ones = if dice.u8(0..4) == 0 { GROUPS.len() } else { 6 };
        Pool::new(GROUPS[..good_ones].iter().copied(), dice)
    }

    fn draw(&mut self, dice: &mut fastrand::Rng) -> Vec<T> {
        let left = self.0.len();
        self.0.split_off(left - dice.usize(1..5).min(left))
    }
}

fn some_email(dice: &mut fastrand::Rng) -> String {
    match dice.u8(0..8) {
        0 => "nobody@example.com".to_owned(),
        1 => "rival@example.com".to_owned(),
        2..=4 => format!("new{}@example.com", dice.u8(0..5)),
        _ => format!(
            "person{:06}@example.com",
            [2, 3, 4, 7, 8, 9][dice.usize(0..6)]
        ),
    }
}

/// Commands that come out of order are refused by the builder, and so are no part of the action.
fn on_user(number: usize, dice: &mut fastrand::Rng) -> Action {
    let email = some_email(dice);
    let mut action = Action::on_user(&email, None).expect("the email is good");
    if dice.u8(0..3) > 0 {
        let on_conflict =
            [OnConflict::Ignore, OnConflict::Update, OnConflict::Error][dice.usize(0..3)];
        let _ = action.create(NewUser {
            identity: IdentityType::FederatedId,
            email: &email,
            first_name: Some(&format!("Created by {number}")),
            last_name: (dice.u8(0..8) > 0).then_some("Person"),
            country: Some("DE"),
            on_conflict,
        });
    }
    let (mut joined, mut left) = (Pool::<&str>::groups(dice), Pool::<&str>::groups(dice));
    let mut all_left = false;
    for command in 0..dice.usize(0..6) {
        let name = format!("{number}/{command}");
        let address = format!("moved{number}.{command}@example.com");
        let _ = match dice.u8(0..8) {
            0 | 1 => action.update(UserUpdate {
                first_name: Some(&name),
                ..UserUpdate::default()
            }),
            2 if dice.bool() => action.update(UserUpdate {
                email: Some(&address),
                ..UserUpdate::default()
            }),
            3 => action.remove_from_groups(&left.draw(dice)),
            4 if !std::mem::replace(&mut all_left, true) => action.remove_from_all_groups(),
            5 if dice.u8(0..3) == 0 => action.remove_from_org(dice.bool()),
            _ => action.add_to_groups(&joined.draw(dice)),
        };
    }
    if action.commands().is_empty() {
        action
            .add_to_groups(&["Sales"])
            .expect("the command is good");
    }
    action
}

fn on_group(number: usize, dice: &mut fastrand::Rng) -> Action {
    let name = match dice.u8(0..5) {
        0 => "Ghosts".to_owned(),
        1 => "Marketing".to_owned(),
        team => format!("Team {team}"),
    };
    let mut action = Action::on_group(&name).expect("the name is good");
    if dice.bool() {
        let on_conflict =
            [OnConflict::Ignore, OnConflict::Update, OnConflict::Error][dice.usize(0..3)];
        let _ = action.create_group(Some(&format!("by {number}")), on_conflict);
    }
    let everybody = [2, 3, 4, 7, 8, 9].map(|number| format!("person{number:06}@example.com"));
    let newcomers = (0..3).map(|number| format!("new{number}@example.com"));
    let mut joining = Pool::new(everybody.into_iter().chain(newcomers), dice);
    let mut leaving = Pool::new(joining.0.clone(), dice);
    let mut with_products = false;
    for command in 0..dice.usize(0..4) {
        let _ = match dice.u8(0..7) {
            0 => action.update_group(None, Some(&format!("{number}/{command}"))),
            1 => action.update_group(Some(&format!("Team {number}/{command}")), None),
            2 if !std::mem::replace(&mut with_products, true) => {
                action.add_products(&["Acrobat Pro DC", "Creative Cloud All Apps"])
            }
            3 if dice.bool() => action.delete_group(),
            4 => action.remove_users(&leaving.draw(dice)),
            _ => action.add_users(&joining.draw(dice)),
        };
    }
    if action.commands().is_empty() {
        action
            .update_group(None, Some("plain"))
            .expect("the command is good");
    }
    action
}

/// The steps, worked out without the library's help: lists over the limit become several.
fn steps(action: &Action, limits: &BatchLimits) -> Vec<Step> {
    let mut steps = Vec::new();
    for (command, json) in action.commands().iter().map(|c| c.json()).enumerate() {
        let json: Value = serde_json::from_str(json.as_str()).expect("a command is JSON");
        let replay_safe = is_replay_safe(&json);
        for json in in_parts(&json, limits.names_per_step) {
            steps.push(Step {
                command,
                json,
                replay_safe,
            });
        }
    }
    steps
}

fn in_parts(json: &Value, most: usize) -> Vec<Value> {
    let (verb, body) = json
        .as_object()
        .and_then(|step| step.iter().next())
        .expect("one key");
    let list = body.as_object().and_then(|lists| lists.iter().next());
    match list {
        Some((key, Value::Array(names))) if names.len() > most => {
            let part = |names: &[Value]| json!({ verb: { key: names } });
            names.chunks(most).map(part).collect()
        }
        _ => vec![json.clone()],
    }
}

fn is_replay_safe(json: &Value) -> bool {
    let (verb, body) = json
        .as_object()
        .and_then(|step| step.iter().next())
        .expect("one key");
    match verb.as_str() {
        "createFederatedID" | "createUserGroup" => body.get("option").is_some(),
        "update" => body.get("email").is_none() && body.get("username").is_none(),
        "updateUserGroup" => body.get("name").is_none(),
        "deleteUserGroup" => false,
        _ => true,
    }
}

/// Some fault, at the endpoint that matters or at the token's.
fn rule(dice: &mut fastrand::Rng) -> Value {
    let fault = match dice.u8(0..14) {
        0 => garbled_findings(dice),
        _ => faults::any(dice),
    };
    let endpoint = if dice.u8(0..6) == 0 {
        "token"
    } else {
        "action"
    };
    json!({"endpoint": endpoint, "probability": dice.f64() * 0.7, "seed": dice.u32(..), "fault": fault})
}

fn garbled_findings(dice: &mut fastrand::Rng) -> Value {
    let broken = [
        "/errors/0/index",
        "/errors/0/step",
        "/warnings",
        "/completed",
    ][dice.usize(0..4)];
    match dice.bool() {
        true => json!({"rewrite": {"remove": [broken]}}),
        false => json!({"rewrite": {"set": {broken: null}}}),
    }
}
