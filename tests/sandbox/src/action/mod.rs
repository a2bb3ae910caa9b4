//! `POST /action/{orgId}`: the entries are checked, applied step by step, and reported.

mod check;
mod group_steps;
mod refusal;
mod user_steps;

use crate::options::{AfterRefusal, AlreadyMember, GroupName};
use crate::org::{Org, USER_GROUP};
use crate::reply::Reply;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub use refusal::{Refusal, Warning};

/// The result of one step, for the ledger.
#[derive(Clone, Debug)]
pub struct StepRecord {
    pub entry: usize,
    pub step: usize,
    pub target: String,
    pub request_id: Option<String>,
    pub command: Value,
    /// The codes of the refusal, one for each wrong name; empty if the step was applied.
    pub refused: Vec<&'static str>,
}

/// The limits of a request, and the settings by which it is treated.
#[derive(Clone, Debug)]
pub struct Rules {
    pub entries: usize,
    pub names_per_list: usize,
    pub test_only: bool,
    pub step_as_text: bool,
    pub already_member: AlreadyMember,
    pub after_refusal: AfterRefusal,
    pub group_name: GroupName,
    pub most_members: usize,
    pub order_seed: u64,
}

/// Applies a request to the organisation. In test mode `org` is a copy, and `created_in_test` holds the users that
/// earlier test requests would have created: steps on them succeed, as they do at the service.
pub fn apply(
    org: &mut Org,
    body: &[u8],
    rules: &Rules,
    created_in_test: &mut BTreeSet<String>,
) -> (Reply, Vec<StepRecord>) {
    let entries = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(entries)) if !entries.is_empty() => entries,
        _ => {
            return (
                malformed("the body must be an array of commands"),
                Vec::new(),
            );
        }
    };
    if entries.len() > rules.entries {
        let message = format!("at most {} commands may be in a request", rules.entries);
        return (malformed(&message), Vec::new());
    }
    let mut request = Request {
        org,
        rules,
        created_in_test,
        errors: Vec::new(),
        warnings: Vec::new(),
        records: Vec::new(),
        group_deleted: false,
    };
    for index in order(entries.len(), rules.order_seed) {
        request.apply_entry(index, &entries[index]);
    }
    request.answer(entries.len())
}

/// A shuffled order, since the service does not apply the entries of a request in their order either.
fn order(entries: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<_> = (0..entries).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut order);
    order
}

fn malformed(message: &str) -> Reply {
    Reply::json(
        400,
        json!({"result": "error.command.malformed", "message": message}),
    )
}

struct Request<'a> {
    org: &'a mut Org,
    rules: &'a Rules,
    created_in_test: &'a mut BTreeSet<String>,
    errors: Vec<(usize, Value)>,
    warnings: Vec<(usize, Value)>,
    records: Vec<StepRecord>,
    /// Whether a group was deleted: only the first `deleteUserGroup` of a request works.
    group_deleted: bool,
}

/// Whether the user group has the largest number of members.
fn is_full(org: &Org, group: &str, rules: &Rules) -> bool {
    let is_user_group = org.group(group).is_some_and(|own| own.kind == USER_GROUP);
    org.user_count() >= rules.most_members
        && is_user_group
        && org.member_count(group) >= rules.most_members
}

fn refuse_full<T>(group: &str) -> Result<T, Vec<Refusal>> {
    refusal::refuse(
        "error.usergroup.exceeds_maximum_member_count",
        format!("{group} takes no more members"),
    )
}

/// An entry that has been checked.
pub struct Entry<'a> {
    pub object: &'a Map<String, Value>,
    pub steps: &'a [Value],
    pub target: String,
    pub is_group: bool,
}

