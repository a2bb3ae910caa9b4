//! The plan of one schedule, drawn from its seed.

use crate::support::faults;
use serde_json::{Value, json};
use std::time::Duration;
use umapi::{Action, BatchLimits, IdentityType, NewUser, OnConflict, UserUpdate};

/// An action, and the steps that requests must contain for it.
pub struct Planned {
    pub action: Action,
    pub target: String,
    pub steps: Vec<Step>,
}

/// A step of one of the action's commands.
pub struct Step {
    pub command: usize,
    pub json: Value,
    pub replay_safe: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    AtOnce,
    Queued,
    /// By four tasks on as many threads, each with its own actions.
    ManyThreads,
    /// The same, with two of the tasks on a second client of the same client id.
    TwoClients,
}

/// The API that the schedule uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Rust,
    C,
}

pub struct Plan {
    pub actions: Vec<Planned>,
    pub execution: Execution,
    pub api: Api,
    pub limits: BatchLimits,
    pub max_attempts: u32,
    pub faults: Vec<Value>,
    pub settings: Value,
    pub cancel_after: Option<Duration>,
    pub deadline: Option<Duration>,
    pub revoke_after: Option<Duration>,
    /// When connections are closed and refused, and for how many milliseconds.
    pub refusal: Option<(Duration, u64)>,
    /// How long the caller pauses after each of the first actions that it queues.
    pub slow_between: Option<Duration>,
    /// How long the progress callback blocks in its first calls.
    pub blocking: Option<Duration>,
    /// The rate limit that all clients share: requests, and the window in milliseconds.
    pub rate_limit: Option<(u32, u64)>,
    /// When the process forks; only through the C API.
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
        let mut rng = fastrand::Rng::with_seed(seed);
        let rng = &mut rng;
        let limits = match rng.u8(0..3) {
            0 => BatchLimits::default(),
            _ => BatchLimits {
                entries_per_request: rng.usize(1..5),
                steps_per_entry: rng.usize(1..4),
                names_per_step: rng.usize(1..4),
            },
        };
        let count = rng.usize(1..16);
        let actions = (0..count)
            .map(|number| planned(number, &limits, rng))
            .collect();
        let sometimes = |rng: &mut fastrand::Rng, most: u64| {
            (rng.u8(0..6) == 0).then(|| Duration::from_millis(rng.u64(0..most)))
        };
        Plan {
            actions,
            limits,
            execution: [
                Execution::AtOnce,
                Execution::Queued,
                Execution::ManyThreads,
                Execution::TwoClients,
            ][rng.usize(0..4)],
            api: [Api::Rust, Api::C][rng.usize(0..2)],
            max_attempts: rng.u32(1..5),
            faults: (0..rng.usize(0..4)).map(|_| rule(rng)).collect(),
            settings: json!({
                "step_as_text": rng.bool(),
                "latency_ms": rng.u64(0..3),
                "already_member": (["success", "error"][rng.usize(0..2)]),
                "after_refusal": (["stop", "go-on"][rng.usize(0..2)]),
                "group_name": (["optional", "required"][usize::from(seldom(rng, 8))]),
            }),
            cancel_after: sometimes(rng, 30),
            deadline: sometimes(rng, 60).map(|time| time + Duration::from_millis(1)),
            revoke_after: sometimes(rng, 10),
            refusal: sometimes(rng, 20).map(|after| (after, rng.u64(0..20))),
            slow_between: seldom(rng, 20).then_some(LONGER_THAN_AN_ATTEMPT),
            blocking: seldom(rng, 20).then_some(LONGER_THAN_AN_ATTEMPT),
            rate_limit: seldom(rng, 10).then(|| (rng.u32(1..6), rng.u64(10..40))),
            fork_after: seldom(rng, 20).then(|| Duration::from_millis(rng.u64(0..15))),
        }
    }
}

/// Longer than the attempt timeout of 80 ms.
const LONGER_THAN_AN_ATTEMPT: Duration = Duration::from_millis(95);

fn seldom(rng: &mut fastrand::Rng, one_in: u8) -> bool {
    rng.u8(0..one_in) == 0
}

