//! An action becomes entries that keep the service's limits: long lists become steps, many steps become entries.

use crate::model::action::Action;
use crate::model::command::{Command, Kind};
use crate::model::order_key::Key;
use crate::model::write_json::ObjectWriter;
use smallvec::SmallVec;
use std::ops::Range;

/// How much goes into one request, entry and step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Documented: at most 10.
    pub entries_per_request: usize,
    /// 10 is the figure of Adobe's own client; the documentation gives none.
    pub steps_per_entry: usize,
    /// Documented: 10; the service has been seen to take 20.
    pub names_per_step: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        BatchLimits {
            entries_per_request: 10,
            steps_per_entry: 10,
            names_per_step: 10,
        }
    }
}

/// One element of a request: one target and some steps for it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Which action of the batcher's owner this belongs to.
    pub action: usize,
    pub steps: Steps,
    /// How many of the action's commands are done once this entry is applied.
    pub completes: usize,
    /// What the entry changes as a whole: nothing else about it may share the request.
    pub writes: SmallVec<[Key; 2]>,
    /// What the entry relies on: nothing that changes it may share the request.
    pub reads: SmallVec<[Key; 4]>,
    pub replay_safe: bool,
    /// Only one of these works in a request.
    pub deletes_group: bool,
    owner: Action,
}

/// The entries of an action: one for most.
pub(crate) type Entries = SmallVec<[Entry; 1]>;

type Steps = SmallVec<[Step; 2]>;

/// One step on the wire: a part of the command of the caller's that it belongs to, and for most all of it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub command: usize,
    /// Which of the command's names are in it.
    part: Range<usize>,
}

/// The entries of `action`, in the order in which they must be sent.
pub(crate) fn split(action: &Action, number: usize, limits: &BatchLimits) -> Entries {
    let mut steps = Steps::new();
    for (position, command) in action.commands().iter().enumerate() {
        let parts = command.parts(limits.names_per_step);
        steps.extend(parts.map(|part| Step {
            command: position,
            part,
        }));
    }
    let all = action.commands().len();
    let mut entries = Entries::new();
    if steps.len() <= limits.steps_per_entry {
        entries.push(entry(action, number, steps, all));
        return entries;
    }
    let mut steps = steps.into_iter().peekable();
    while steps.peek().is_some() {
        let own = steps.by_ref().take(limits.steps_per_entry).collect();
        let completes = steps.peek().map_or(all, |step| step.command);
        entries.push(entry(action, number, own, completes));
    }
    entries
}

fn entry(action: &Action, number: usize, steps: Steps, completes: usize) -> Entry {
    let commands = &action.commands()[steps[0].command..=steps[steps.len() - 1].command];
    let target = action.target().key();
    let mut writes = SmallVec::new();
    let mut reads = SmallVec::with_capacity(steps.iter().map(|step| step.part.len()).sum());
    writes.push(target);
    for step in &steps {
        let command = &action.commands()[step.command];
        let part = step.part.clone();
        match command.kind() {
            Kind::Membership => command.each_mention(part, &mut |key| reads.push(key)),
            // A create or a rename brings names into being that others may be waiting for.
            Kind::Create | Kind::Rename | Kind::DeleteGroup | Kind::RemoveFromOrg | Kind::Other => {
                command.each_mention(part, &mut |key| {
                    // Most creates name their target.
                    if key != target {
                        writes.push(key);
                    }
                })
            }
        }
    }
    Entry {
        action: number,
        completes,
        writes,
        reads,
        replay_safe: is_replay_safe(commands),
        deletes_group: commands.iter().any(|c| c.kind() == Kind::DeleteGroup),
        steps,
        owner: action.clone(),
    }
}

/// Whether doing all of it twice ends, and is reported, like doing it once. What stands before a removal from the
/// organisation would not find the user the second time, unless it creates the user anew.
fn is_replay_safe(commands: &[Command]) -> bool {
    let removes = |command: &Command| command.kind() == Kind::RemoveFromOrg;
    let finds_no_user =
        commands.len() > 1 && commands.iter().any(removes) && commands[0].kind() != Kind::Create;
    commands.iter().all(Command::is_replay_safe) && !finds_no_user
}

impl Entry {
    /// The command that a step is a part of.
    pub(crate) fn command_of(&self, step: &Step) -> &Command {
        &self.owner.commands()[step.command]
    }

    /// Appends the entry to the body of a request.
    pub(crate) fn push_json(&self, body: &mut String) {
        let mut entry = ObjectWriter::begin(body);
        self.owner.write_head(&mut entry);
        let steps = entry.field("do");
        steps.push('[');
        for (position, step) in self.steps.iter().enumerate() {
            if position > 0 {
                steps.push(',');
            }
            self.push_step(step, steps);
        }
        steps.push(']');
        entry.end();
    }

    fn push_step(&self, step: &Step, json: &mut String) {
        self.command_of(step).push_part(step.part.clone(), json);
    }
}

impl Step {
    /// How many names its lists hold together.
    pub(crate) fn names(&self) -> usize {
        self.part.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("G{n}")).collect()
    }

    #[test]
    fn lists_become_steps_and_steps_become_entries() {
        let mut action = Action::on_user("a@example.com", None).unwrap();
        action.set_request_id("r\"1").unwrap();
        action.add_to_groups(&names(95)).unwrap();
        action.remove_from_groups(&names(25)).unwrap();
        let entries = split(&action, 7, &BatchLimits::default());
        let commands: Vec<Vec<usize>> = entries
            .iter()
            .map(|e| e.steps.iter().map(|s| s.command).collect())
            .collect();
        assert_eq!(commands, [vec![0; 10], vec![1; 3]]);
        assert_eq!([entries[0].completes, entries[1].completes], [1, 2]);
        let mut last = String::new();
        entries[0].push_step(&entries[0].steps[9], &mut last);
        assert_eq!(last.matches("\"G9").count(), 5);
        let mut body = String::new();
        entries[1].push_json(&mut body);
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["user"], "a@example.com");
        assert_eq!(json["requestID"], "r\"1");
        assert_eq!(
            json["do"][2]["remove"]["group"].as_array().unwrap().len(),
            5
        );
    }

    #[test]
    fn an_entry_of_a_long_list_waits_for_its_own_names_only() {
        let mut action = Action::on_user("a@example.com", None).unwrap();
        action.add_to_groups(&names(50_000)).unwrap();
        let entries = split(&action, 0, &BatchLimits::default());
        assert_eq!(entries.len(), 500);
        let mut reads = Vec::new();
        for entry in &entries {
            assert_eq!((entry.writes.len(), entry.reads.len()), (1, 100));
            reads.extend_from_slice(&entry.reads);
        }
        assert_eq!(reads, action.commands()[0].mentions());
    }

    #[test]
    fn an_adobe_id_and_a_domain_are_told() {
        let mut action = Action::on_user("jdoe", Some("example.com")).unwrap();
        action.set_use_adobe_id(true).unwrap();
        action.remove_from_all_groups().unwrap();
        let mut body = String::new();
        split(&action, 0, &BatchLimits::default())[0].push_json(&mut body);
        assert_eq!(
            body,
            r#"{"user":"jdoe","domain":"example.com","useAdobeID":true,"do":[{"remove":"all"}]}"#
        );
    }
}