impl Request<'_> {
    /// Applies the entry's steps up to the first refused one, or all of them with `AfterRefusal::GoOn`.
    fn apply_entry(&mut self, index: usize, value: &Value) {
        let entry = match check::entry(value, self.rules.names_per_list) {
            Ok(entry) => entry,
            Err((step, refusal)) => {
                self.report(index, step, value, refusal);
                return;
            }
        };
        let mut is_created = false;
        for (number, step) in entry.steps.iter().enumerate() {
            let result = match entry.is_group {
                true => {
                    let deleted = &mut self.group_deleted;
                    group_steps::apply(self.org, &entry, step, self.rules, deleted)
                }
                false => user_steps::apply(self.org, &entry, step, self.rules),
            };
            let refusals = self.accept_in_test(result);
            match refusals {
                Ok(warnings) => {
                    is_created |= number == 0;
                    self.record(index, number, &entry, step, Vec::new());
                    for warning in warnings {
                        self.warn(index, number, &entry, warning);
                    }
                }
                Err(refusals) => {
                    let codes = refusals.iter().map(|refusal| refusal.code).collect();
                    self.record(index, number, &entry, step, codes);
                    for refusal in refusals {
                        self.report(index, number, value, refusal);
                    }
                    if self.rules.after_refusal == AfterRefusal::Stop {
                        return;
                    }
                }
            }
        }
        if is_created {
            self.record_test_creation(&entry);
        }
    }

    /// In test mode, accepts a step that fails only because an earlier test request did not really create its users.
    fn accept_in_test(
        &self,
        result: Result<Vec<Warning>, Vec<Refusal>>,
    ) -> Result<Vec<Warning>, Vec<Refusal>> {
        let would_exist = |refusal: &Refusal| {
            let user = refusal.missing_user.as_ref();
            user.is_some_and(|user| self.created_in_test.contains(user))
        };
        match result {
            Err(refusals) if self.rules.test_only && refusals.iter().all(would_exist) => {
                Ok(Vec::new())
            }
            result => result,
        }
    }

    fn record_test_creation(&mut self, entry: &Entry) {
        if self.rules.test_only && !entry.is_group && check::creates(entry.steps) {
            let created = entry.steps[0]
                .as_object()
                .and_then(|step| step.values().next());
            let email = created.and_then(|user| user["email"].as_str());
            self.created_in_test.insert(entry.target.to_lowercase());
            self.created_in_test.extend(email.map(str::to_lowercase));
        }
    }

    fn record(
        &mut self,
        index: usize,
        step: usize,
        entry: &Entry,
        command: &Value,
        refused: Vec<&'static str>,
    ) {
        let request_id = entry.object.get("requestID").and_then(Value::as_str);
        self.records.push(StepRecord {
            entry: index,
            step,
            target: entry.target.clone(),
            request_id: request_id.map(str::to_owned),
            command: command.clone(),
            refused,
        });
    }

    fn report(&mut self, index: usize, step: usize, entry: &Value, refusal: Refusal) {
        let line = self.line(
            index,
            step,
            entry,
            "errorCode",
            refusal.code,
            &refusal.message,
        );
        self.errors.push((index, line));
    }

    fn warn(&mut self, index: usize, step: usize, entry: &Entry, warning: Warning) {
        let object = Value::Object(entry.object.clone());
        let line = self.line(
            index,
            step,
            &object,
            "warningCode",
            warning.code,
            &warning.message,
        );
        self.warnings.push((index, line));
    }

    fn line(
        &self,
        index: usize,
        step: usize,
        entry: &Value,
        code_key: &str,
        code: &str,
        message: &str,
    ) -> Value {
        let step = match self.rules.step_as_text {
            true => json!(step.to_string()),
            false => json!(step),
        };
        let target = entry.get("user").or(entry.get("usergroup"));
        json!({
            "index": index,
            "step": step,
            "message": message,
            code_key: code,
            "requestID": entry.get("requestID").unwrap_or(&Value::Null),
            "user": target.unwrap_or(&Value::Null),
        })
    }

    fn answer(mut self, entries: usize) -> (Reply, Vec<StepRecord>) {
        let failed: BTreeSet<_> = self.errors.iter().map(|(index, _)| *index).collect();
        let done = entries - failed.len();
        let result = match (done, failed.len()) {
            (_, 0) => "success",
            (0, _) => "error",
            _ => "partial",
        };
        let mut answer = Map::new();
        let (completed, in_test) = match self.rules.test_only {
            true => (0, done),
            false => (done, 0),
        };
        answer.insert("completed".into(), json!(completed));
        answer.insert("notCompleted".into(), json!(failed.len()));
        answer.insert("completedInTestMode".into(), json!(in_test));
        for (key, lines) in [
            ("errors", &mut self.errors),
            ("warnings", &mut self.warnings),
        ] {
            if !lines.is_empty() {
                lines.sort_by_key(|(index, _)| *index);
                let lines: Vec<_> = lines.drain(..).map(|(_, line)| line).collect();
                answer.insert(key.into(), Value::Array(lines));
            }
        }
        answer.insert("result".into(), json!(result));
        (Reply::json(200, Value::Object(answer)), self.records)
    }
}