fn planned(number: usize, limits: &BatchLimits, rng: &mut fastrand::Rng) -> Planned {
    let mut action = match rng.u8(0..4) {
        0 => on_group(number, rng),
        _ => on_user(number, rng),
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

/// Names, each to be drawn once: two equal steps of an action could not be distinguished in the ledger.
struct Pool<T>(Vec<T>);

impl<T> Pool<T> {
    fn new(names: impl IntoIterator<Item = T>, rng: &mut fastrand::Rng) -> Self {
        let mut names: Vec<_> = names.into_iter().collect();
        rng.shuffle(&mut names);
        Pool(names)
    }

    fn groups(rng: &mut fastrand::Rng) -> Pool<&'static str> {
        let length = if rng.u8(0..4) == 0 { GROUPS.len() } else { 6 };
        Pool::new(GROUPS[..length].iter().copied(), rng)
    }

    fn draw(&mut self, rng: &mut fastrand::Rng) -> Vec<T> {
        let left = self.0.len();
        self.0.split_off(left - rng.usize(1..5).min(left))
    }
}

fn some_email(rng: &mut fastrand::Rng) -> String {
    match rng.u8(0..8) {
        0 => "nobody@example.com".to_owned(),
        1 => "rival@example.com".to_owned(),
        2..=4 => format!("new{}@example.com", rng.u8(0..5)),
        _ => format!(
            "person{:06}@example.com",
            [2, 3, 4, 7, 8, 9][rng.usize(0..6)]
        ),
    }
}

/// A random action on a user. The builder refuses commands in a wrong order, which are then not part of the action.
fn on_user(number: usize, rng: &mut fastrand::Rng) -> Action {
    let email = some_email(rng);
    let mut action = Action::on_user(&email, None).expect("the email is good");
    if rng.u8(0..3) > 0 {
        let on_conflict =
            [OnConflict::Ignore, OnConflict::Update, OnConflict::Error][rng.usize(0..3)];
        let _ = action.create(NewUser {
            identity: IdentityType::FederatedId,
            email: &email,
            first_name: Some(&format!("Created by {number}")),
            last_name: (rng.u8(0..8) > 0).then_some("Person"),
            country: Some("DE"),
            on_conflict,
        });
    }
    let (mut joined, mut left) = (Pool::<&str>::groups(rng), Pool::<&str>::groups(rng));
    let mut all_left = false;
    for command in 0..rng.usize(0..6) {
        let name = format!("{number}/{command}");
        let address = format!("moved{number}.{command}@example.com");
        let _ = match rng.u8(0..8) {
            0 | 1 => action.update(UserUpdate {
                first_name: Some(&name),
                ..UserUpdate::default()
            }),
            2 if rng.bool() => action.update(UserUpdate {
                email: Some(&address),
                ..UserUpdate::default()
            }),
            3 => action.remove_from_groups(&left.draw(rng)),
            4 if !std::mem::replace(&mut all_left, true) => action.remove_from_all_groups(),
            5 if rng.u8(0..3) == 0 => action.remove_from_org(rng.bool()),
            _ => action.add_to_groups(&joined.draw(rng)),
        };
    }
    if action.commands().is_empty() {
        action
            .add_to_groups(&["Sales"])
            .expect("the command is good");
    }
    action
}

fn on_group(number: usize, rng: &mut fastrand::Rng) -> Action {
    let name = match rng.u8(0..5) {
        0 => "Ghosts".to_owned(),
        1 => "Marketing".to_owned(),
        team => format!("Team {team}"),
    };
    let mut action = Action::on_group(&name).expect("the name is good");
    if rng.bool() {
        let on_conflict =
            [OnConflict::Ignore, OnConflict::Update, OnConflict::Error][rng.usize(0..3)];
        let _ = action.create_group(Some(&format!("by {number}")), on_conflict);
    }
    let existing = [2, 3, 4, 7, 8, 9].map(|number| format!("person{number:06}@example.com"));
    let newcomers = (0..3).map(|number| format!("new{number}@example.com"));
    let mut joining = Pool::new(existing.into_iter().chain(newcomers), rng);
    let mut leaving = Pool::new(joining.0.clone(), rng);
    let mut with_products = false;
    for command in 0..rng.usize(0..4) {
        let _ = match rng.u8(0..7) {
            0 => action.update_group(None, Some(&format!("{number}/{command}"))),
            1 => action.update_group(Some(&format!("Team {number}/{command}")), None),
            2 if !std::mem::replace(&mut with_products, true) => {
                action.add_products(&["Acrobat Pro DC", "Creative Cloud All Apps"])
            }
            3 if rng.bool() => action.delete_group(),
            4 => action.remove_users(&leaving.draw(rng)),
            _ => action.add_users(&joining.draw(rng)),
        };
    }
    if action.commands().is_empty() {
        action
            .update_group(None, Some("plain"))
            .expect("the command is good");
    }
    action
}

/// The steps of an action, computed independently of the library: a list over the limit becomes several steps.
fn steps(action: &Action, limits: &BatchLimits) -> Vec<Step> {
    let mut steps = Vec::new();
    for (command, json) in action.commands().iter().map(|c| c.json()).enumerate() {
        let json: Value = serde_json::from_str(json.as_str()).expect("a command is JSON");
        let replay_safe = is_replay_safe(&json);
        for json in split(&json, limits.names_per_step) {
            steps.push(Step {
                command,
                json,
                replay_safe,
            });
        }
    }
    steps
}

fn split(json: &Value, most: usize) -> Vec<Value> {
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

/// A random fault rule, for the action endpoint or the token endpoint.
fn rule(rng: &mut fastrand::Rng) -> Value {
    let fault = match rng.u8(0..14) {
        0 => damaged_findings(rng),
        _ => faults::any(rng),
    };
    let endpoint = if rng.u8(0..6) == 0 { "token" } else { "action" };
    json!({"endpoint": endpoint, "probability": rng.f64() * 0.7, "seed": rng.u32(..), "fault": fault})
}

fn damaged_findings(rng: &mut fastrand::Rng) -> Value {
    let broken = [
        "/errors/0/index",
        "/errors/0/step",
        "/warnings",
        "/completed",
    ][rng.usize(0..4)];
    match rng.bool() {
        true => json!({"rewrite": {"remove": [broken]}}),
        false => json!({"rewrite": {"set": {broken: null}}}),
    }
}
